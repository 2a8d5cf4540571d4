/* The identity of a unit: where its files lie, and the hashes that tell whether they still answer the question asked. */
#ifndef IAD_BENCH_UNITFILE_H
#define IAD_BENCH_UNITFILE_H

#include "bench/runner.h"

/* Tag of the map cache: scorer, its version, protocol rules, exemplars. 127 bytes at most. */
#define IAD_UNITFILE_TAG 128

iad_status iad_unitfile_tag(const iad_runner *runner, const iad_runner_unit *unit, const iad_protocol *protocol, char tag[IAD_UNITFILE_TAG],
                            iad_err *err);

/* SHA-256 (hex) of the tag, the evaluation options and the test pictures: a stored result with this value is still right. */
iad_status iad_unitfile_inputs(const iad_runner *runner, const iad_runner_unit *unit, const char *tag, char hex[65], iad_err *err);

/* The exemplars as JSON: [{"path","sha256"}] or, for rules with exemplars per query, with "query" in each. */
iad_status iad_unitfile_exemplars(const iad_runner_unit *unit, json_t **list, iad_err *err);

/* Reads a stored unit result. *unit = NULL when absent, broken, or made from other inputs. */
iad_status iad_unitfile_load(const char *path, const char *inputs, json_t **unit, iad_err *err);
iad_status iad_unitfile_save(const char *path, const json_t *unit, iad_err *err);

#endif
