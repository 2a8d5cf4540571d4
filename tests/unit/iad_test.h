/* What every unit test includes first: cmocka with its prerequisites, and two helpers. */
#ifndef IAD_TEST_H
#define IAD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* 1 in a build with AddressSanitizer or ThreadSanitizer. They check every access, several times slower, and learn nothing from a path's hundredth
 * turn: what is counted, compared or drawn in bulk is so in the plain builds, and here every path runs a few times. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IAD_SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { IAD_SANITIZED = 1 };
#else
enum { IAD_SANITIZED = 0 };
#endif
#else
enum { IAD_SANITIZED = 0 };
#endif

/* Demands success and shows the message otherwise. */
#define assert_ok(call)                                                                      \
    do {                                                                                     \
        iad_status assert_ok_status = (call);                                                \
        if (assert_ok_status != IAD_OK) fail_msg("%s -> %s: %s", #call, iad_status_name(assert_ok_status), err.msg); \
    } while (0)

/* Demands this failure code. */
#define assert_fails(code, call) assert_int_equal((int)(code), (int)(call))

#define assert_close(a, b, tolerance)                                                        \
    do {                                                                                     \
        double assert_a = (a), assert_b = (b), assert_d = assert_a > assert_b ? assert_a - assert_b : assert_b - assert_a; \
        if (!(assert_d <= (tolerance))) fail_msg("%s = %.17g, expected %.17g (off by %.3g)", #a, assert_a, assert_b, assert_d); \
    } while (0)

#endif
