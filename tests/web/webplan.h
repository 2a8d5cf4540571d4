/* The catalogue of the loopback web: what there is, where it stands and what an engine answers. Nothing is stored: everything is a function
 * of the seed. */
#ifndef IAD_TEST_WEBPLAN_H
#define IAD_TEST_WEBPLAN_H

#include <stdint.h>

#include "base/status.h"
#include "manifests/categories.h"
#include "tests/web/webkinds.h"

enum { IAD_WEB_MAX_HOSTS = 64, IAD_WEB_MAX_URL = 512, IAD_WEB_MAX_TITLE = 256 };

typedef enum iad_web_format { IAD_WEB_JPEG = 0, IAD_WEB_PNG, IAD_WEB_WEBP, IAD_WEB_BMP, IAD_WEB_GIF, IAD_WEB_FORMATS } iad_web_format;
const char *iad_web_format_suffix(iad_web_format format); /* "jpg" */
const char *iad_web_format_type(iad_web_format format);   /* "image/jpeg" */

/* Whose picture a picture is. */
typedef enum iad_web_copy {
    IAD_WEB_OWN = 0, IAD_WEB_SAME_BYTES, /* of another address */
    IAD_WEB_MIRRORED, IAD_WEB_SCALED,    /* other bytes, the same picture */
    IAD_WEB_FOREIGN                      /* the bytes of a picture of the category before this one */
} iad_web_copy;

typedef enum iad_web_engine { IAD_WEB_BING = 0, IAD_WEB_BAIDU, IAD_WEB_OPENVERSE, IAD_WEB_ENGINES } iad_web_engine;
const char *iad_web_engine_name(iad_web_engine engine);

typedef struct iad_web_plan {
    uint64_t seed;
    int categories, per_category; /* the first so many of manifests/categories.h; pictures of each */
    int hosts;                    /* 1..IAD_WEB_MAX_HOSTS */
    const char *pattern;          /* "img#.localhost": # is the host's number; "": 127.0.0.1, a port for each host */
    int ports[IAD_WEB_MAX_HOSTS]; /* that stand in addresses; 0: none */
    int tls_port, dead_port;      /* 0: not there */
    int shares[IAD_WEB_KINDS];
    int hostile;                  /* 1: engines mix broken and hostile results with the good ones */
    int plain;                    /* 1: all pictures are JPEGs and none is a copy (for measurements) */
    int side;                     /* width of the pictures, three quarters of it high; 0: 408..500 either way */
    iad_products products;
} iad_web_plan;

typedef struct iad_web_item {
    int category, number;
    iad_web_kind kind;
    iad_web_format format;
    iad_web_copy copy;
    int of_category, of_number; /* whose picture it is; its own when copy is OWN */
    int width, height;          /* pixels */
    int host;                   /* 0..hosts-1 */
    char url[IAD_WEB_MAX_URL], page[IAD_WEB_MAX_URL], title[IAD_WEB_MAX_TITLE];
} iad_web_item;

/* Picture `number` (0..per_category-1) of a category (0..categories-1). */
void iad_web_item_get(const iad_web_plan *plan, int category, int number, iad_web_item *item);

/* Host and port as they stand in addresses: "img3.localhost:8080". */
void iad_web_host(const iad_web_plan *plan, int host, char *out, size_t size);

/* The category that a query means: the one whose search words begin most like it; -1 when none does. */
int iad_web_category_of(const iad_web_plan *plan, const char *query);

/* How many pictures an engine knows of a category, and the one at place `rank` for this query (its words decide the order). Bing knows the
 * first 70 percent, Baidu the last 70, Openverse every fourth. -1 beyond the end. */
int iad_web_engine_count(const iad_web_plan *plan, iad_web_engine engine);
int iad_web_engine_rank(const iad_web_plan *plan, iad_web_engine engine, const char *query, int rank);

/* A number for a name: the first 8 bytes of SHA-256, with the seed. */
uint64_t iad_web_number(const iad_web_plan *plan, const char *name, uint64_t ordinal);

#endif
