// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// A run recorded into a CUDA graph on a queue of its own, so that neither the recording nor a
// replay meets what other threads queue on the device's.
#include "gpu/cuda/common.cuh"

#include <stdlib.h>

#define CAPTURE_WORKSPACE_BYTES ((size_t)4 << 20) // live steps hardly use cuBLAS

struct cuda_capture {
  cuda_queue queue;
  cudaGraphExec_t graph;
};

static status graph_status(cudaError_t code, const char *what, error *err)
{
  if (code == cudaSuccess) {
    return STATUS_OK;
  }
  cudaGetLastError();
  return error_set(err, STATUS_DEVICE, "%s: %s", what, cudaGetErrorString(code));
}

// Record body; the stream always leaves capturing mode. Relaxed: the runtime may load a kernel
// that this process has not used before.
static status record(cuda_capture *c, run *r, void (*body)(run *, void *), void *user,
                     cudaGraph_t *graph, error *err)
{
  *graph = nullptr;
  status code = graph_status(cudaStreamBeginCapture(c->queue.stream, cudaStreamCaptureModeRelaxed),
                             "capture", err);
  if (code != STATUS_OK) {
    return code;
  }
  void *before = r->stream;
  r->stream = &c->queue;
  body(r, user);
  r->stream = before;
  code = graph_status(cudaStreamEndCapture(c->queue.stream, graph), "capture", err);
  if (!run_ok(r)) { // the cause comes before its consequence
    return error_set(err, r->failure.code, "%s", r->failure.message);
  }
  return code;
}

status cuda_capture_new(cuda_capture **out, run *r, void (*body)(run *, void *), void *user,
                        error *err)
{
  *out = nullptr;
  cuda_capture *c = (cuda_capture *)calloc(1, sizeof *c);
  if (!c) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for a capture");
  }
  cudaSetDevice(((cuda_backend *)r->dev->backend)->ordinal);
  cudaGraph_t graph = nullptr;
  status code = cuda_queue_open(&c->queue, CAPTURE_WORKSPACE_BYTES, err);
  if (code == STATUS_OK) {
    code = record(c, r, body, user, &graph, err);
  }
  if (code == STATUS_OK) {
    code = graph_status(cudaGraphInstantiate(&c->graph, graph, 0), "capture", err);
  }
  if (graph) {
    cudaGraphDestroy(graph);
  }
  if (code != STATUS_OK) {
    cuda_capture_free(c);
    return code;
  }
  *out = c;
  return STATUS_OK;
}

status cuda_capture_launch(cuda_capture *c, error *err)
{
  return graph_status(cudaGraphLaunch(c->graph, c->queue.stream), "graph launch", err);
}

status cuda_capture_wait(cuda_capture *c, error *err)
{
  return graph_status(cudaStreamSynchronize(c->queue.stream), "graph", err);
}

void cuda_capture_free(cuda_capture *c)
{
  if (c->queue.stream) {
    cudaStreamSynchronize(c->queue.stream);
  }
  if (c->graph) {
    cudaGraphExecDestroy(c->graph);
  }
  cuda_queue_close(&c->queue);
  free(c);
}
