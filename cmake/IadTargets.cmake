# gcc before 14 places the frames that AddressSanitizer keeps for use-after-return at multiples of 32 bytes only, so vectors of 64 bytes
# on the stack fault (GCC bug 110027). Kernels that have such vectors keep the real stack; all other checks stay.
function(iad_real_stack)
  if(IAD_SANITIZE MATCHES "address" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    foreach(source ${ARGN})
      if(source MATCHES "_(avx512|narrow|amx)\\.c$")
        set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_OPTIONS --param=asan-use-after-return=0)
      endif()
    endforeach()
  endif()
endfunction()

# iad_library(NAME DEPS a b SOURCES x.c y.c): a static library; without SOURCES every .c of the folder.
function(iad_library name)
  cmake_parse_arguments(A "" "" "DEPS;SOURCES" ${ARGN})
  if(NOT A_SOURCES)
    file(GLOB A_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  endif()
  add_library(${name} STATIC ${A_SOURCES})
  iad_real_stack(${A_SOURCES})
  target_link_libraries(${name} PUBLIC ${A_DEPS} m)
endfunction()

# iad_program(NAME DEPS a b SOURCES x.c): an executable in <build>/bin.
function(iad_program name)
  cmake_parse_arguments(A "" "" "DEPS;SOURCES" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS} m)
endfunction()

# iad_tests(DIR DEPS a b): every DIR/test_*.c becomes one cmocka program and one ctest.
function(iad_tests dir)
  cmake_parse_arguments(A "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/test_*.c")
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${A_DEPS} PkgConfig::CMOCKA m)
    target_compile_definitions(${name} PRIVATE IAD_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/${dir}/data")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endforeach()
endfunction()
