#include "manifests/ingest/visa_classes.h"

#include <stdio.h>
#include <string.h>

/* Names of the values 1, 2, ..., spelt as in the data set, so that they match its lists. */
typedef struct class_names {
    const char *category;
    const char *names[10];
} class_names;

static const class_names tables[] = {
    {"candle", {"chunk of wax missing", "damaged corner of packaging", "weird candle wick", "different colour spot", "extra wax in candle",
                "foreign particals on candle", "wax melded out of the candle", "other"}},
    {"capsules", {"bubble", "discolor", "scratch", "leak", "misshape"}},
    {"cashew", {"burnt", "corner or edge breakage", "different colour spot", "middle breakage", "small holes", "small scratches",
                "stuck together", "same colour spot", "other"}},
    {"chewinggum", {"chunk of gum missing", "corner missing", "scratches", "similar colour spot", "small cracks", "other"}},
    {"fryum", {"burnt", "corner or edge breakage", "different colour spot", "fryum stuck together", "middle breakage",
               "similar colour spot", "small scratches", "other"}},
    {"macaroni1", {"chip around edge and corner", "different colour spot", "middle breakage", "similar colour spot", "small cracks",
                   "small scratches", "other"}},
    {"macaroni2", {"breakage down the middle", "color spot similar to the object", "different color spot", "small chip around edge",
                   "small cracks", "small scratches", "other"}},
    {"pcb1", {"bent", "melt", "scratch", "missing"}},
    {"pcb2", {"bent", "melt", "scratch", "missing"}},
    {"pcb3", {"bent", "melt", "scratch", "missing"}},
    {"pcb4", {"burnt", "scratch", "missing", "damage", "extra", "wrong place", "dirt"}},
    {"pipe_fryum", {"burnt", "corner and edge breakage", "different colour spot", "middle breakage", "similar colour spot",
                    "small scratches", "stuck together", "small cracks", "other"}}};

iad_status iad_visa_classes(const char *category, json_t **values, iad_err *err) {
    *values = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(tables[i].category, category) != 0) continue;
        json_t *map = json_object();
        for (int k = 0; map && tables[i].names[k]; k++) {
            char key[12];
            snprintf(key, sizeof key, "%d", k + 1);
            if (json_object_set_new(map, key, json_string(tables[i].names[k])) != 0) {
                json_decref(map);
                map = NULL;
            }
        }
        if (!map) return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for the class names of %s", category);
        *values = map;
    }
    return IAD_OK;
}
