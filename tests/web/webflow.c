/* Answers: whole ones, and bodies that come in pieces, too few or too many. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/web/webstate.h"

static void add_headers(struct MHD_Response *response, const char *const *headers) {
    for (; headers && headers[0]; headers += 2) MHD_add_response_header(response, headers[0], headers[1]);
}

static enum MHD_Result queue(iad_web_request *request, struct MHD_Connection *connection, int status, struct MHD_Response *response) {
    if (!response) return MHD_NO;
    request->status = status;
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result iad_web_send(iad_web_request *request, struct MHD_Connection *connection, int status, char *bytes, size_t n,
                             const char *const *headers) {
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(n, bytes, free);
    if (!response) free(bytes);
    else add_headers(response, headers);
    request->bytes = n;
    return queue(request, connection, status, response);
}

enum MHD_Result iad_web_send_page(iad_web_request *request, struct MHD_Connection *connection, int status, const char *html,
                                  const char *const *headers) {
    char *copy = iad_strdup(html);
    static const char *const plain[] = {"Content-Type", "text/html; charset=utf-8", NULL};
    return copy ? iad_web_send(request, connection, status, copy, strlen(copy), headers ? headers : plain) : MHD_NO;
}

enum MHD_Result iad_web_redirect(iad_web_request *request, struct MHD_Connection *connection, const char *where) {
    const char *const headers[] = {"Location", where, NULL};
    return iad_web_send_page(request, connection, 302, "elsewhere", headers);
}

static ssize_t next_piece(void *user, uint64_t at, char *out, size_t room) {
    iad_web_flow *flow = user;
    const double now = iad_web_now();
    iad_web *web = flow->request->web;
    if (web->stopping) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (at >= flow->stop_at) {
        if (flow->stop_at == UINT64_MAX || (flow->next > 0 && now >= flow->next)) return MHD_CONTENT_READER_END_WITH_ERROR;
        flow->next = flow->next > 0 ? flow->next : now + flow->patience_s;
        iad_web_nap_take(web, flow->connection, flow->next - now);
        return 0;
    }
    if (now < flow->next) {
        iad_web_nap_take(web, flow->connection, flow->next - now);
        return 0;
    }
    size_t n = flow->piece && flow->piece < room ? flow->piece : room;
    if (n > flow->stop_at - at) n = (size_t)(flow->stop_at - at);
    if (at < flow->n) {
        if (n > flow->n - at) n = flow->n - (size_t)at;
        memcpy(out, flow->bytes + at, n);
    } else if (flow->promised == flow->n) return MHD_CONTENT_READER_END_OF_STREAM;
    else memset(out, 'x', n);
    if (flow->interval_s > 0) flow->next = now + flow->interval_s;
    flow->request->bytes += n;
    return (ssize_t)n;
}

static void end_flow(void *user) {
    iad_web_flow *flow = user;
    free(flow->bytes);
    free(flow);
}

enum MHD_Result iad_web_send_flow(const iad_web_flow *flow, int status, const char *const *headers) {
    iad_web_flow *copy = iad_alloc(1, sizeof *copy);
    if (!copy) {
        free(flow->bytes);
        return MHD_NO;
    }
    *copy = *flow;
    struct MHD_Response *response =
        MHD_create_response_from_callback(flow->promised == UINT64_MAX ? MHD_SIZE_UNKNOWN : flow->promised, 1 << 16, next_piece, copy, end_flow);
    if (!response) end_flow(copy);
    else {
        /* A length of our own, and no chunks. */
        if (flow->false_length)
            MHD_set_response_options(response, MHD_RF_INSANITY_HEADER_CONTENT_LENGTH | MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
        add_headers(response, headers);
    }
    return queue(flow->request, flow->connection, status, response);
}
