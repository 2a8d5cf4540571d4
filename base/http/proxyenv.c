#include "base/http/proxyenv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

int iad_proxy_excluded(const char *list, const char *host) {
    size_t n_host = strlen(host);
    for (const char *p = list; *p;) {
        p += strspn(p, ", \t");
        size_t n = strcspn(p, ", \t");
        const char *name = p;
        p += n;
        if (n == 1 && *name == '*') return 1;
        if (n && *name == '.') name++, n--;
        if (!n || n > n_host || strncasecmp(host + n_host - n, name, n) != 0) continue;
        if (n == n_host || host[n_host - n - 1] == '.') return 1;
    }
    return 0;
}

static const char *first_set(const char *a, const char *b) {
    const char *value = getenv(a);
    if ((!value || !*value) && b) value = getenv(b);
    return value && *value ? value : NULL;
}

int iad_proxy_for(const char *scheme, const char *host, char proxy[IAD_PROXY_MAX]) {
    const char *value = !strcmp(scheme, "https") ? first_set("https_proxy", "HTTPS_PROXY") : first_set("http_proxy", NULL);
    if (!value) value = first_set("all_proxy", "ALL_PROXY");
    if (!value) return 0;
    const char *except = first_set("no_proxy", "NO_PROXY");
    if (except && iad_proxy_excluded(except, host)) return 0;
    return iad_text_copy(proxy, IAD_PROXY_MAX, value);
}
