# Language level, warnings and sanitizers, the same for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # the same objects make the shared libiadgpt
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(IAD_WERROR "Treat compiler warnings as errors" OFF)
option(IAD_LIBFUZZER "Build fuzz targets with libFuzzer instead of the replay driver (clang)" OFF)
set(IAD_SANITIZE "" CACHE STRING "Value for -fsanitize=, e.g. address,undefined")

add_compile_definitions(_GNU_SOURCE IAD_VERSION="${PROJECT_VERSION}")
# No contraction: data tools promise the same bytes on every machine, so a*b+c is rounded twice
# everywhere. Kernels that want FMA say so with intrinsics.
set(iad_c_warnings -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wcast-qual)
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off;-fno-math-errno;-fvisibility=hidden>"
  "$<$<COMPILE_LANGUAGE:C>:${iad_c_warnings}>" "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra>")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-O3>")
endif()
if(IAD_WERROR)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-Werror>")
endif()
if(IAD_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${IAD_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  add_link_options(-fsanitize=${IAD_SANITIZE})
endif()
if(IAD_LIBFUZZER)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=fuzzer-no-link>")
endif()
include_directories("${CMAKE_SOURCE_DIR}")
