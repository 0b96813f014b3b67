// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo bench ops: the operators on shapes of real networks, beside their two floors.

#include "base/cli/terminal.h"
#include "base/json_writer.h"
#include "gpu/cases/op_cases.h"
#include "ui-tui/cli/bench.h"
#include "ui-tui/cli/commands.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SEED 1
#define LAUNCHES 15
#define LEAST_BATCH_S 0.002 // one measurement lasts at least this long

typedef struct ops_options {
  compute_options compute;
  const char *only;
  int storage; // index into "f16|f32|bf16|int8"
  bool all, training;
  double seconds; // to spend in all
} ops_options;

typedef struct op_time {
  double seconds; // of one call
  double gmacs_per_s, gbytes_per_s;
} op_time;

static const dtype storages[] = {DTYPE_F16, DTYPE_F32, DTYPE_BF16, DTYPE_I8};
static const char *const storage_names[] = {"f16", "f32", "bf16", "int8"};

// Calls enough that the clock's grain does not matter, but no more than the time allows.
static status time_case(const op_case *c, device *dev, dtype storage, double budget_s,
                        op_time *found, error *err)
{
  op_bench *b = NULL;
  double once = 0.0;
  status code = op_bench_new(&b, c, dev, storage, SEED, err);
  code = code ? code : op_bench_time(b, 1, 3, &once, err);
  if (!code) {
    const double wanted = fmin(LEAST_BATCH_S, budget_s / LAUNCHES) / fmax(once, 1e-9);
    const int batch = (int)fmax(1.0, fmin(wanted, 200.0));
    code = op_bench_time(b, batch, LAUNCHES, &found->seconds, err);
  }
  op_bench_free(b);
  if (!code) {
    found->gmacs_per_s = op_case_macs(c) / found->seconds * 1e-9;
    found->gbytes_per_s = op_case_bytes(c, storage) / found->seconds * 1e-9;
  }
  return code;
}

static const op_case *cases_of(const ops_options *options, int *count)
{
  return options->training ? op_training_cases(count) : op_cases(count);
}

static bool chosen(const op_case *c, const ops_options *options)
{
  return options->only
             ? strstr(c->name, options->only) || strcmp(op_name(c->op), options->only) == 0
             : c->bench || options->all;
}

static void show(json_writer *w, bool as_json, const op_case *c, const device *dev,
                 const op_time *t)
{
  if (!as_json) {
    printf("%-20s %-18s %-10s %10.2f %10.2f %10.2f\n", c->name, op_name(c->op),
           dev->table.variant[c->op], t->seconds * 1e6, t->gmacs_per_s, t->gbytes_per_s);
    return;
  }
  json_begin_object(w, NULL);
  json_write_string(w, "name", c->name);
  json_write_string(w, "operator", op_name(c->op));
  json_write_string(w, "variant", dev->table.variant[c->op]);
  json_write_number(w, "us", t->seconds * 1e6);
  json_write_number(w, "gmacs_per_s", t->gmacs_per_s);
  json_write_number(w, "gbytes_per_s", t->gbytes_per_s);
  json_end_object(w);
}

// ---- in training ----

static void show_sweeps(json_writer *w, bool as_json, const op_case *c, const device *dev,
                        const op_sweep_times *t)
{
  const double gmacs = op_case_macs(c) * 1e-9;
  if (!as_json) {
    printf("%-20s %-18s %-10s %8.2f %8.2f %8.2f %8.1f %8.1f %8.1f\n", c->name, op_name(c->op),
           dev->table.variant[c->op], t->forward * 1e3, t->to_inputs * 1e3, t->to_weights * 1e3,
           gmacs / t->forward, gmacs / t->to_inputs, gmacs / t->to_weights);
    return;
  }
  json_begin_object(w, NULL);
  json_write_string(w, "name", c->name);
  json_write_string(w, "operator", op_name(c->op));
  json_write_string(w, "variant", dev->table.variant[c->op]);
  json_write_number(w, "gmacs", gmacs);
  json_write_number(w, "forward_us", t->forward * 1e6);
  json_write_number(w, "to_inputs_us", t->to_inputs * 1e6);
  json_write_number(w, "to_weights_us", t->to_weights * 1e6);
  json_end_object(w);
}

