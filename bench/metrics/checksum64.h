/* A fast 64-bit checksum against torn and flipped bytes; no protection against intent. The same on every machine. Internal. */
#ifndef IAD_METRICS_CHECKSUM64_H
#define IAD_METRICS_CHECKSUM64_H

#include <stddef.h>
#include <stdint.h>

uint64_t iad_checksum64(const void *bytes, size_t n);

#endif
