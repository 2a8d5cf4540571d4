/* An environment as lines NAME=value: rank discovery never gives a rank outside its world, nor a host with a byte that is not of a name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "train/comm/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* user: the lines, each ended by NUL, an empty one at the end. */
static const char *look(void *user, const char *name) {
    size_t n = strlen(name);
    for (const char *line = user; *line; line += strlen(line) + 1)
        if (strncmp(line, name, n) == 0 && line[n] == '=') return line + n + 1;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1u << 16) return 0;
    char *lines = iad_calloc(size + 2, 1), host[IAD_LAUNCH_HOST_MAX], text[400];
    if (!lines) return 0;
    memcpy(lines, data, size);
    for (size_t i = 0; i < size; i++)
        if (lines[i] == '\n') lines[i] = 0;
    iad_launch launch;
    iad_err err = IAD_ERR_NONE;
    if (iad_launch_find(NULL, look, lines, &launch, &err) == IAD_OK) {
        if (launch.rank < 0 || launch.rank >= launch.world || launch.world > IAD_COMM_MAX_WORLD || launch.local_rank >= launch.world) abort();
        if ((launch.world == 1) != (launch.transport == IAD_TRANSPORT_SELF)) abort();
        iad_launch_describe(&launch, text, sizeof text);
        if (strchr(launch.rendezvous, ' ') || strchr(launch.rendezvous, '/')) abort();
    } else if (err.msg[0] == 0) abort();
    if (iad_launch_first_host(lines, host, &err) == IAD_OK && (host[0] == 0 || strpbrk(host, "[],;/ $"))) abort();
    free(lines);
    return 0;
}
