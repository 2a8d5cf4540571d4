#include "base/progress.h"

#include <unistd.h>

void iad_progress_start(iad_progress *progress, const char *what, uint64_t total, int quiet) {
    *progress = (iad_progress){.out = stderr, .what = what, .total = total, .quiet = quiet};
    progress->started = progress->last_shown = iad_clock();
    progress->tty = isatty(STDERR_FILENO);
}

static void format_seconds(char *text, size_t size, double seconds) {
    if (seconds < 100) snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 6000) snprintf(text, size, "%d min %02d s", (int)seconds / 60, (int)seconds % 60);
    else snprintf(text, size, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

static void show(iad_progress *p, double now, int last) {
    double elapsed = now - p->started;
    double rate = elapsed > 0 ? (double)p->done / elapsed : 0;
    uint64_t at = p->done + p->skipped;
    char eta[48] = "";
    if (!last && p->total > at && rate > 0) {
        char left[32];
        format_seconds(left, sizeof left, (double)(p->total - at) / rate);
        snprintf(eta, sizeof eta, ", %s left", left);
    }
    char of[64] = "", failed[48] = "";
    if (p->total) snprintf(of, sizeof of, "/%llu (%d %%)", (unsigned long long)p->total, (int)(100 * at / p->total));
    if (p->failed) snprintf(failed, sizeof failed, ", %llu failed", (unsigned long long)p->failed);
    fprintf(p->out, "%s%s %llu%s, %.*f/s%s%s%s", p->tty ? "\r\033[K" : "", p->what, (unsigned long long)at, of,
            rate < 10 ? 1 : 0, rate, failed, eta, p->tty && !last ? "" : "\n");
    fflush(p->out);
    p->last_shown = now;
    p->shown = 1;
}

void iad_progress_add(iad_progress *progress, uint64_t done, uint64_t failed) {
    progress->done += done;
    progress->failed += failed;
    if (progress->quiet) return;
    double now = iad_clock();
    if (now - progress->last_shown >= (progress->tty ? 0.1 : 5.0)) show(progress, now, 0);
}

void iad_progress_end(iad_progress *progress) {
    if (progress->quiet || (!progress->tty && !progress->shown)) return;
    show(progress, iad_clock(), 1);
}
