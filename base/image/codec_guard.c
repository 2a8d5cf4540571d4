#include "base/image/codec_guard.h"

int iad_codec_run(iad_codec_guard *guard, void (*work)(void *), void *context) {
    if (setjmp(guard->env)) return 0;
    work(context);
    return 1;
}

void iad_codec_throw(iad_codec_guard *guard) { longjmp(guard->env, 1); }
