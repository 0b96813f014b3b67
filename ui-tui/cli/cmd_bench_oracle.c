// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// continuo bench oracle: how long it takes to remember a step, to go on by one, and to jump, with
// minutes remembered. CPU time of the thread: one core, whatever else runs on it.

#include "base/cli/terminal.h"
#include "base/random.h"
#include "models/model_path.h"
#include "models/oracle.h"
#include "ui-tui/cli/bench.h"
#include "ui-tui/cli/commands.h"
#include "ui-tui/cli/times.h"

#include <stdio.h>
#include <time.h>

#define SEED 1
#define BAR_STEPS 100 // of the made-up piece, two seconds of most codecs
#define BAR_US 50.0   // what p99 may be

typedef struct oracle_bench_options {
  compute_options compute;
  const char *model;
  double minutes;
  int64_t n_steps;
} oracle_bench_options;

typedef struct oracle_bench {
  const token_model_info *info;
  token_state *state;
  times observe, sample, jump;
} oracle_bench;

// A piece that goes round in bars, every fifth code of them changed, and rests for six seconds
// after each minute.
static void make_codes(const token_model_info *info, uint64_t step, int32_t *codes)
{
  const uint32_t size = info->codebook_size ? info->codebook_size : 1u << 30;
  const bool rests = step % (33 * BAR_STEPS) >= 30 * BAR_STEPS;
  for (uint32_t k = 0; k < info->n_codebooks; ++k) {
    const bool varied = random_uniform(SEED, 1000 + k, step) < 0.2f;
    const uint64_t place = rests ? 0 : varied ? step : step % BAR_STEPS;
    codes[k] = (int32_t)(random_bits(SEED, k, place) % size);
  }
}

