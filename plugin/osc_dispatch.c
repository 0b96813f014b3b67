// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/osc_dispatch.h"

#include "engine/control/parameters.h"

#include <lo/lo_lowlevel.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROOT "/continuo/"
#define MOST_DEPTH 4 // of bundles within bundles
#define MOST_ARGUMENTS 16
#define BUNDLE_HEAD_BYTES 16 // "#bundle" and a time tag

// ---- answers -----------------------------------------------------------------------------------

static size_t write_message(lo_message m, const char *path, uint8_t to[OSC_ANSWER_BYTES])
{
  size_t n = lo_message_length(m, path);
  if (n > OSC_ANSWER_BYTES || !lo_message_serialise(m, path, to, &n)) {
    return 0;
  }
  return n;
}

static void answer(osc_dispatch *d, const char *path, lo_message m)
{
  uint8_t bytes[OSC_ANSWER_BYTES];
  const size_t n = write_message(m, path, bytes);
  if (n > 0 && d->answer) {
    d->answer(d->user, bytes, n);
  }
}

size_t osc_value_message(int id, double value, uint8_t to[OSC_ANSWER_BYTES])
{
  const parameter_info *p = parameter_get(id);
  lo_message m = p ? lo_message_new() : NULL;
  char word[128];
  if (!m) {
    return 0;
  }
  lo_message_add_string(m, p->key);
  if (p->kind == PARAMETER_CHOICE) {
    parameter_format(id, value, word, sizeof word);
    lo_message_add_string(m, word);
  } else if (p->kind == PARAMETER_REAL) {
    lo_message_add_float(m, (float)value);
  } else if (fabs(value) <= INT32_MAX) {
    lo_message_add_int32(m, (int32_t)value);
  } else {
    lo_message_add_double(m, value);
  }
  const size_t n = write_message(m, ROOT "value", to);
  lo_message_free(m);
  return n;
}

static void answer_value(osc_dispatch *d, int id)
{
  uint8_t bytes[OSC_ANSWER_BYTES];
  const size_t n = osc_value_message(id, d->sink.value(d->sink.user, id), bytes);
  if (n > 0 && d->answer) {
    d->answer(d->user, bytes, n);
  }
}

static void answer_values(osc_dispatch *d)
{
  for (int id = 0; id < parameter_count(); ++id) {
    answer_value(d, id);
  }
}

static void refuse(osc_dispatch *d, const char *path, const char *sentence)
{
  lo_message m = lo_message_new();
  ++d->counts.refused;
  if (m) {
    lo_message_add_string(m, path);
    lo_message_add_string(m, sentence);
    answer(d, ROOT "error", m);
    lo_message_free(m);
  }
}

// ---- arguments ---------------------------------------------------------------------------------

/// A message in hand.
typedef struct message {
  const char *path;
  const char *types;
  lo_arg **arguments;
  int n;
} message;

static bool number_of(const message *m, int i, double *number)
{
  switch (m->types[i]) {
  case LO_INT32:
    *number = m->arguments[i]->i;
    break;
  case LO_INT64:
    *number = (double)m->arguments[i]->h;
    break;
  case LO_FLOAT:
    *number = (double)m->arguments[i]->f;
    break;
  case LO_DOUBLE:
    *number = m->arguments[i]->d;
    break;
  case LO_TRUE:
  case LO_FALSE:
    *number = m->types[i] == LO_TRUE;
    break;
  default:
    return false;
  }
  return !isnan(*number);
}

static const char *word_of(const message *m, int i)
{
  const bool word = i < m->n && (m->types[i] == LO_STRING || m->types[i] == LO_SYMBOL);
  return word ? &m->arguments[i]->s : NULL;
}

// Buttons send 1 when they are pressed and 0 when they are let go; no argument is pressed.
static bool is_pressed(const message *m)
{
  double number = 1.0;
  return m->n == 0 || (number_of(m, 0, &number) && number > 0.0);
}

// ---- what messages do --------------------------------------------------------------------------

static void send_batch(osc_dispatch *d)
{
  if (d->n_batch > 0 && !d->sink.send(d->sink.user, d->batch, d->n_batch)) {
    d->counts.dropped += d->n_batch;
  }
  d->n_batch = 0;
}

static void add(osc_dispatch *d, control_kind kind, int id, double value)
{
  if (d->n_batch == CONTROL_BATCH_MAX) {
    send_batch(d);
  }
  d->batch[d->n_batch++] = (control){.kind = (uint16_t)kind, .id = (uint16_t)id, .value = value};
}

static void set(osc_dispatch *d, const message *m, int id)
{
  const char *word = word_of(m, 0);
  double value = 0.0;
  error err = {STATUS_OK, ""};
  if (m->n != 1 || (!word && !number_of(m, 0, &value))) {
    refuse(d, m->path, "one argument expected: a number or a word");
  } else if (word && parameter_parse(id, word, &value, &err)) {
    refuse(d, m->path, err.message);
  } else {
    add(d, CONTROL_SET, id, parameter_clamp(id, value));
  }
}

static void on_set(osc_dispatch *d, const message *m, const char *key)
{
  const int id = parameter_find(key);
  if (id >= 0) {
    set(d, m, id);
  } else {
    refuse(d, m->path, "there is no such parameter");
  }
}

static void on_get(osc_dispatch *d, const message *m, const char *key)
{
  const int id = parameter_find(key);
  send_batch(d);
  if (id >= 0) {
    answer_value(d, id);
  } else {
    refuse(d, m->path, "there is no such parameter");
  }
}

static void on_get_all(osc_dispatch *d, const message *m, const char *rest)
{
  (void)m, (void)rest;
  send_batch(d);
  answer_values(d);
}

