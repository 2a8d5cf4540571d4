/* AMX: whether the processor has it, and the system's leave to use it. */
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul_kernels.h"

#if IAD_AMX && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    REQUEST_PERMISSION = 0x1023, /* ARCH_REQ_XCOMP_PERM of arch_prctl(2); older headers lack it */
    TILE_DATA = 18               /* the state asked for */
};

/* CPUID as Intel's manual has it: leaf 7 names the instructions, leaf 1 whether XGETBV may be asked which states the system keeps
 * (17 and 18 are the tiles'), leaf 1Dh the size of the tiles of palette 1. */
static int processor_has(void) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> 22 & 1) == 0 || (d >> 24 & 1) == 0) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c >> 27 & 1) == 0) return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3) != 3) return 0;
    if (!__get_cpuid_count(0x1d, 1, &a, &b, &c, &d)) return 0;
    return b >> 16 >= 8 && (b & 0xffff) >= 64 && (c & 0xffff) >= 16;
}

int iad_cpu_amx_permit(void) { return processor_has() && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0; }

#else

int iad_cpu_amx_permit(void) { return 0; }

#endif
