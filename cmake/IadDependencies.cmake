# Every outside library, found once. CONTRIBUTING.md says what each one is for.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)  # gcc brings it; clang wants libomp-dev
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBXML REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

# oneDNN ships no pkg-config file on Debian, and its CMake package only from 3.x on: look for the C library itself.
find_path(IAD_DNNL_INCLUDE oneapi/dnnl/dnnl.h)
find_library(IAD_DNNL_LIBRARY dnnl)
if(NOT IAD_DNNL_INCLUDE OR NOT IAD_DNNL_LIBRARY)
  message(FATAL_ERROR "oneDNN was not found (Debian, Ubuntu: libdnnl-dev)")
endif()
add_library(IAD::dnnl UNKNOWN IMPORTED)
set_target_properties(IAD::dnnl PROPERTIES IMPORTED_LOCATION "${IAD_DNNL_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${IAD_DNNL_INCLUDE}")
