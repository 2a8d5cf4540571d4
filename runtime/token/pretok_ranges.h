/* Ranges of code points with the properties that the pre-tokenisation pattern asks for, sorted. */
#ifndef IAD_RUNTIME_PRETOK_RANGES_H
#define IAD_RUNTIME_PRETOK_RANGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct iad_pretok_range {
    uint32_t first, last; /* inclusive */
} iad_pretok_range;

extern const iad_pretok_range iad_pretok_letters[]; /* \p{L} */
extern const iad_pretok_range iad_pretok_numbers[]; /* \p{N} */
extern const iad_pretok_range iad_pretok_spaces[];  /* \s */
extern const size_t iad_pretok_n_letters, iad_pretok_n_numbers, iad_pretok_n_spaces;

#endif
