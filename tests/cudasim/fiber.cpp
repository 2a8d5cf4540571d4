#include "tests/cudasim/fiber.hpp"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifndef SIM_ASAN
#define SIM_ASAN 0
#endif
#if SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace {
/* Sanitizers make frames larger. Untouched pages cost nothing. */
const size_t STACK = SIM_ASAN ? (size_t)512 << 10 : (size_t)128 << 10;
const size_t MAX_FIBERS = 1024;
} // namespace

struct sim_fiber {
    char *stack;
    void (*entry)(void *);
    void *argument;
    int ended;
#if defined(__x86_64__)
    void *at; /* stack pointer while it does not run */
#else
    ucontext_t context;
#endif
    void *fake; /* AddressSanitizer's own */
};

namespace {
struct pool {
    sim_fiber fibers[MAX_FIBERS];
    sim_fiber *running;
#if defined(__x86_64__)
    void *scheduler;
#else
    ucontext_t scheduler;
#endif
    void *fake;
    const void *scheduler_stack;
    size_t scheduler_size;
};

struct owner {
    pool *p = nullptr;
    ~owner() {
        if (p == nullptr) return;
        for (sim_fiber &f : p->fibers)
            if (f.stack != nullptr) munmap(f.stack, STACK);
        munmap(p, sizeof *p);
    }
};
thread_local owner own;

void *map(size_t bytes) {
    void *made = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made != MAP_FAILED) return made;
    fputs("cudasim: no memory for fibers\n", stderr);
    abort();
}

pool *get() {
    if (own.p == nullptr) own.p = (pool *)map(sizeof(pool));
    return own.p;
}
} // namespace

#if defined(__x86_64__)
/* sim_switch(save, to): keeps what the calling convention wants kept on the stack, stores the stack pointer and takes the other one. */
extern "C" void sim_switch(void **save, void *to);
__asm__(".text\n"
        ".type sim_switch, @function\n"
        ".hidden sim_switch\n"
        ".globl sim_switch\n"
        "sim_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size sim_switch, .-sim_switch\n");
#endif

static void to_scheduler(pool *p, sim_fiber *fiber, bool for_ever) {
#if SIM_ASAN
    __sanitizer_start_switch_fiber(for_ever ? nullptr : &fiber->fake, p->scheduler_stack, p->scheduler_size);
#else
    (void)for_ever;
#endif
#if defined(__x86_64__)
    sim_switch(&fiber->at, p->scheduler);
#else
    swapcontext(&fiber->context, &p->scheduler);
#endif
#if SIM_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake, &p->scheduler_stack, &p->scheduler_size);
#endif
}

static void fiber_main(void) {
    pool *p = get();
    sim_fiber *fiber = p->running;
#if SIM_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &p->scheduler_stack, &p->scheduler_size);
#endif
    fiber->entry(fiber->argument);
    fiber->ended = 1;
    to_scheduler(p, fiber, true);
    abort(); /* nobody enters an ended fiber */
}

sim_fiber *sim_fiber_start(size_t index, void (*entry)(void *), void *argument) {
    pool *p = get();
    if (index >= MAX_FIBERS) abort();
    sim_fiber *fiber = &p->fibers[index];
    if (fiber->stack == nullptr) fiber->stack = (char *)map(STACK);
    fiber->entry = entry;
    fiber->argument = argument;
    fiber->ended = 0;
    fiber->fake = nullptr;
#if defined(__x86_64__)
    /* As sim_switch leaves a stack: six registers, and where to return to; the function then finds the stack as after a call. */
    void **top = (void **)(void *)(fiber->stack + STACK - 64);
    *--top = nullptr;
    *--top = (void *)fiber_main;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    fiber->at = top;
#else
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, fiber_main, 0);
#endif
    return fiber;
}

void sim_fiber_enter(sim_fiber *fiber) {
    pool *p = get();
    p->running = fiber;
#if SIM_ASAN
    __sanitizer_start_switch_fiber(&p->fake, fiber->stack, STACK);
#endif
#if defined(__x86_64__)
    sim_switch(&p->scheduler, fiber->at);
#else
    swapcontext(&p->scheduler, &fiber->context);
#endif
#if SIM_ASAN
    __sanitizer_finish_switch_fiber(p->fake, nullptr, nullptr);
#endif
    p->running = nullptr;
}

void sim_fiber_yield(void) {
    pool *p = get();
    to_scheduler(p, p->running, false);
}

int sim_fiber_ended(const sim_fiber *fiber) { return fiber->ended; }
