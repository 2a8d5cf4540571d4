#include "manifests/ingest/mmad_fault.h"

#include <string.h>

#include "base/text.h"
#include "manifests/ingest/scan_tree.h"

int iad_mmad_faulty_pill(const char *key) {
    static const char folder[] = "DS-MVTec/pill/image/good/";
    if (!iad_text_starts(key, folder)) return 0;
    const char *p = key + sizeof folder - 1;
    long number = iad_scan_number(&p);
    return number >= 0 && number <= 21 && strcmp(p, ".png") == 0;
}
