/* Text of the tables that are built into the library; made from the .tsv files beside this header at build time. */
#ifndef IAD_MANIFESTS_TABLES_H
#define IAD_MANIFESTS_TABLES_H

#include <stddef.h>

extern const char iad_text_leaderboard[];
extern const size_t iad_text_leaderboard_size;
extern const char iad_text_categories400[];
extern const size_t iad_text_categories400_size;

#endif
