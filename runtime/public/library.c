/* The shared library has no code of its own: it is linked out of iad_runtime, see CMakeLists.txt. */
#include "runtime/iadgpt.h"

#if IADGPT_VERSION_MAJOR != 0
#error "the soname and the symbol version in this folder are those of major version 0"
#endif
