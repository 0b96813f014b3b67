// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// What training asks of the tape beyond single gradients (those stand in test_ops): several sweeps
// from several seeds, frozen weights, stretches, views, micro-batches, memory that stays flat.

#include "base/random.h"
#include "gpu/apply.h"
#include "gpu/tape.h"
#include "tests/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 24
#define CHANNELS 6
#define COUNT (ROWS * CHANNELS)
#define ARENA_BYTES ((size_t)4 << 20)
#define N_WEIGHTS 4

// A generator (two convolutions) and a critic (two more) that listens to it.
typedef struct net {
  device *dev;
  weight conv[N_WEIGHTS];
  arena memory;
  tape *record;
  float x[2 * COUNT];
  tensor audio, latent, score; // of the last forward
  int critic;                  // where its calls begin
} net;

// ---- a backward that counts its calls ----

static int n_conv_sweeps;
static void (*plain_conv_backward)(run *r, const tape_node *node);

static void counting_backward(run *r, const tape_node *node)
{
  ++n_conv_sweeps;
  plain_conv_backward(r, node);
}

static void ok(status code, const error *err)
{
  if (code != STATUS_OK) {
    fail_msg("%s", err->message);
  }
}

static float value_at(uint64_t key, int64_t index)
{
  return random_uniform(3, key, (uint64_t)index) - 0.5f;
}

static int open_net(void **state)
{
  static net n;
  error err = {0};
  n = (net){0};
  const device_options options = {.kind = COMPUTE_CPU, .n_threads = 1};
  ok(device_open(&n.dev, &options, &err), &err);
  plain_conv_backward = n.dev->table.backward[OP_CONV1D];
  n.dev->table.backward[OP_CONV1D] = counting_backward;
  for (int i = 0; i < N_WEIGHTS; ++i) {
    weight_init(&n.conv[i], "conv", WEIGHT_CONV1D, 3, (const int64_t[]){CHANNELS, CHANNELS, 3});
    ok(weight_allocate(&n.conv[i], false, &err), &err);
    for (int64_t k = 0; k < weight_count(&n.conv[i]); ++k) {
      n.conv[i].master[k] = value_at((uint64_t)i, k);
    }
    ok(weight_track(n.dev, &n.conv[i], &err), &err);
    ok(weight_refresh(n.dev, &n.conv[i], &err), &err);
  }
  for (int i = 0; i < 2 * COUNT; ++i) {
    n.x[i] = value_at(77, i);
  }
  ok(tape_new(&n.record, 16, &err), &err);
  void *data = n.dev->allocate(n.dev, ARENA_BYTES);
  assert_non_null(data);
  arena_init(&n.memory, data, ARENA_BYTES);
  *state = &n;
  return 0;
}

static int close_net(void **state)
{
  net *n = *state;
  for (int i = 0; i < N_WEIGHTS; ++i) {
    weight_free(n->dev, &n->conv[i]);
  }
  n->dev->release(n->dev, n->memory.data);
  tape_free(n->record);
  device_unref(n->dev);
  return 0;
}

static tensor conv(run *r, net *n, tensor x, int index)
{
  const conv1d_args args = {.kernel = 3,
                            .stride = 1,
                            .dilation = 1,
                            .groups = 1,
                            .pad_left = 2,
                            .act_in = ACT_ELU,
                            .act_slope = 1.0f};
  return apply_conv1d(r, x, &n->conv[index], NULL, NULL, NULL, &args);
}

static void begin(run *r, net *n)
{
  arena_rewind(&n->memory, 0);
  tape_reset(n->record);
  run_init(r, n->dev, &n->memory);
  r->record = n->record;
}

static void clear_weights(net *n)
{
  error err = {0};
  for (int i = 0; i < N_WEIGHTS; ++i) {
    ok(weight_track(n->dev, &n->conv[i], &err), &err);
  }
}

// x -> latent -> critic -> score, over `streams` streams from stream `first`.
static void forward(run *r, net *n, int first, int streams, bool watch_latent)
{
  n->audio = tensor_view(n->x + first * COUNT, DTYPE_F32, 3, streams, ROWS, CHANNELS, 1);
  tape_watch(r, &n->audio);
  n->latent = conv(r, n, conv(r, n, n->audio, 0), 1);
  if (watch_latent) {
    tape_watch(r, &n->latent);
  }
  n->critic = tape_position(n->record);
  n->score = conv(r, n, conv(r, n, n->latent, 2), 3);
}

