#include "crawl/cmd_crawl.h"
int iad_cmd_crawl_export(iad_app *app, int argc, char **argv, iad_err *err) { (void)app; (void)argc; (void)argv; return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "x"), 1; }
