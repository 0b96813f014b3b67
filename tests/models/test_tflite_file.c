// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "models/io/tflite_file.h"

#include "tests/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The hand-made file of tests/reference/tflite_seed.py.
static const char *seed_path(void)
{
  static char path[4096];
  const char *source = getenv("CONTINUO_SOURCE");
  snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_tflite_file/three_operators.tflite",
           source ? source : ".");
  return path;
}

static void test_graph_is_read(void **state)
{
  (void)state;
  tflite_file f;
  error err = {0};
  assert_int_equal(tflite_file_open(&f, seed_path(), &err), STATUS_OK);
  assert_int_equal(f.n_subgraphs, 1);
  const tflite_subgraph *g = &f.subgraphs[0];
  assert_string_equal(g->name, "main");
  assert_int_equal(g->n_tensors, 8);
  assert_int_equal(g->n_operators, 3);
  assert_int_equal(g->inputs[0], 0);
  assert_int_equal(g->outputs[0], 7);

  const tflite_tensor *w = &g->tensors[1];
  assert_string_equal(w->name, "conv.weight");
  assert_int_equal(w->rank, 4);
  assert_int_equal(w->dims[0], 4);
  assert_int_equal(w->dims[2], 3);
  assert_int_equal(w->dims[4], 1);
  float values[2];
  assert_true(tflite_tensor_floats(w, 22, 2, values));
  assert_float_equal(values[1], 0.25 * 23 - 1, 0);
  assert_false(tflite_tensor_floats(w, 23, 2, values));
  assert_false(tflite_tensor_floats(w, -1, 1, values));
  assert_false(tflite_tensor_floats(&g->tensors[0], 0, 1, values)); // an activation
  int32_t shape[4];
  assert_true(tflite_tensor_ints(&g->tensors[5], 0, 4, shape));
  assert_int_equal(shape[2], 4);
  assert_false(tflite_tensor_ints(w, 0, 1, shape)); // wrong type

  assert_int_equal(g->operators[0].opcode, TFLITE_CONV_2D);
  assert_int_equal(g->operators[0].stride_w, 2);
  assert_int_equal(g->operators[0].dilation_w, 1);
  assert_true(g->operators[0].valid_padding);
  assert_int_equal(g->operators[1].opcode, TFLITE_LEAKY_RELU);
  assert_float_equal(g->operators[1].alpha, 0.3f, 0);
  assert_int_equal(g->operators[2].opcode, TFLITE_TRANSPOSE_CONV);
  assert_int_equal(g->operators[2].inputs[3], -1);
  assert_int_equal(tflite_producer(g, 4), 1);
  assert_int_equal(tflite_producer(g, 1), -1);
  tflite_file_close(&f);
}

static uint8_t *load_seed(size_t *size_bytes)
{
  FILE *stream = fopen(seed_path(), "rb");
  assert_non_null(stream);
  uint8_t *data = malloc(1 << 16);
  assert_non_null(data);
  *size_bytes = fread(data, 1, 1 << 16, stream);
  fclose(stream);
  return data;
}

static void test_every_truncation_is_refused(void **state)
{
  (void)state;
  size_t size_bytes;
  uint8_t *data = load_seed(&size_bytes);
  for (size_t n = 0; n < size_bytes; n++) {
    uint8_t *cut = malloc(n ? n : 1); // its own block, so that a sanitizer sees one byte too many
    memcpy(cut, data, n);
    tflite_file f;
    error err = {0};
    assert_int_equal(tflite_file_parse(&f, cut, n, "cut.tflite", &err), STATUS_FORMAT);
    assert_memory_equal(err.message, "cut.tflite: ", 12);
    free(cut);
  }
  free(data);
}

static void test_every_flipped_bit_is_survived(void **state)
{
  (void)state;
  size_t size_bytes;
  uint8_t *data = load_seed(&size_bytes);
  int accepted = 0;
  for (size_t bit = 0; bit < 8 * size_bytes; bit++) {
    data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    tflite_file f;
    error err = {0};
    if (tflite_file_parse(&f, data, size_bytes, "flipped.tflite", &err) == STATUS_OK) {
      accepted++; // weights and names carry no check
      tflite_file_close(&f);
    } else {
      assert_true(strlen(err.message) > 20);
    }
    data[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
  assert_true(accepted > 0);
  free(data);
}

static status open_and_close(void *user, error *err)
{
  tflite_file f;
  const status code = tflite_file_open(&f, user, err);
  if (code == STATUS_OK) {
    tflite_file_close(&f);
  }
  return code;
}

static void test_every_allocation_may_fail(void **state)
{
  (void)state;
  assert_int_equal(failing_alloc_each(open_and_close, (void *)(uintptr_t)seed_path()), 3);
}

static void test_lyra_files_are_read(void **state)
{
  (void)state;
  const char *shared = getenv("CONTINUO_SHARED");
  static const struct {
    const char *name;
    int subgraphs, tensors, operators;
  } want[] = {
      {"soundstream_encoder", 2, 253, 181}, {"quantizer", 2, 422, 233}, {"lyragan", 2, 337, 241}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/data/lyra/%s.tflite", shared ? shared : "", want[i].name);
    tflite_file f;
    error err = {0};
    const status opened = tflite_file_open(&f, path, &err);
    if (opened == STATUS_NOT_FOUND) {
      skip();
    }
    assert_int_equal(opened, STATUS_OK);
    assert_int_equal(f.n_subgraphs, want[i].subgraphs);
    assert_int_equal(f.subgraphs[0].n_tensors, want[i].tensors);
    assert_int_equal(f.subgraphs[0].n_operators, want[i].operators);
    tflite_file_close(&f);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph_is_read),
      cmocka_unit_test(test_every_truncation_is_refused),
      cmocka_unit_test(test_every_flipped_bit_is_survived),
      cmocka_unit_test(test_every_allocation_may_fail),
      cmocka_unit_test(test_lyra_files_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
