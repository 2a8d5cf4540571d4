/* Speed of the crawler on loopback beside img2dataset and beside bare JPEG decoding; speed of the search for near copies. */
#ifndef IAD_SPEED_CRAWL_H
#define IAD_SPEED_CRAWL_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_crawl_options {
    const char *python;   /* with img2dataset; NULL: not run */
    const char *baseline; /* bench/speed/crawl_baseline.py */
    const char *crawl;    /* iad-crawl; NULL: beside this program */
    const char *web;      /* iad_web; NULL: in ../tests beside this program */
    int pictures;         /* of the list, 1..20000 */
    int side;             /* width of the pictures, 64..4096 */
    int hashes;           /* that are joined with themselves; 0: none */
    int threads;          /* worker threads of ours, processes of theirs */
} iad_speed_crawl_options;

/* Prints tables: pictures per second and memory of both for download, decode, resize to 256, SHA-256 and storing, each into an empty folder; ours
 * again with files kept as they come, beside decoding the same files with libjpeg alone; joins of random hashes. The server runs on the same machine
 * and is warm. Errors: IAD_ERR_IO (a program cannot be started, scratch folder), IAD_ERR_FORMAT (ours did not fetch all). */
iad_status iad_speed_crawl(FILE *out, const iad_speed_crawl_options *options, iad_err *err);

#endif
