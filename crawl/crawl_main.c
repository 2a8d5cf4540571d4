/* iad-crawl: pictures of products from search engines, politely. */
#include "crawl/cmd_crawl.h"

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
