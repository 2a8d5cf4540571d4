/* Hostile parts of training checkpoints: a rank's file (when the input begins like one), else a manifest. Checksums are put right first, so that
 * what stands behind them is reached; an accepted file can be read to its last record, an accepted manifest writes itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "train/store/shardformat.h"
#include "train/store/storemanifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* Ends the file with the checksum that its header and tables call for. */
static void put_shard_crc(uint8_t *bytes, size_t size) {
    if (size < IAD_SHARD_HEADER + 4) return;
    uint64_t meta = IAD_SHARD_HEADER + (uint64_t)get32(bytes + 20) * IAD_SHARD_RECORD, crcs = 4 * (uint64_t)get32(bytes + 40);
    if (meta > size || crcs + 4 > size - meta) return;
    uint32_t crc = iad_crc32c(iad_crc32c(0, bytes, meta), bytes + size - 4 - crcs, crcs);
    for (int i = 0; i < 4; i++) bytes[size - 4 + (size_t)i] = (uint8_t)(crc >> (8 * i));
}

static void try_shard(const uint8_t *bytes, size_t size) {
    iad_shard shard;
    uint64_t total = 0;
    if (iad_shard_parse(bytes, size, "fuzz", &shard, NULL) != IAD_OK) return;
    for (size_t i = 0; i < shard.n_record; i++) {
        const iad_shard_record *r = &shard.records[i];
        total += r->bytes;
        iad_shard_verify(&shard, r, "t", NULL);
        if (iad_shard_find(&shard, r->tensor, r->kind, r->begin) != r) __builtin_trap();
    }
    if (total > size) __builtin_trap();
    iad_shard_deinit(&shard);
}

static void try_manifest(const char *text, size_t size) {
    iad_store_manifest m, again;
    iad_buf out;
    if (iad_store_manifest_parse(text, size, "fuzz", &m, NULL) != IAD_OK) return;
    iad_buf_init(&out, (size_t)256 << 20);
    if (iad_store_manifest_format(&m, &out, NULL) != IAD_OK || iad_store_manifest_parse(iad_buf_str(&out), out.len, "fuzz", &again,
                                                                                        NULL) != IAD_OK) __builtin_trap();
    iad_store_manifest_deinit(&again);
    iad_store_manifest_deinit(&m);
    iad_buf_deinit(&out);
}

static void try_mended_manifest(const char *text, size_t size) {
    json_t *root;
    iad_buf out;
    char crc[16];
    if (iad_json_parse(text, size, 16, "fuzz", &root, NULL) != IAD_OK) return;
    iad_buf_init(&out, (size_t)256 << 20);
    json_object_del(root, "crc32c");
    if (iad_json_canonical(root, &out, NULL) == IAD_OK) {
        snprintf(crc, sizeof crc, "%08x", iad_crc32c(0, out.data, out.len));
        json_object_set_new(root, "crc32c", json_string(crc));
        iad_buf_reset(&out);
        if (iad_json_canonical(root, &out, NULL) == IAD_OK) try_manifest(out.data, out.len);
    }
    json_decref(root);
    iad_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 8 || memcmp(data, "iadshard", 8) != 0) {
        try_manifest((const char *)data, size);
        try_mended_manifest((const char *)data, size);
        return 0;
    }
    try_shard(data, size);
    uint8_t *copy = iad_alloc(size, 1);
    if (!copy) return 0;
    memcpy(copy, data, size);
    put_shard_crc(copy, size);
    try_shard(copy, size);
    free(copy);
    return 0;
}
