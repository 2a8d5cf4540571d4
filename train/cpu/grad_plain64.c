#include "train/cpu/grad_plain64.h"

#include <math.h>

#define real double
#define PLAIN
#define NAME(name) iad_plain64_##name
#include "train/cpu/grad_plain.inc"
