/* A hash table from texts to pointers. */
#ifndef IAD_CRAWL_STRMAP_H
#define IAD_CRAWL_STRMAP_H

#include <stddef.h>

#include "base/status.h"

typedef struct iad_strmap_slot {
    char *key;   /* owned */
    void *value; /* borrowed */
} iad_strmap_slot;

/* Zero-initialise. */
typedef struct iad_strmap {
    iad_strmap_slot *slots;
    size_t n, cap;
} iad_strmap;

void iad_strmap_deinit(iad_strmap *map);
void *iad_strmap_get(const iad_strmap *map, const char *key); /* NULL: absent */
/* value must not be NULL. Errors: IAD_ERR_NOMEM. */
iad_status iad_strmap_put(iad_strmap *map, const char *key, void *value, iad_err *err);
void iad_strmap_remove(iad_strmap *map, const char *key);

#endif
