/* The prompts, and the prices, that travel inside the program (embed_prompts.cmake makes the data). */
#ifndef IAD_ANNOTATE_PROMPTS_BUILTIN_H
#define IAD_ANNOTATE_PROMPTS_BUILTIN_H

#include <stddef.h>

typedef struct iad_prompt_file {
    const char *name, *text;
    size_t n;
} iad_prompt_file;
extern const iad_prompt_file iad_builtin_prompts[];
extern const size_t iad_builtin_prompts_n;
extern const iad_prompt_file iad_builtin_prices[]; /* ../client/prices.tsv */
extern const size_t iad_builtin_prices_n;

#endif
