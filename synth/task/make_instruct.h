/* Reasoning records of others (Anomaly-Instruct-125k) made few-shot, for make_reason.c. */
#ifndef IAD_SYNTH_MAKE_INSTRUCT_H
#define IAD_SYNTH_MAKE_INSTRUCT_H

#include "synth/task/draft.h"

/* Every record of the pool's category in which one picture is asked about: good pictures of the category stand in front of it, a sentence says which
 * is which, later turns stay (synth-data 3.8). Records without good pictures beside them become zero-shot ones; those with several pictures (views of
 * one 3-D part) are left alone and counted. */
iad_status iad_make_instruct(iad_draft *draft, iad_manifest *manifest, iad_err *err);

#endif