static tensor seed_of(run *r, uint64_t key, int streams)
{
  tensor seed = run_tensor(r, DTYPE_F32, 3, streams, ROWS, CHANNELS, 1);
  assert_true(run_ok(r));
  for (int i = 0; i < streams * COUNT; ++i) {
    ((float *)seed.data)[i] = value_at(key, i);
  }
  return seed;
}

static void check_run(const run *r)
{
  if (!run_ok(r)) {
    fail_msg("%s", r->failure.message);
  }
}

static void keep(run *r, const tensor *t, float *to)
{
  const tensor gradient = tape_gradient(r, t);
  check_run(r);
  assert_non_null(gradient.data);
  memcpy(to, gradient.data, tensor_bytes(&gradient));
}

static void keep_weights(const net *n, float *to)
{
  for (int i = 0; i < N_WEIGHTS; ++i) {
    const size_t count = (size_t)weight_count(&n->conv[i]);
    memcpy(to + (size_t)i * count, n->conv[i].grad, count * sizeof *to);
  }
}

#define WEIGHT_VALUES (CHANNELS * CHANNELS * 3)

static bool all_zero(const float *x, int64_t count)
{
  for (int64_t i = 0; i < count; ++i) {
    if (x[i] != 0.0f) {
      return false;
    }
  }
  return true;
}

static void assert_near(const float *a, const float *b, int64_t count, float off)
{
  for (int64_t i = 0; i < count; ++i) {
    const float difference = a[i] - b[i];
    if (!(difference < off && -difference < off)) {
      fail_msg("[%lld]: %g and %g", (long long)i, (double)a[i], (double)b[i]);
    }
  }
}

// ---- sweeps ----

static void a_cleared_tape_sweeps_as_a_fresh_one(void **state)
{
  net *n = *state;
  float fresh[COUNT], again[COUNT];
  run r;
  begin(&r, n);
  forward(&r, n, 0, 1, false);
  tensor first = seed_of(&r, 1, 1), second = seed_of(&r, 2, 1);
  tape_backward(&r, &n->score, &second);
  keep(&r, &n->audio, fresh);
  tape_clear_gradients(n->record);
  tape_backward(&r, &n->score, &first);
  tape_clear_gradients(n->record);
  tape_backward(&r, &n->score, &second);
  keep(&r, &n->audio, again);
  assert_false(all_zero(fresh, COUNT));
  assert_memory_equal(fresh, again, sizeof fresh);
}

// What is not cleared adds up at the inputs, and nowhere is it swept twice.
static void sweeps_add_up_at_inputs(void **state)
{
  net *n = *state;
  float sum[COUNT], both[COUNT], weights[N_WEIGHTS * WEIGHT_VALUES], twice[sizeof weights / 4];
  run r;
  begin(&r, n);
  clear_weights(n);
  forward(&r, n, 0, 1, true);
  const tensor first = seed_of(&r, 1, 1), second = seed_of(&r, 2, 1);
  tape_backward(&r, &n->score, &first);
  tape_backward(&r, &n->score, &second);
  keep(&r, &n->audio, sum);
  keep_weights(n, twice);
  tape_clear_gradients(n->record);
  clear_weights(n);
  tape_seed(&r, &n->score, &first);
  tape_seed(&r, &n->score, &second);
  tape_sweep(&r, 0, tape_position(n->record));
  keep(&r, &n->audio, both);
  keep_weights(n, weights);
  assert_near(sum, both, COUNT, 1e-5f);
  assert_near(twice, weights, N_WEIGHTS * WEIGHT_VALUES, 1e-4f);
}

