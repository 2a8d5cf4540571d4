/* Running the blocks of a kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cudasim/fiber.hpp"
#include "tests/cudasim/simcore.hpp"

__thread sim_dim threadIdx, blockIdx, blockDim, gridDim;

namespace {
struct warp_state {
    sim_warp_call call;
    const char *op;
    sim_combine combine;
    int come, live;
};

struct thread_state {
    sim_fiber *fiber;
    sim_dim index;
    int warp, lane, waits;
};

/* One kernel at a time on a thread of the host. */
struct machine {
    const char *name;
    const std::function<void()> *body;
    thread_state threads[SIM_MAX_THREADS];
    warp_state warps[SIM_MAX_THREADS / SIM_WARP];
    thread_state *running;
    int n_thread, live;
    const char *barrier; /* of the block, met by `come` threads so far */
    int come, votes, result;
    void *shared;
    size_t shared_bytes;
};

struct machine_owner {
    machine *m = nullptr;
    ~machine_owner() { delete m; }
};
thread_local machine_owner own;

machine *get() {
    if (own.m == nullptr) own.m = new machine();
    return own.m;
}

void block_release(machine *m) {
    m->result = m->votes;
    m->barrier = nullptr;
    m->come = m->votes = 0;
    for (int t = 0; t < m->n_thread; t++)
        if (m->threads[t].waits == 2) m->threads[t].waits = 0;
}

void warp_release(machine *m, warp_state *w, int warp) {
    w->combine(&w->call);
    w->op = nullptr;
    w->come = 0;
    memset(&w->call, 0, sizeof w->call);
    for (int t = warp * SIM_WARP; t < (warp + 1) * SIM_WARP && t < m->n_thread; t++)
        if (m->threads[t].waits == 1) m->threads[t].waits = 0;
}

void thread_main(void *) {
    machine *m = get();
    (*m->body)();
}

/* What an ended thread was waited for. */
void thread_ended(machine *m, thread_state *t) {
    m->live--;
    warp_state *w = &m->warps[t->warp];
    w->live--;
    if (w->op != nullptr) sim_fault("a thread ended while its warp waits for it");
    if (m->barrier != nullptr && m->come == m->live) block_release(m);
}

void run_block(machine *m) {
    for (int t = 0; t < m->n_thread; t++) {
        thread_state *s = &m->threads[t];
        s->fiber = sim_fiber_start((size_t)t, thread_main, nullptr);
        s->waits = 0;
    }
    memset(m->warps, 0, sizeof m->warps);
    for (int t = 0; t < m->n_thread; t++) m->warps[m->threads[t].warp].live++;
    m->live = m->n_thread;
    m->barrier = nullptr;
    m->come = m->votes = 0;
    if (m->shared_bytes > 0) memset(m->shared, 0xff, m->shared_bytes);
    while (m->live > 0) {
        bool moved = false;
        for (int t = 0; t < m->n_thread; t++) {
            thread_state *s = &m->threads[t];
            if (s->waits != 0) continue;
            moved = true;
            m->running = s;
            threadIdx = s->index;
            sim_fiber_enter(s->fiber);
            if (sim_fiber_ended(s->fiber)) {
                s->waits = 3;
                thread_ended(m, s);
            }
        }
        if (!moved) sim_fault("all threads wait, and not for the same");
    }
}
} // namespace

void sim_fault(const char *what) {
    machine *m = get();
    const thread_state *t = m->running;
    fprintf(stderr, "cudasim: kernel %s, block (%u, %u, %u), thread (%u, %u, %u): %s\n", m->name != nullptr ? m->name : "none", blockIdx.x,
            blockIdx.y,
            blockIdx.z, t != nullptr ? t->index.x : 0, t != nullptr ? t->index.y : 0, t != nullptr ? t->index.z : 0, what);
    abort();
}

void sim_warp(const char *op, sim_combine combine, const void *in, void *out) {
    machine *m = get();
    thread_state *t = m->running;
    warp_state *w = &m->warps[t->warp];
    if (w->op == nullptr) {
        w->op = op;
        w->combine = combine;
    } else if (w->combine != combine) {
        sim_fault("lanes of a warp meet in different operations");
    }
    w->call.in[t->lane] = in;
    w->call.out[t->lane] = out;
    if (++w->come == w->live) {
        warp_release(m, w, t->warp);
        return;
    }
    t->waits = 1;
    sim_fiber_yield();
    threadIdx = t->index;
}

int sim_block(const char *op, int predicate) {
    machine *m = get();
    thread_state *t = m->running;
    if (m->barrier == nullptr) m->barrier = op;
    else if (strcmp(m->barrier, op) != 0) sim_fault("threads of a block wait at barriers of different kinds");
    m->votes += predicate != 0;
    if (++m->come == m->live) {
        block_release(m);
        return m->result;
    }
    t->waits = 2;
    sim_fiber_yield();
    threadIdx = t->index;
    return m->result;
}

void *sim_shared_get(void) { return get()->shared; }
size_t sim_shared_bytes(void) { return get()->shared_bytes; }

void sim_run(const char *name, dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &body) {
    machine *m = get();
    m->name = name;
    m->body = &body;
    m->n_thread = (int)(block.x * block.y * block.z);
    m->shared_bytes = shared_bytes;
    m->shared = nullptr;
    /* Of the exact size, so that AddressSanitizer sees what lies beyond. */
    if (shared_bytes > 0 && posix_memalign(&m->shared, 128, shared_bytes) != 0) abort();
    for (int t = 0; t < m->n_thread; t++) {
        unsigned n = (unsigned)t;
        m->threads[t].index = {n % block.x, n / block.x % block.y, n / block.x / block.y};
        m->threads[t].warp = t / SIM_WARP;
        m->threads[t].lane = t % SIM_WARP;
    }
    blockDim = {block.x, block.y, block.z};
    gridDim = {grid.x, grid.y, grid.z};
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = {x, y, z};
                run_block(m);
            }
    free(m->shared);
    m->shared = nullptr;
    m->running = nullptr;
    m->name = nullptr;
}
