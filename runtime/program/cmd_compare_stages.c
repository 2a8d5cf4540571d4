/* iadgpt compare: this engine against stored activations of a reference implementation, stage by stage. */
#include <string.h>

#include "runtime/device.h"
#include "runtime/model/checkpoint.h"
#include "runtime/program/compare_pass.h"
#include "runtime/program/program.h"

/* Relative L2 error that is still the same computation: sums in another order; the reference's roundings to bf16 after
 * every operation, which we do not copy; 8-bit weights and inputs. */
static double usual_tolerance(iad_dtype storage, int bf16_reference) {
    if (storage == IAD_I8) return 0.10;
    return storage == IAD_BF16 || bf16_reference ? 0.02 : 1e-4;
}

static iad_status compare(iad_app *app, const char *dir, const char *reference, const char *weights,
                          const char *against, const char *device_name, double tolerance, iad_err *err) {
    iad_dtype storage = strcmp(weights, "f32") == 0 ? IAD_F32 : strcmp(weights, "bf16") == 0 ? IAD_BF16 : IAD_I8;
    if (strcmp(against, "auto") == 0) against = storage == IAD_F32 ? "f32" : "bf16";
    int bf16_reference = strcmp(against, "bf16") == 0;
    iad_compare job = {.kind = against,
                       .tolerance = tolerance > 0 ? tolerance : usual_tolerance(storage, bf16_reference),
                       .strict_tokens = storage == IAD_F32 && !bf16_reference,
                       .out = stdout};
    iad_st_file *file = NULL;
    iad_checkpoint *checkpoint = NULL;
    iad_device *device = NULL;
    iad_model *model = NULL;
    const iad_model_options options = {.text_storage = storage, .vision_storage = storage, .stop = &app->stop};
    iad_status status = iad_st_open(reference, &file, err);
    job.file = file;
    if (status == IAD_OK) status = iad_checkpoint_open(dir, &checkpoint, NULL, err);
    if (status == IAD_OK) status = iad_device_new(device_name, (int)app->threads, &device, err);
    if (status == IAD_OK) status = iad_model_load(checkpoint, device, &options, &model, err);
    if (status == IAD_OK) status = iad_compare_run(&job, model, dir, (int)app->threads, err);
    int ran = status == IAD_OK;
    if (ran && job.failed > 0)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%d of %d stages are further from the reference than %g", job.failed,
                          job.stages, job.tolerance);
    iad_model_free(model);
    iad_device_free(device);
    iad_checkpoint_close(checkpoint);
    iad_st_close(file);
    if (ran)
        fprintf(stderr,
                "compare stages=%d failed=%d worst=%.3e tolerance=%g tokens=%d same_tokens=%d device=%s weights=%s "
                "against=%s\n",
                job.stages, job.failed, job.worst, job.tolerance, job.tokens, job.same_tokens, device_name, weights,
                against);
    return status;
}

int iad_cmd_compare(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *dir = NULL, *reference = NULL, *weights = "f32", *against = "auto", *device = "cpu";
    double tolerance = 0;
    const iad_arg table[] = {{.kind = IAD_ARG_STRING,
                              .name = "model",
                              .value = &dir,
                              .meta = "DIR",
                              .help = "checkpoint directory",
                              .required = 1},
                             {.kind = IAD_ARG_STRING,
                              .name = "reference",
                              .value = &reference,
                              .meta = "FILE",
                              .help = "activations (safetensors), as tests/parity/reference.py writes them",
                              .required = 1},
                             {.kind = IAD_ARG_CHOICE,
                              .name = "weights",
                              .value = &weights,
                              .choices = "f32|bf16|int8",
                              .help = "number format of the weights"},
                             {.kind = IAD_ARG_CHOICE,
                              .name = "against",
                              .value = &against,
                              .choices = "auto|f32|bf16",
                              .help = "the reference's activations; auto: f32 for f32 weights, else bf16"},
                             {.kind = IAD_ARG_STRING,
                              .name = "device",
                              .value = &device,
                              .meta = "NAME",
                              .help = "cpu, reference, cuda, cuda:N"},
                             {.kind = IAD_ARG_FLOAT,
                              .name = "tolerance",
                              .value = &tolerance,
                              .meta = "X",
                              .help = "relative L2 error of a stage; 0: 1e-4 for f32, 0.02 with bf16, 0.1 with int8",
                              .flo = 0,
                              .fhi = 10},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "compare",
                              .usage = "--model DIR --reference FILE [options]",
                              .help = "Runs the pictures and the prompt of the file and prints, for every stage, the "
                                      "largest absolute difference, the relative L2 error and\n"
                                      "the cosine; for the answer, the first token that differs. Exit code 1 when a "
                                      "stage is beyond the tolerance."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = operands.n > 0 ? IAD_FAIL(err, IAD_ERR_ARG, "compare takes options only")
                                           : compare(app, dir, reference, weights, against, device, tolerance, err);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