static void frozen_weights_are_neither_touched_nor_paid_for(void **state)
{
  net *n = *state;
  float open[COUNT], frozen[COUNT], weights[N_WEIGHTS * WEIGHT_VALUES];
  run r;
  begin(&r, n);
  forward(&r, n, 0, 1, true);
  const tensor seed = seed_of(&r, 1, 1);
  tape_backward(&r, &n->score, &seed);
  keep(&r, &n->latent, open);
  tape_clear_gradients(n->record);
  clear_weights(n);
  tape_set_targets(n->record, TAPE_TENSORS);
  tape_seed(&r, &n->score, &seed);
  n_conv_sweeps = 0;
  tape_sweep(&r, n->critic, tape_position(n->record));
  keep(&r, &n->latent, frozen);
  keep_weights(n, weights);
  assert_int_equal(n_conv_sweeps, 2);
  assert_memory_equal(open, frozen, sizeof open);
  assert_true(all_zero(weights, N_WEIGHTS * WEIGHT_VALUES));
}

static void one_frozen_weight_is_passed_through(void **state)
{
  net *n = *state;
  float all[N_WEIGHTS * WEIGHT_VALUES], weights[N_WEIGHTS * WEIGHT_VALUES];
  run r;
  for (int pass = 0; pass < 2; ++pass) {
    n->conv[2].frozen = pass == 1;
    begin(&r, n);
    forward(&r, n, 0, 1, false);
    const tensor seed = seed_of(&r, 1, 1);
    clear_weights(n);
    tape_backward(&r, &n->score, &seed);
    check_run(&r);
    keep_weights(n, pass ? weights : all);
  }
  n->conv[2].frozen = false;
  const size_t bytes = WEIGHT_VALUES * sizeof(float);
  assert_memory_equal(all, weights, 2 * bytes);
  assert_true(all_zero(weights + 2 * WEIGHT_VALUES, WEIGHT_VALUES));
  assert_false(all_zero(all + 2 * WEIGHT_VALUES, WEIGHT_VALUES));
  assert_memory_equal(all + 3 * WEIGHT_VALUES, weights + 3 * WEIGHT_VALUES, bytes);
}

// A critic that learns from a detached generator: weights only, and none before the stretch.
static void a_stretch_toward_weights_stops_at_its_inputs(void **state)
{
  net *n = *state;
  float all[N_WEIGHTS * WEIGHT_VALUES], weights[N_WEIGHTS * WEIGHT_VALUES];
  run r;
  begin(&r, n);
  forward(&r, n, 0, 1, true);
  const tensor seed = seed_of(&r, 1, 1);
  clear_weights(n);
  tape_backward(&r, &n->score, &seed);
  keep_weights(n, all);
  tape_clear_gradients(n->record);
  clear_weights(n);
  tape_set_targets(n->record, TAPE_WEIGHTS);
  tape_seed(&r, &n->score, &seed);
  n_conv_sweeps = 0;
  tape_sweep(&r, n->critic, tape_position(n->record));
  check_run(&r);
  keep_weights(n, weights);
  assert_int_equal(n_conv_sweeps, 2);
  assert_true(all_zero(weights, 2 * WEIGHT_VALUES));
  assert_memory_equal(weights + 2 * WEIGHT_VALUES, all + 2 * WEIGHT_VALUES, sizeof all / 2);
  assert_true(all_zero(tape_gradient(&r, &n->latent).data, COUNT));
}

// The loss balancer: stretch by stretch gives what one sweep gives, bit for bit.
static void stretches_give_what_the_whole_gives(void **state)
{
  net *n = *state;
  float whole[COUNT], parts[COUNT], all[N_WEIGHTS * WEIGHT_VALUES], weights[sizeof all / 4];
  run r;
  begin(&r, n);
  forward(&r, n, 0, 1, true);
  const tensor seed = seed_of(&r, 1, 1);
  clear_weights(n);
  tape_backward(&r, &n->score, &seed);
  keep(&r, &n->audio, whole);
  keep_weights(n, all);
  tape_clear_gradients(n->record);
  clear_weights(n);
  tape_seed(&r, &n->score, &seed);
  tape_sweep(&r, n->critic, tape_position(n->record));
  tape_sweep(&r, 0, n->critic);
  keep(&r, &n->audio, parts);
  keep_weights(n, weights);
  assert_memory_equal(whole, parts, sizeof whole);
  assert_memory_equal(all, weights, sizeof all);
}

