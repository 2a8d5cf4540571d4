/* The one place of the suite with setjmp. libjpeg and libpng report errors by calling a function that must not
 * return; a guard turns that into a plain return value. Work runs in a function of its own, so no local variable of
 * the caller is ever clobbered. */
#ifndef IAD_IMAGE_CODEC_GUARD_H
#define IAD_IMAGE_CODEC_GUARD_H

#include <setjmp.h>

typedef struct iad_codec_guard { jmp_buf env; } iad_codec_guard;

/* Runs work(context). 1 when it returned, 0 when it called iad_codec_throw on this guard. */
int iad_codec_run(iad_codec_guard *guard, void (*work)(void *), void *context);

/* Leaves the innermost iad_codec_run of this guard. Only from within its work. */
_Noreturn void iad_codec_throw(iad_codec_guard *guard);

#endif