static void on_action(osc_dispatch *d, const message *m, const char *name)
{
  const int action = control_action_find(name);
  if (action < 0) {
    refuse(d, m->path, "there is no such action");
  } else if (is_pressed(m)) {
    add(d, CONTROL_ACTION, action, 0.0);
  }
}

static void on_mode(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  set(d, m, PARAMETER_MODE);
}

static void on_panic(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  if (is_pressed(m)) {
    add(d, CONTROL_ACTION, ACTION_PANIC, 0.0);
  }
}

static void ask(osc_dispatch *d, const osc_request *r)
{
  if (!d->request || !d->request(d->user, r)) {
    ++d->counts.dropped;
  }
}

static void on_keep(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  if (is_pressed(m)) {
    ask(d, &(osc_request){.kind = OSC_KEEP, .id = -1});
  }
}

static void on_preset(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  const char *name = word_of(m, 0);
  osc_request r = {.kind = OSC_PRESET, .id = -1};
  if (m->n != 1 || !name || !*name || strlen(name) >= sizeof r.name || strchr(name, '/')) {
    refuse(d, m->path, "one argument expected: the name of a preset");
    return;
  }
  memcpy(r.name, name, strlen(name) + 1);
  ask(d, &r);
}

static void on_learn(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  const char *key = word_of(m, 0);
  osc_request r = {.kind = OSC_LEARN, .id = key ? parameter_find(key) : -1};
  if (m->n > 0 && r.id < 0) {
    refuse(d, m->path, "the key of a parameter expected, or nothing");
  } else {
    ask(d, &r);
  }
}

static void on_subscribe(osc_dispatch *d, const message *m, const char *rest)
{
  (void)rest;
  if (d->subscribe && d->subscribe(d->user, true)) {
    send_batch(d);
    answer_values(d);
  } else {
    refuse(d, m->path, "no room for another subscriber");
  }
}

static void on_unsubscribe(osc_dispatch *d, const message *m, const char *rest)
{
  (void)m, (void)rest;
  if (d->subscribe) {
    (void)d->subscribe(d->user, false);
  }
}

static void on_ping(osc_dispatch *d, const message *m, const char *rest)
{
  (void)m, (void)rest;
  lo_message pong = lo_message_new();
  if (pong) {
    answer(d, ROOT "pong", pong);
    lo_message_free(pong);
  }
}

// A path that ends in "/" goes on with a word.
static const struct {
  const char *path;
  void (*act)(osc_dispatch *d, const message *m, const char *rest);
} paths[] = {
    {"set/", on_set},
    {"get/", on_get},
    {"get", on_get_all},
    {"mode", on_mode},
    {"action/", on_action},
    {"panic", on_panic},
    {"keep", on_keep},
    {"preset", on_preset},
    {"learn", on_learn},
    {"subscribe", on_subscribe},
    {"unsubscribe", on_unsubscribe},
    {"ping", on_ping},
};

static void act(osc_dispatch *d, const message *m)
{
  const char *path = strncmp(m->path, ROOT, strlen(ROOT)) == 0 ? m->path + strlen(ROOT) : "";
  for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
    const size_t n = strlen(paths[i].path);
    const bool more = paths[i].path[n - 1] == '/';
    if (strncmp(path, paths[i].path, n) == 0 && (more || path[n] == '\0')) {
      paths[i].act(d, m, path + n);
      return;
    }
  }
  ++d->counts.unknown;
}

// ---- datagrams ---------------------------------------------------------------------------------

static uint32_t read_u32(const uint8_t *b)
{
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void take_message(osc_dispatch *d, const uint8_t *data, size_t n_bytes)
{
  if (d->may_go_on && !d->may_go_on(d->user)) {
    ++d->counts.dropped;
    return;
  }
  const char *end = memchr(data, '\0', n_bytes);
  lo_message read = NULL;
  // liblo wants aligned data that it may write to; what is much too long is none of ours.
  _Alignas(8) uint8_t copy[OSC_DATAGRAM_BYTES];
  if (end && data[0] == '/' && n_bytes % 4 == 0 && n_bytes <= sizeof copy) {
    memcpy(copy, data, n_bytes);
    read = lo_message_deserialise(copy, n_bytes, NULL);
  }
  if (!read || lo_message_get_argc(read) > MOST_ARGUMENTS) {
    ++d->counts.malformed;
  } else {
    ++d->counts.messages;
    const message m = {.path = (const char *)copy,
                       .types = lo_message_get_types(read),
                       .arguments = lo_message_get_argv(read),
                       .n = lo_message_get_argc(read)};
    act(d, &m);
  }
  lo_message_free(read);
}

static void take_element(osc_dispatch *d, const uint8_t *data, size_t n_bytes, int depth)
{
  static const char bundle[8] = "#bundle";
  if (n_bytes < BUNDLE_HEAD_BYTES || memcmp(data, bundle, sizeof bundle) != 0) {
    take_message(d, data, n_bytes);
    return;
  }
  size_t at = BUNDLE_HEAD_BYTES;
  while (n_bytes - at >= 4 && depth < MOST_DEPTH) {
    const size_t size = read_u32(data + at);
    at += 4;
    if (size == 0 || size > n_bytes - at) {
      break;
    }
    take_element(d, data + at, size, depth + 1);
    at += size;
  }
  d->counts.malformed += at != n_bytes;
}

void osc_dispatch_data(osc_dispatch *d, const void *data, size_t n_bytes)
{
  d->n_batch = 0;
  if (n_bytes == 0 || n_bytes > OSC_DATAGRAM_BYTES) {
    ++d->counts.malformed;
    return;
  }
  take_element(d, data, n_bytes, 0);
  send_batch(d);
}
