/* Recorded graphs for tests in C: runtime/cuda's functions have C++ names. */
#include "runtime/cuda/cuda_device.cuh"

#include "tests/cudasim/cudasim.h"

extern "C" iad_status iad_cudasim_record(iad_queue *queue, iad_status (*work)(iad_queue *queue, void *arg, iad_err *err), void *arg,
                                         void (*between)(void *arg, int run), int runs, iad_err *err) {
    iad_cuda_graph *graph;
    IAD_TRY(iad_cuda_capture_begin(queue, err));
    iad_status status = work(queue, arg, err), ended = iad_cuda_capture_end(queue, &graph, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = ended;
    for (int run = 0; status == IAD_OK && run < runs; run++) {
        between(arg, run);
        status = iad_cuda_graph_run(queue, graph, err);
    }
    if (status == IAD_OK) between(arg, runs);
    iad_cuda_graph_free(graph);
    return status;
}