static void calls_without_a_target_are_skipped(void **state)
{
  net *n = *state;
  void *grads[2] = {n->conv[0].grad, n->conv[1].grad};
  n->conv[0].grad = n->conv[1].grad = NULL; // frozen for the whole training
  run r;
  begin(&r, n);
  tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
  const tensor latent = conv(&r, n, conv(&r, n, x, 0), 1);
  const tensor score = conv(&r, n, latent, 2);
  const tensor seed = seed_of(&r, 1, 1);
  n_conv_sweeps = 0;
  tape_backward(&r, &score, &seed);
  check_run(&r);
  n->conv[0].grad = grads[0];
  n->conv[1].grad = grads[1];
  assert_int_equal(n_conv_sweeps, 1);
  assert_null(tape_gradient(&r, &latent).data);
}

static void views_share_one_gradient(void **state)
{
  net *n = *state;
  float plain[COUNT], viewed[COUNT];
  run r;
  for (int pass = 0; pass < 2; ++pass) { // x -> conv -> sum of two uses, the second one folded
    begin(&r, n);
    tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
    tape_watch(&r, &x);
    tensor y = conv(&r, n, x, 0);
    tensor used = apply_scale(&r, y, 3.0f);
    if (pass) {
      const tensor folded = tensor_reshape(y, 4, 1, ROWS / 4, 4, CHANNELS);
      const tensor tripled = apply_scale(&r, folded, 3.0f);
      assert_int_equal(tripled.dims[1], ROWS / 4);
      used = tensor_reshape(tripled, 3, 1, ROWS, CHANNELS, 1);
    }
    const tensor z = apply_add(&r, apply_activation(&r, y, ACT_TANH, 1.0f), used);
    const tensor seed = seed_of(&r, 1, 1);
    tape_backward(&r, &z, &seed);
    keep(&r, &x, pass ? viewed : plain);
    const tensor square = tensor_reshape(x, 2, CHANNELS, ROWS, 1, 1);
    assert_int_equal(tape_gradient(&r, &square).dims[0], CHANNELS);
    assert_ptr_equal(tape_gradient(&r, &square).data, tape_gradient(&r, &x).data);
  }
  assert_false(all_zero(plain, COUNT));
  assert_memory_equal(plain, viewed, sizeof plain);
}

