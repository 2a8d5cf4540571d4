# The card is optional. IAD_CUDA=AUTO takes it when CMake finds nvcc, ON insists (preset cuda), OFF leaves it out; runtime/cuda/none.c then stands
# in. OFF is what builds have unasked: compiling for three kinds of cards takes minutes.
# Independent of that, a C++ compiler compiles the same kernels for the simulator of tests/cudasim; without one those tests are left out.
set(IAD_CUDA "OFF" CACHE STRING "Build for NVIDIA cards: AUTO, ON or OFF")
set(IAD_CUDA_ARCHS "80;90a-real;120-real" CACHE STRING "CUDA architectures; 80 also as PTX, which newer cards compile for themselves")
include(CheckLanguage)

set(IAD_HAVE_CUDA OFF)
if(NOT IAD_CUDA STREQUAL "OFF")
  set(CMAKE_CUDA_ARCHITECTURES "${IAD_CUDA_ARCHS}")
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 17)
    set(IAD_HAVE_CUDA ON)
    # Rounded as written, as in C; no exceptions or type information, so that no C++ library is needed.
    set(IAD_CUDA_OPTIONS -fmad=false -Xcompiler=-fno-exceptions,-fno-rtti,-fno-threadsafe-statics,-fvisibility=hidden)
    set(CMAKE_CUDA_FLAGS_RELEASE "-O3")  # assert is not used
  elseif(IAD_CUDA STREQUAL "ON")
    message(FATAL_ERROR "IAD_CUDA=ON: nvcc was not found (put it into PATH, or name it with -DCMAKE_CUDA_COMPILER)")
  endif()
endif()
message(STATUS "CUDA: ${IAD_HAVE_CUDA}")

check_language(CXX)
if(CMAKE_CXX_COMPILER)
  enable_language(CXX)
  set(CMAKE_CXX_STANDARD 17)
endif()