static double cpu_us(void)
{
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static status observe(oracle_bench *b, uint64_t step, times *t)
{
  int32_t codes[TOKEN_MAX_CODEBOOKS];
  make_codes(b->info, step, codes);
  const double from = cpu_us();
  const status code = token_state_observe(b->state, codes);
  if (t) {
    times_add(t, cpu_us() - from);
  }
  return code;
}

static status sample(oracle_bench *b, const token_sampling *how, times *t)
{
  token_step out;
  const double from = cpu_us();
  const status code = token_state_sample(b->state, how, &out);
  times_add(t, cpu_us() - from);
  return code;
}

// Fill the memory; then accompany step by step, then jump at every step.
static status bench_steps(oracle_bench *b, const oracle_bench_options *options, token_sampling how)
{
  const uint64_t filled = (uint64_t)(options->minutes * 60.0 * b->info->steps_per_second);
  const uint64_t end = filled + (uint64_t)options->n_steps;
  status code = STATUS_OK;
  for (uint64_t step = 0; !code && step < filled; ++step) {
    code = observe(b, step, NULL);
  }
  how.goes_on = false;
  for (how.step = filled; !code && how.step < end && !stop_requested(); ++how.step) {
    code = sample(b, &how, &b->sample);
    code = code ? code : observe(b, how.step, &b->observe);
  }
  how.goes_on = true;
  how.jump_probability = 1.0f;
  how.min_run_steps = 0;
  for (how.step = end; !code && how.step < end + (uint64_t)options->n_steps && !stop_requested();
       ++how.step) {
    code = sample(b, &how, &b->jump);
  }
  return code;
}

static void print_json(const oracle_bench *b, const session_times *const rows[3])
{
  static const char *const keys[] = {"observe_us", "sample_us", "jump_us"};
  json_writer w;
  json_writer_init(&w, stdout);
  json_begin_object(&w, NULL);
  json_write_integer(&w, "codebooks", b->info->n_codebooks);
  json_write_number(&w, "steps_per_second", b->info->steps_per_second);
  json_write_integer(&w, "steps_remembered", (int64_t)token_state_position(b->state).n_remembered);
  json_write_integer(&w, "state_bytes", (int64_t)token_state_bytes(b->state));
  for (int i = 0; i < 3; ++i) {
    json_write_times(&w, keys[i], rows[i]);
  }
  json_write_number(&w, "bar_us", BAR_US);
  json_end_object(&w);
  json_writer_finish(&w, NULL);
  json_writer_free(&w);
}

static void print_table(const oracle_bench *b, const session_times *const rows[3])
{
  static const char *const names[] = {"observe", "sample", "jump"};
  printf("%.1f minutes remembered, %u codebooks, %.1f MB a state\n\n",
         (double)token_state_position(b->state).n_remembered / b->info->steps_per_second / 60.0,
         (unsigned)b->info->n_codebooks, (double)token_state_bytes(b->state) * 1e-6);
  printf("us       %10s %10s %10s %10s\n", "p50", "p99", "p99.9", "max");
  for (int i = 0; i < 3; ++i) {
    printf("%-8s %10.1f %10.1f %10.1f %10.1f\n", names[i], rows[i]->p50_us, rows[i]->p99_us,
           rows[i]->p999_us, rows[i]->max_us);
  }
  printf("\nthe bar is %.0f us at p99\n", BAR_US);
}

static status bench_oracle(const command_context *context, token_model *oracle,
                           const oracle_bench_options *options, error *err)
{
  oracle_bench b = {.info = token_model_get_info(oracle)};
  status code = token_state_new(&b.state, oracle, err);
  code = code ? code : times_new(&b.observe, options->n_steps, err);
  code = code ? code : times_new(&b.sample, options->n_steps, err);
  code = code ? code : times_new(&b.jump, options->n_steps, err);
  if (!code) {
    code = bench_steps(&b, options, token_model_defaults(oracle));
    code = code ? error_set(err, code, "a step failed: %s", status_name(code)) : code;
  }
  if (!code) {
    const session_times observed = times_percentiles(&b.observe);
    const session_times sampled = times_percentiles(&b.sample);
    const session_times jumped = times_percentiles(&b.jump);
    const session_times *const rows[] = {&observed, &sampled, &jumped};
    (context->json ? print_json : print_table)(&b, rows);
  }
  times_free(&b.observe);
  times_free(&b.sample);
  times_free(&b.jump);
  token_state_free(b.state);
  return code;
}

static status bench_model(const command_context *context, const oracle_bench_options *options,
                          device *dev, error *err)
{
  char path[PATH_BYTES];
  codec *model = NULL;
  token_model *oracle = NULL;
  const codec_options wanted = {
      .dev = dev, .storage = DTYPE_F16, .encoder = true, .log = &context->log};
  status code = model_find(options->model, path, err);
  code = code ? code : codec_open(&model, path, &wanted, err);
  if (code) {
    return code;
  }
  code = oracle_new(&oracle, model, NULL, err);
  code = code ? code : bench_oracle(context, oracle, options, err);
  token_model_unref(oracle);
  codec_unref(model);
  return code;
}

static status run_bench_oracle(const command *self, command_context *context, int argc, char **argv,
                               error *err)
{
  oracle_bench_options options = {.minutes = 10.0, .n_steps = 20000};
  const option_row rows[] = {
      {'m', "model", "MODEL", "codec whose codes it remembers (default: default)", OPTION_STRING,
       &options.model, 0, 0, NULL},
      {0, "minutes", "M", "minutes heard before (default 10)", OPTION_NUMBER, &options.minutes, 0,
       1440, NULL},
      {'n', "steps", "N", "steps timed of each kind (default 20000)", OPTION_INTEGER,
       &options.n_steps, 1, 10000000, NULL},
      COMPUTE_ROWS(&options.compute),
      {0},
  };
  device *dev = NULL;
  status code = bench_begin(self, context, rows, &options.compute, argc, argv, &dev, err);
  if (dev) {
    code = bench_model(context, &options, dev, err);
    device_unref(dev);
  }
  return code;
}

const command command_bench_oracle = {
    "bench oracle", "", "Time the oracle: remembering a step, going on by one, jumping",
    run_bench_oracle};
