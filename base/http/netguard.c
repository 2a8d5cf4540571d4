#include "base/http/netguard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

static int public_v4(uint32_t a) { /* host byte order */
    static const struct {
        uint32_t net;
        int bits;
    } closed[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24},
                  {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if ((a ^ closed[i].net) >> (32 - closed[i].bits) == 0) return 0;
    return 1;
}

static uint32_t read32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int public_v6(const uint8_t *a) {
    static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (!memcmp(a, mapped, 12)) return public_v4(read32(a + 12));
    if (!memcmp(a, nat64, 12)) return public_v4(read32(a + 12));
    if (!memcmp(a, zero, 12)) return 0;                          /* ::, ::1 and the old compatible form */
    if (a[0] == 0x20 && a[1] == 0x02) return public_v4(read32(a + 2)); /* 6to4 */
    if (a[0] == 0x20 && a[1] == 0x01 && (a[2] < 2 || (a[2] == 0x0d && a[3] == 0xb8))) return 0; /* 2001::/23 with Teredo; documentation */
    return (a[0] & 0xe0) == 0x20;                                /* 2000::/3 is all that is in use */
}

int iad_net_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return public_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return public_v6(v6.sin6_addr.s6_addr);
    }
    return 0;
}

int iad_net_public_text(const char *host) {
    uint8_t bytes[16];
    struct in_addr old;
    if (inet_pton(AF_INET6, host, bytes) == 1) return public_v6(bytes);
    if (inet_aton(host, &old)) return public_v4(ntohl(old.s_addr)); /* also the decimal, octal, hexadecimal and short forms */
    return -1;
}

int iad_net_match(const char *pattern, const char *host) {
    if (!strcmp(pattern, "*")) return 1;
    if (pattern[0] == '*' && pattern[1] == '.') return strlen(host) > strlen(pattern + 1) && iad_text_ends_nocase(host, pattern + 1);
    return iad_text_equal_nocase(pattern, host);
}
