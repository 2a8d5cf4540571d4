/* Proxies by the usual environment variables. */
#ifndef IAD_BASE_HTTP_PROXYENV_H
#define IAD_BASE_HTTP_PROXYENV_H

#define IAD_PROXY_MAX 1024

/* 1 and the proxy's URL when requests of this scheme to this host go through one: http_proxy (lower case only, since HTTP_PROXY can be
 * set by a request to a CGI program), https_proxy or HTTPS_PROXY, then all_proxy or ALL_PROXY; not for hosts in no_proxy or NO_PROXY
 * (comma list of names, each with everything below it; "*": all). */
int iad_proxy_for(const char *scheme, const char *host, char proxy[IAD_PROXY_MAX]);

/* The rule of no_proxy. */
int iad_proxy_excluded(const char *list, const char *host);

#endif
