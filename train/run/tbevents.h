/* Scalars for TensorBoard: an event file (TFRecord framing with masked CRC-32C around protocol buffers of tensorflow.Event), written by hand since
 * it is three messages; file and bytes are a function of the arguments. */
#ifndef IAD_TRAIN_TBEVENTS_H
#define IAD_TRAIN_TBEVENTS_H

#include <stdint.h>

#include "base/status.h"

enum { IAD_TB_MAX_TAG = 200, IAD_TB_MAX_SCALARS = 256 };

typedef struct iad_tb_scalar {
    const char *tag;  /* "loss/ce": UTF-8, up to IAD_TB_MAX_TAG bytes */
    double value;     /* stored as f32; NaN and infinity are kept and shown as such */
} iad_tb_scalar;

typedef struct iad_tb_writer iad_tb_writer;

/* Makes dir (with its parents) and in it events.out.tfevents.<seconds>.iadgpt.<first_step>, replacing one of that name. wall_time: seconds since
 * 1970. first_step > 0 tells TensorBoard to drop what earlier files of the folder say of steps from there on: a run that goes on. */
iad_status iad_tb_open(const char *dir, double wall_time, int64_t first_step, iad_tb_writer **writer, iad_err *err);
/* One event; on the disk's way when it returns, so that a watcher sees it. IAD_ERR_ARG names a tag that is too long, IAD_ERR_IO the file. */
iad_status iad_tb_add(iad_tb_writer *writer, double wall_time, int64_t step, const iad_tb_scalar *scalars, int n, iad_err *err);
iad_status iad_tb_close(iad_tb_writer *writer, iad_err *err); /* NULL is fine */

#endif
