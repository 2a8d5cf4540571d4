/* The phrasings that travel inside the program (embed_templates.cmake makes the data). */
#ifndef IAD_SYNTH_TEMPLATES_BUILTIN_H
#define IAD_SYNTH_TEMPLATES_BUILTIN_H

#include <stddef.h>

typedef struct iad_builtin_text {
    const char *name, *text;
    size_t n;
} iad_builtin_text;
extern const iad_builtin_text iad_builtin_templates[];
extern const size_t iad_builtin_templates_n;
extern const iad_builtin_text iad_builtin_captions[]; /* ../render/captions */
extern const size_t iad_builtin_captions_n;

#endif
