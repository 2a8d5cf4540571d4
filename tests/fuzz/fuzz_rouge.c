/* Two texts divided by a zero byte: all three numbers lie in 0..1, and F is the same with the texts exchanged. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/words/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = iad_alloc(size + 2, 1); /* both texts end in a zero, however many the input has */
    iad_rouge one, two;
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = text[size + 1] = 0;
    const char *other = text + strlen(text) + 1;
    if (iad_rouge_l(text, other, &one, NULL) == IAD_OK && iad_rouge_l(other, text, &two, NULL) == IAD_OK) {
        if (!(one.f >= 0 && one.f <= 1 && one.precision >= 0 && one.precision <= 1 && one.recall >= 0 && one.recall <= 1)) abort();
        if (fabs(one.f - two.f) > 1e-12 || one.precision != two.recall || one.recall != two.precision) abort();
    }
    free(text);
    return 0;
}
