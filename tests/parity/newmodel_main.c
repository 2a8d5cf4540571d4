/* newmodel_main PRESET DIR [nested] [new] [SHARD_BYTES] [f32|bf16|f16] [seed N]: writes a model for check_newmodel.py; golden unless a seed is
 * given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/model/newmodel.h"

int main(int argc, char **argv) {
    static iad_model_config config;
    iad_newmodel_options o = {.golden = 1, .dtype = IAD_F32, .force = 1};
    iad_err err = IAD_ERR_NONE;
    if (argc < 3) return 2;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "nested") == 0) o.layout = IAD_CONFIG_NESTED;
        else if (strcmp(argv[i], "new") == 0) o.new_names = 1;
        else if (strcmp(argv[i], "bf16") == 0) o.dtype = IAD_BF16;
        else if (strcmp(argv[i], "f16") == 0) o.dtype = IAD_F16;
        else if (strcmp(argv[i], "f32") == 0) o.dtype = IAD_F32;
        else if (strcmp(argv[i], "seed") == 0 && i + 1 < argc) o.golden = 0, iad_parse_u64(argv[++i], &o.seed, "seed", &err);
        else iad_parse_u64(argv[i], &o.max_shard_bytes, "shard bytes", &err);
    }
    if (err.code == IAD_OK && iad_newmodel_config(argv[1], &config, &err) == IAD_OK) iad_model_new(&config, &o, argv[2], NULL, NULL, &err);
    if (err.code == IAD_OK) return 0;
    fprintf(stderr, "%s\n", err.msg);
    return 1;
}
