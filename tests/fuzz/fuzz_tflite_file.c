// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// Any bytes as a TensorFlow Lite file: parse, then touch all that the parser promised is there.

#include "models/io/tflite_file.h"
#include "tests/fuzz/fuzz.h"

static uint64_t touch_graph(const tflite_subgraph *g)
{
  uint64_t sum = (uint8_t)g->name[0];
  for (int i = 0; i < g->n_tensors; i++) {
    const tflite_tensor *t = &g->tensors[i];
    sum += (uint64_t)tflite_tensor_count(t) + (uint8_t)t->name[0];
    if (t->data_bytes) {
      sum += t->data[0] + (uint64_t)t->data[t->data_bytes - 1];
    }
    float value;
    if (tflite_tensor_floats(t, tflite_tensor_count(t) - 1, 1, &value)) {
      sum++;
    }
  }
  for (int i = 0; i < g->n_operators; i++) {
    const tflite_operator *op = &g->operators[i];
    for (int j = 0; j < op->n_inputs; j++) {
      sum += op->inputs[j] < 0 ? 0 : (uint64_t)g->tensors[op->inputs[j]].rank;
    }
    for (int j = 0; j < op->n_outputs; j++) {
      sum += (uint64_t)g->tensors[op->outputs[j]].rank;
    }
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  tflite_file file;
  error err;
  volatile uint64_t sink = 0;
  if (tflite_file_parse(&file, data, size, "fuzz", &err) == STATUS_OK) {
    for (int i = 0; i < file.n_subgraphs; i++) {
      sink = sink + touch_graph(&file.subgraphs[i]);
    }
    tflite_file_close(&file);
  }
  return 0;
}