static status bench_training_case(const op_case *c, device *dev, dtype storage, double budget_s,
                                  op_sweep_times *found, error *err)
{
  op_bench *b = NULL;
  status code = op_bench_new(&b, c, dev, storage, SEED, err);
  code = code ? code : op_bench_time_sweeps(b, 1, found, err);
  if (!code) {
    const double once = found->forward + found->to_inputs + found->to_weights;
    const int sweeps = (int)fmax(3.0, fmin(budget_s / fmax(once, 1e-9), 101.0));
    code = op_bench_time_sweeps(b, sweeps, found, err);
  }
  op_bench_free(b);
  return code;
}

static int count_chosen(const ops_options *options)
{
  int n_cases = 0, count = 0;
  const op_case *cases = cases_of(options, &n_cases);
  for (int i = 0; i < n_cases; ++i) {
    count += chosen(&cases[i], options);
  }
  return count;
}

static status bench_one(const op_case *c, const ops_options *options,
                        const command_context *context, device *dev, double budget_s,
                        json_writer *w, error *err)
{
  const dtype storage = storages[options->storage];
  status code;
  if (options->training) {
    op_sweep_times t = {0};
    code = bench_training_case(c, dev, storage, budget_s, &t, err);
    if (!code) {
      show_sweeps(w, context->json, c, dev, &t);
    }
  } else {
    op_time t = {0};
    code = time_case(c, dev, storage, budget_s, &t, err);
    if (!code) {
      show(w, context->json, c, dev, &t);
    }
  }
  return code;
}

static status bench_all(const ops_options *options, const command_context *context, device *dev,
                        error *err)
{
  int n_cases = 0;
  const op_case *cases = cases_of(options, &n_cases);
  const int n_chosen = count_chosen(options);
  if (n_chosen == 0) {
    return error_set(err, STATUS_NOT_FOUND, "--only: no case and no operator is called \"%s\"",
                     options->only);
  }
  json_writer w;
  json_writer_init(&w, stdout);
  if (context->json) {
    json_begin_object(&w, NULL);
    json_write_string(&w, "compute", dev->name);
    json_write_string(&w, "storage", storage_names[options->storage]);
    json_begin_array(&w, "cases");
  } else if (options->training) {
    printf("%s, %s weights\n\n%-39s %-10s %26s %26s\n%-20s %-18s %-10s %8s %8s %8s %8s %8s %8s\n",
           dev->name, storage_names[options->storage], "", "", "ms", "GMAC/s", "case", "operator",
           "variant", "forward", "inputs", "weights", "forward", "inputs", "weights");
  } else {
    printf("%s, %s weights\n\n%-20s %-18s %-10s %10s %10s %10s\n", dev->name,
           storage_names[options->storage], "case", "operator", "variant", "us", "GMAC/s", "GB/s");
  }
  status code = STATUS_OK;
  for (int i = 0; !code && i < n_cases && !stop_requested(); ++i) {
    if (chosen(&cases[i], options)) {
      code = bench_one(&cases[i], options, context, dev, options->seconds / n_chosen, &w, err);
    }
  }
  if (context->json) {
    json_end_array(&w);
    json_end_object(&w);
    json_writer_finish(&w, NULL);
  }
  json_writer_free(&w);
  return code;
}

static status run_bench_ops(const command *self, command_context *context, int argc, char **argv,
                            error *err)
{
  ops_options options = {.seconds = 10.0};
  const option_row rows[] = {
      {0, "only", "NAME", "cases with NAME in their name, or of operator NAME", OPTION_STRING,
       &options.only, 0, 0, NULL},
      {0, "all", NULL, "every case of the tests, not only shapes of real networks", OPTION_FLAG,
       &options.all, 0, 0, NULL},
      {0, "training", NULL, "calls and sweeps back on shapes of training (CPU)", OPTION_FLAG,
       &options.training, 0, 0, NULL},
      {'s', "seconds", "S", "time to spend in all (default 10)", OPTION_NUMBER, &options.seconds,
       0.1, 3600, NULL},
      {0, "storage", "f16|f32|bf16|int8", "how weights are stored (default f16)", OPTION_CHOICE,
       &options.storage, 0, 0, NULL},
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  device *dev = NULL;
  status code = bench_begin(self, context, rows, &options.compute, argc, argv, &dev, err);
  if (dev) {
    code = bench_all(&options, context, dev, err);
    device_unref(dev);
  }
  return code;
}

const command command_bench_ops = {"bench ops", "", "Time the operators on shapes of real networks",
                                   run_bench_ops};
