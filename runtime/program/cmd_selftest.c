/* iadgpt selftest: every operation against the plain implementation, then known answers of a small model. */
#include <stdio.h>
#include <string.h>

#include "runtime/device.h"
#include "runtime/program/program.h"
#include "runtime/program/selftest.h"

static iad_status selftest(iad_app *app, const char *device_name, const char *model, iad_selftest *test, iad_err *err) {
    iad_device *device = NULL, *reference = NULL;
    IAD_TRY(iad_device_new(device_name, (int)app->threads, &device, err));
    iad_status status = iad_device_reference_new(&reference, err);
    printf("%-34s%12s%12s\n", "check", "deviation", "allowed");
    if (status == IAD_OK) status = iad_selftest_ops(test, device, reference, err);
    iad_device_free(reference);
    if (status == IAD_OK) status = iad_selftest_golden(test, device, (int)app->threads, err);
    iad_device_free(device);
    if (status == IAD_OK && model) status = iad_selftest_model(test, model, device_name, (int)app->threads, err);
    return status;
}

int iad_cmd_selftest(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *device = "cpu", *model = NULL;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "device", .value = &device, .meta = "NAME", .help = "cpu, reference, cuda or cuda:N"},
        {.kind = IAD_ARG_STRING, .name = "model", .value = &model, .meta = "DIR",
         .help = "also inspect a drawn picture with this model: batch against single, file against memory"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "selftest", .usage = "[--device NAME] [--model DIR]",
                              .help = "Runs every operation on small shapes against plain loops in double, then a small model with known weights "
                                      "against\n"
                                      "known answers. Exit code 1 when anything is off."};
    iad_strings operands = {0};
    iad_selftest test = {.out = stdout};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && operands.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%s\"", operands.items[0]));
    if (code < 0) {
        code = iad_app_exit_code(selftest(app, device, model, &test, err));
        fprintf(stderr, "device=%s checks=%d failed=%d\n", device, test.n, test.failed);
        if (code == IAD_EXIT_OK && test.failed) code = IAD_EXIT_FAILED;
    }
    iad_strings_deinit(&operands);
    return code;
}
