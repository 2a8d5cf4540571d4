/* A threshold from good pictures, with what it rests on, as one JSON file. */
#ifndef IAD_PROGRAM_CALIBRATEFILE_H
#define IAD_PROGRAM_CALIBRATEFILE_H

#include "base/buf.h"
#include "base/text.h"
#include "runtime/engine/calibrate.h"
#include "runtime/iadgpt.h"

typedef struct iad_calibration_file {
    iad_calibration calibration;
    char key[65];      /* of the exemplar set */
    float lo, hi;      /* range of the maps of the good pictures; lo > hi: there were none */
} iad_calibration_file;

/* {"threshold": .., ...}; names and scores [m] are listed when names is not NULL. Appended without a line end. */
iad_status iad_calibration_json(const iad_calibration_file *file, char *const *names, const double *scores, iad_buf *out, iad_err *err);
/* Reads one; key: must be the file's (IAD_ERR_ARG otherwise). */
iad_status iad_calibration_load(const char *path, const char *key, iad_calibration_file *file, iad_err *err);

/* 1 when the picture is one of the exemplars, pixel by pixel. */
iad_status iad_is_exemplar(const iadgpt_exemplars *exemplars, const iadgpt_picture *picture, int *is, iad_err *err);

#endif