static void micro_batches_add_up_to_the_batch(void **state)
{
  net *n = *state;
  float whole[N_WEIGHTS * WEIGHT_VALUES], parts[N_WEIGHTS * WEIGHT_VALUES];
  run r;
  clear_weights(n);
  begin(&r, n);
  forward(&r, n, 0, 2, false);
  const tensor seed = seed_of(&r, 1, 2);
  tape_backward(&r, &n->score, &seed);
  check_run(&r);
  keep_weights(n, whole);
  clear_weights(n);
  for (int half = 0; half < 2; ++half) {
    begin(&r, n);
    forward(&r, n, half, 1, false);
    const tensor both = seed_of(&r, 1, 2);
    const tensor mine =
        tensor_view((float *)both.data + half * COUNT, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
    tape_backward(&r, &n->score, &mine);
    check_run(&r);
  }
  keep_weights(n, parts);
  assert_near(whole, parts, N_WEIGHTS * WEIGHT_VALUES, 1e-4f);
}

// ---- segments that are made again ----

static tensor generate(run *r, const tensor *inputs, void *user)
{
  return conv(r, user, conv(r, user, inputs[0], 0), 1);
}

static tensor criticise(run *r, const tensor *inputs, void *user)
{
  return apply_add(r, conv(r, user, conv(r, user, inputs[0], 2), 3), inputs[1]);
}

// generate, then criticise, a segment inside a segment.
static tensor everything(run *r, const tensor *inputs, void *user)
{
  const tensor latent = tape_recompute(r, generate, user, inputs, 1);
  const tensor both[2] = {latent, inputs[0]};
  return tape_recompute(r, criticise, user, both, 2);
}

typedef enum keeping { KEPT, IN_TWO, NESTED, N_KEEPINGS } keeping;

// score = criticise(generate(x), x) and its gradients; the peak of the arena after the forward.
static size_t sweep_segments(net *n, keeping how, float *score, float *gradient, float *weights)
{
  run r;
  begin(&r, n);
  arena_init(&n->memory, n->memory.data, n->memory.size_bytes);
  clear_weights(n);
  tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
  tape_watch(&r, &x);
  tensor y = {0};
  if (how == KEPT) {
    const tensor both[2] = {generate(&r, &x, n), x};
    y = criticise(&r, both, n);
  } else {
    y = how == NESTED ? tape_recompute(&r, everything, n, &x, 1) : everything(&r, &x, n);
  }
  const size_t held = arena_mark(&n->memory);
  const tensor seed = seed_of(&r, 1, 1);
  tape_backward(&r, &y, &seed);
  check_run(&r);
  memcpy(score, y.data, COUNT * sizeof *score);
  keep(&r, &x, gradient);
  keep_weights(n, weights);
  return held;
}

static void segments_made_again_are_bit_equal(void **state)
{
  net *n = *state;
  float score[N_KEEPINGS][COUNT], gradient[N_KEEPINGS][COUNT];
  float weights[N_KEEPINGS][N_WEIGHTS * WEIGHT_VALUES];
  size_t held[N_KEEPINGS];
  for (int how = 0; how < N_KEEPINGS; ++how) {
    held[how] = sweep_segments(n, (keeping)how, score[how], gradient[how], weights[how]);
    assert_memory_equal(score[how], score[0], sizeof score[0]);
    assert_memory_equal(gradient[how], gradient[0], sizeof gradient[0]);
    assert_memory_equal(weights[how], weights[0], sizeof weights[0]);
  }
  assert_false(all_zero(gradient[0], COUNT));
  assert_true(held[KEPT] > held[IN_TWO] && held[IN_TWO] > held[NESTED]);
}

// Frozen weights stay frozen inside a segment, and what needs no gradient is not made again.
static void segments_heed_the_targets(void **state)
{
  net *n = *state;
  float weights[N_WEIGHTS * WEIGHT_VALUES];
  run r;
  begin(&r, n);
  clear_weights(n);
  tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
  const tensor fixed = tape_recompute(&r, generate, n, &x, 1);
  tensor latent = tape_recompute(&r, generate, n, &fixed, 1);
  tape_watch(&r, &latent);
  const tensor y = tape_recompute(&r, generate, n, &latent, 1);
  const tensor seed = seed_of(&r, 1, 1);
  tape_set_targets(n->record, TAPE_TENSORS);
  n_conv_sweeps = 0;
  tape_backward(&r, &y, &seed);
  check_run(&r);
  keep_weights(n, weights);
  assert_int_equal(n_conv_sweeps, 2);
  assert_true(all_zero(weights, N_WEIGHTS * WEIGHT_VALUES));
  assert_false(all_zero(tape_gradient(&r, &latent).data, COUNT));
}

static tensor give_back_input(run *r, const tensor *inputs, void *user)
{
  (void)r;
  (void)user;
  return inputs[0];
}

static void segments_that_cannot_be_made_again_are_named(void **state)
{
  net *n = *state;
  run r;
  begin(&r, n);
  const tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
  assert_null(tape_recompute(&r, give_back_input, NULL, &x, 1).data);
  assert_int_equal(r.failure.code, STATUS_USAGE);
  stream_control control = {.n_streams = 1};
  begin(&r, n);
  r.control = &control;
  assert_null(tape_recompute(&r, generate, n, &x, 1).data);
  assert_int_equal(r.failure.code, STATUS_USAGE);
}

// ---- memory ----

static void one_step(net *n)
{
  run r;
  float gradient[COUNT];
  begin(&r, n);
  forward(&r, n, 0, 1, true);
  const tensor first = seed_of(&r, 1, 1), second = seed_of(&r, 2, 1);
  tape_set_targets(n->record, TAPE_TENSORS);
  for (int loss = 0; loss < 3; ++loss) {
    tape_seed(&r, &n->score, loss ? &first : &second);
    tape_sweep(&r, n->critic, tape_position(n->record));
    keep(&r, &n->latent, gradient);
    tape_clear_gradients(n->record);
  }
  tape_set_targets(n->record, TAPE_ALL);
  tape_seed(&r, &n->latent, &first);
  tape_sweep(&r, 0, n->critic);
  const tensor y = tape_recompute(&r, everything, n, &n->audio, 1);
  tape_backward(&r, &y, &second);
  check_run(&r);
}

static void steps_after_the_first_take_no_memory(void **state)
{
  net *n = *state;
  arena_init(&n->memory, n->memory.data, n->memory.size_bytes); // forget the other tests' peak
  one_step(n);
  const size_t peak = n->memory.peak_bytes;
  failing_alloc_arm(-1);
  for (int step = 0; step < 20; ++step) {
    one_step(n);
  }
  assert_int_equal(failing_alloc_count(), 0);
  assert_int_equal(n->memory.peak_bytes, peak);
}

// The gradients of a long chain live two at a time.
static void gradients_are_used_again(void **state)
{
  net *n = *state;
  run r;
  size_t taken[2];
  for (int pass = 0; pass < 2; ++pass) {
    begin(&r, n);
    tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
    tape_watch(&r, &x);
    tensor y = x;
    for (int i = 0; i < (pass ? 12 : 4); ++i) {
      y = apply_scale(&r, y, 1.5f);
    }
    const tensor seed = seed_of(&r, 1, 1);
    const size_t mark = arena_mark(&n->memory);
    tape_backward(&r, &y, &seed);
    check_run(&r);
    taken[pass] = arena_mark(&n->memory) - mark;
  }
  assert_true(taken[0] > 0);
  assert_int_equal(taken[0], taken[1]);
}

static status record_segment(void *user, error *err)
{
  net *n = user;
  run r = {0};
  tape *t = NULL;
  status code = tape_new(&t, 5, err);
  if (!code) {
    arena_rewind(&n->memory, 0);
    run_init(&r, n->dev, &n->memory);
    r.record = t;
    const tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
    tape_recompute(&r, generate, n, &x, 1);
    code = run_ok(&r) ? STATUS_OK : error_set(err, r.failure.code, "%s", r.failure.message);
  }
  tape_free(t);
  return code;
}

static status make_tape(void *user, error *err)
{
  (void)user;
  tape *t = NULL;
  const status code = tape_new(&t, 5, err);
  tape_free(t);
  return code;
}

static void a_tape_without_memory_says_so(void **state)
{
  assert_true(failing_alloc_each(make_tape, NULL) > 2);
  assert_true(failing_alloc_each(record_segment, *state) > 4);
}

static void misuse_is_named(void **state)
{
  net *n = *state;
  run r;
  begin(&r, n);
  const tensor x = tensor_view(n->x, DTYPE_F32, 3, 1, ROWS, CHANNELS, 1);
  tape_backward(&r, &x, &x);
  assert_int_equal(r.failure.code, STATUS_USAGE);
  begin(&r, n);
  tensor y = x;
  for (int i = 0; i < 17; ++i) {
    y = apply_scale(&r, y, 1.0f);
  }
  assert_int_equal(r.failure.code, STATUS_INTERNAL);
  assert_non_null(strstr(r.failure.message, "full"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cleared_tape_sweeps_as_a_fresh_one),
      cmocka_unit_test(sweeps_add_up_at_inputs),
      cmocka_unit_test(frozen_weights_are_neither_touched_nor_paid_for),
      cmocka_unit_test(one_frozen_weight_is_passed_through),
      cmocka_unit_test(a_stretch_toward_weights_stops_at_its_inputs),
      cmocka_unit_test(stretches_give_what_the_whole_gives),
      cmocka_unit_test(calls_without_a_target_are_skipped),
      cmocka_unit_test(views_share_one_gradient),
      cmocka_unit_test(micro_batches_add_up_to_the_batch),
      cmocka_unit_test(segments_made_again_are_bit_equal),
      cmocka_unit_test(segments_heed_the_targets),
      cmocka_unit_test(segments_that_cannot_be_made_again_are_named),
      cmocka_unit_test(steps_after_the_first_take_no_memory),
      cmocka_unit_test(gradients_are_used_again),
      cmocka_unit_test(a_tape_without_memory_says_so),
      cmocka_unit_test(misuse_is_named),
  };
  return cmocka_run_group_tests(tests, open_net, close_net);
}
