/* Lists of exemplars in all their notations. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/refs_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_image_row rows[3] = {{.id = 1, .path = "nut/train/good/0.png"},
                             {.id = 2, .path = "nut/train/good/1.png"},
                             {.id = 3, .path = "nut/test/bad/0.png"}};
    const iad_image_row *normals[] = {&rows[0], &rows[1]}, *tests[] = {&rows[2]};
    iad_refs_pool pool = {.dataset = "d",
                          .category = "nut",
                          .view = "",
                          .root = "/data",
                          .train = normals,
                          .n_train = 2,
                          .train_all = normals,
                          .n_train_all = 2,
                          .normals = normals,
                          .n_normals = 2,
                          .tests = tests,
                          .n_tests = 1};
    iad_refs_rule *rule = iad_calloc(1, sizeof *rule);
    iad_refs_choice *choice = iad_calloc(1, sizeof *choice);
    char *text = iad_alloc(size + 1, 1);
    iad_err err;
    if (rule && choice && text) {
        memcpy(rule->arg, "list.txt", 9);
        memcpy(rule->canonical, "list:list.txt", 14);
        if (size) memcpy(text, data, size);
        text[size] = 0;
        (void)iad_refs_list_read(&pool, rule, 2, text, size, choice, &err);
        if (choice->n > 2) abort();
        for (size_t i = 0; i < choice->n_own; i++)
            if (choice->own[i].n > 2 || choice->own[i].query != &rows[2]) abort();
        free(choice->own);
    }
    free(text);
    free(choice);
    free(rule);
    return 0;
}
