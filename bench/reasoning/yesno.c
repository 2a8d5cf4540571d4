#include "bench/reasoning/yesno.h"

#include <string.h>
#include <strings.h>

static int in_word(unsigned char c) { return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

iad_yesno iad_yesno_strict(const char *answer) {
    for (const char *p = answer; *p;) {
        size_t n = 0;
        while (in_word((unsigned char)p[n])) n++;
        if (n == 3 && strncasecmp(p, "yes", 3) == 0) return IAD_SAYS_YES;
        if (n == 2 && strncasecmp(p, "no", 2) == 0) return IAD_SAYS_NO;
        p += n ? n : 1;
    }
    return IAD_SAYS_NEITHER;
}

iad_yesno iad_yesno_anomaly_ov(const char *answer) { return strstr(answer, "Yes") || strstr(answer, "yes") ? IAD_SAYS_YES : IAD_SAYS_NO; }

int iad_yesno_anomalygpt_right(const char *answer, int anomalous) { return strstr(answer, anomalous ? "Yes" : "No") != NULL; }
