#include "train/cpu/flat_body.h"

IAD_FLAT_KERNELS(plain, )
