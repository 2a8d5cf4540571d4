/* iad-crawl: pictures of products from search engines, politely. */
#include <stdio.h>

#include "crawl/cmd_crawl.h"

iad_status iad_cmd_crawl_print(const char *text, size_t n, iad_err *err) {
    if (fwrite(text, 1, n, stdout) != n || fflush(stdout) != 0) return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

int main(int argc, char **argv) {
    static const iad_command commands[] = {
        {.name = "run", .summary = "search, fetch, judge, until every category has its pictures", .run = iad_cmd_crawl_run},
        {.name = "status", .summary = "how far it is: categories, engines", .run = iad_cmd_crawl_status},
        {.name = "retry", .summary = "forget failures of some kinds, and blocks of engines, for the next run", .run = iad_cmd_crawl_retry},
        {.name = "report", .summary = "what became of every address: by reason, engine, host", .run = iad_cmd_crawl_report},
        {.name = "gallery", .summary = "one HTML page of what is kept, to look through and choose what to refuse", .run = iad_cmd_crawl_gallery},
        {.name = "reject", .summary = "refuse pictures; the next run looks for others", .run = iad_cmd_crawl_reject},
        {.name = "export", .summary = "addresses, hashes and licences of what is kept, for others to fetch themselves", .run = iad_cmd_crawl_export},
        {.name = NULL}};
    return iad_app_main(argc, argv, "iad-crawl", IAD_VERSION, "pictures of products from search engines, with provenance and without doubles",
                        commands);
}
