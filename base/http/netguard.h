/* Which network addresses a program that follows strangers' links may talk to. */
#ifndef IAD_BASE_HTTP_NETGUARD_H
#define IAD_BASE_HTTP_NETGUARD_H

#include <sys/socket.h>

/* 1 when the address belongs to the public internet. 0 for loopback, private, link-local (with the metadata services of clouds), shared
 * (100.64/10), test, multicast and reserved ranges of IPv4 and IPv6 (IANA special-purpose registries, RFC 6890), also inside IPv4-mapped,
 * 6to4 and NAT64 forms, and for other families. */
int iad_net_public(const struct sockaddr *address);

/* The same for a numeric address in text form; -1 when the text is none. */
int iad_net_public_text(const char *host);

/* Does `host` match `pattern`: equal ignoring case, or "*.example.com" and host ends in ".example.com"? */
int iad_net_match(const char *pattern, const char *host);

#endif
