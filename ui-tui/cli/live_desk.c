// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/live_desk.h"

#include "base/data_folder.h"
#include "engine/control/parameters.h"
#include "engine/preset_model.h"
#include "engine/preset_path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// --- what any thread may ask ---

static bool send_batch(void *user, const control *batch, size_t n)
{
  live_desk *d = user;
  pthread_mutex_lock(&d->lock);
  const bool sent = d->session && session_send(d->session, batch, n);
  pthread_mutex_unlock(&d->lock);
  return sent;
}

static double value_of(void *user, int id)
{
  live_desk *d = user;
  pthread_mutex_lock(&d->lock);
  const double value = !d->session            ? parameter_get(id)->standard
                       : id == PARAMETER_MODE ? session_mode(d->session)
                                              : session_parameter(d->session, id);
  pthread_mutex_unlock(&d->lock);
  return value;
}

// --- presets ---

// A batch is at most CONTROL_BATCH_MAX for the outer world; ours may be longer.
static status send_preset(live_desk *d, bool has_model, error *err)
{
  control controls[PARAMETER_MAX];
  const int n = preset_to_controls(&d->preset, has_model, 0, controls);
  return send_batch(d, controls, (size_t)n)
             ? STATUS_OK
             : error_set(err, STATUS_DEVICE, "no session to play the preset in");
}

static bool model_is_here(live_desk *d)
{
  preset_model found;
  preset_resolve_model(&d->preset, &found);
  if (found.sentence[0]) {
    log_write(&d->context->log, LOG_WARNING, "%s", found.sentence);
  }
  return d->plays->player && preset_model_plays(&found);
}

status live_desk_load(live_desk *d, const char *name, error *err)
{
  char path[PATH_BYTES];
  preset loaded;
  status code = preset_find(name, path, err);
  code = code ? code : preset_load(&loaded, path, err);
  if (code) {
    return code;
  }
  preset_free(&d->preset);
  d->preset = loaded;
  live_midi_apply(&d->controllers, &d->preset);
  code = send_preset(d, model_is_here(d), err);
  if (!code) {
    log_write(&d->context->log, LOG_INFO, "preset %s", loaded.name[0] ? loaded.name : path);
  }
  return code;
}

// Program change and bank: the preset of that number, if there is one.
static void follow_programs(live_desk *d)
{
  int bank = 0;
  int number = 0;
  preset_entry entry;
  error err = {STATUS_OK, ""};
  if (!midi_map_take_program(&d->midi, &bank, &number)) {
    return;
  }
  status code = preset_find_program(live_midi_bank(bank), number, &entry, &err);
  code = code ? code : live_desk_load(d, entry.path, &err);
  if (code) {
    log_write(&d->context->log, LOG_WARNING, "%s", err.message);
  }
}

// The controllers alone of what was played last: the sound begins as the options say.
static void recall_controllers(live_desk *d)
{
  char name[PATH_BYTES], path[PATH_BYTES];
  preset last;
  snprintf(name, sizeof name, "last:%s", d->name);
  if (preset_find(name, path, NULL) || preset_load(&last, path, NULL)) {
    return; // there is none yet
  }
  live_midi_apply(&d->controllers, &last);
  preset_free(&last);
}

void live_desk_remember(live_desk *d)
{
  double values[PARAMETER_MAX];
  char path[PATH_BYTES];
  error err = {STATUS_OK, ""};
  if (!d->session) { // nobody knows what is played
    return;
  }
  parameters_standard(values);
  for (int id = 0; id < parameter_count(); ++id) {
    values[id] = value_of(d, id);
  }
  preset_from_values(&d->preset, values);
  live_midi_collect(&d->controllers, &d->preset);
  if (preset_store(&d->preset, PRESET_SESSION, d->name, path, &err)) {
    log_write(&d->context->log, LOG_WARNING, "the last preset was not saved: %s", err.message);
  }
}

// --- performances ---

static status usual_folder(const live_desk *d, char path[PATH_BYTES], error *err)
{
  char home[PATH_BYTES];
  char stamp[32];
  const time_t now = time(NULL);
  struct tm local;
  if (!data_home_folder("performances", home)) {
    return error_set(err, STATUS_NOT_FOUND, "no home to write to: name a folder");
  }
  const status code = data_folder_make(home, err);
  localtime_r(&now, &local);
  strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
  const int length = snprintf(path, PATH_BYTES, "%s/%s-%s", home, d->name, stamp);
  return code                  ? code
         : length < PATH_BYTES ? STATUS_OK
                               : error_set(err, STATUS_USAGE, "%s: too long a name", home);
}

status live_desk_keep(live_desk *d, const char *folder, error *err)
{
  char usual[PATH_BYTES];
  status code = folder ? STATUS_OK : usual_folder(d, usual, err);
  if (code) {
    return code;
  }
  folder = folder ? folder : usual;
  char *codec_path = realpath(d->plays->codec_path, NULL); // to be found from anywhere
  char *corpus = d->options->corpus ? realpath(d->options->corpus, NULL) : NULL;
  const session_names names = {.codec_path = codec_path,
                               .model = instrument_model_name(d->plays),
                               .kernels = d->plays->dev->name,
                               .storage = instrument_storage_name(d->options),
                               .corpus = corpus};
  code = d->session ? session_keep(d->session, folder, &names, err)
                    : error_set(err, STATUS_DEVICE, "there is no session");
  free(codec_path);
  free(corpus);
  if (!code) {
    log_write(&d->context->log, LOG_INFO, "kept in %s", folder);
  }
  return code;
}

// --- what the socket asks of the program ---

static status on_keep(void *user, const char *folder, error *err)
{
  return live_desk_keep(user, folder, err);
}

static status on_preset(void *user, const char *name, error *err)
{
  return live_desk_load(user, name, err);
}

static status on_learn(void *user, int id, error *err)
{
  live_desk *d = user;
  (void)err;
  midi_map_learn(&d->midi, id);
  return STATUS_OK;
}

typedef struct telemetry_sheet {
  void (*line)(void *to, const char *key, const char *value);
  void *to;
} telemetry_sheet;

static void tell_number(const telemetry_sheet *sheet, const char *key, double value)
{
  char text[40];
  snprintf(text, sizeof text, "%.10g", value);
  sheet->line(sheet->to, key, text);
}

// What came in by other ways than the session's own.
static void tell_others(live_desk *d, const telemetry_sheet *sheet)
{
  tell_number(sheet, "midi_messages", (double)midi_map_messages(&d->midi));
  tell_number(sheet, "midi_malformed", (double)midi_map_malformed(&d->midi));
  if (d->osc) {
    osc_server_counts c;
    osc_server_read_counts(d->osc, &c);
    tell_number(sheet, "osc_port", osc_server_port(d->osc));
    tell_number(sheet, "osc_messages", (double)c.messages);
    tell_number(sheet, "osc_malformed", (double)c.malformed);
    tell_number(sheet, "osc_dropped", (double)(c.dropped + c.lost));
    tell_number(sheet, "osc_subscribers", c.subscribers);
  }
  if (d->socket) {
    control_socket_counts c;
    control_socket_read_counts(d->socket, &c);
    tell_number(sheet, "socket_requests", (double)c.requests);
    tell_number(sheet, "socket_refused", (double)c.refused);
  }
}

static void on_telemetry(void *user, void (*line)(void *to, const char *key, const char *value),
                         void *to)
{
  live_desk *d = user;
  const telemetry_sheet sheet = {line, to};
  session_telemetry t;
  if (!d->session) {
    return;
  }
  session_read_telemetry(d->session, &t);
  char mode[24];
  parameter_format(PARAMETER_MODE, t.mode, mode, sizeof mode);
  line(to, "mode", mode);
  tell_number(&sheet, "plays", t.plays);
  tell_number(&sheet, "gate_open", t.gate_open);
  tell_number(&sheet, "fed_back", t.fed_back);
  tell_number(&sheet, "beat", t.beat);
  tell_number(&sheet, "bpm", t.bpm);
  tell_number(&sheet, "memory_steps", (double)t.memory_steps);
  tell_number(&sheet, "host_rate_hz", t.host_rate_hz);
  tell_number(&sheet, "block_samples", t.block_samples);
  tell_number(&sheet, "latency_samples", t.latency_samples);
  tell_number(&sheet, "position_samples", (double)t.position_samples);
  tell_number(&sheet, "steps", (double)t.steps);
  tell_number(&sheet, "step_p50_us", t.total.p50_us);
  tell_number(&sheet, "step_p99_us", t.total.p99_us);
  tell_number(&sheet, "step_max_us", t.total.max_us);
  tell_number(&sheet, "misses", (double)t.misses);
  tell_number(&sheet, "own_misses", (double)t.own_misses);
  tell_number(&sheet, "gaps", (double)t.gaps);
  tell_number(&sheet, "xruns", (double)t.xruns);
  tell_number(&sheet, "dropped_controls", (double)t.dropped_controls);
  tell_number(&sheet, "reduction_db", (double)t.reduction_db);
  tell_others(d, &sheet);
}

// --- opening ---

static void open_socket(live_desk *d)
{
  error err = {STATUS_OK, ""};
  const control_socket_config config = {.name = d->name,
                                        .sink = {send_batch, value_of, d},
                                        .host = {.keep = on_keep,
                                                 .preset = on_preset,
                                                 .learn = on_learn,
                                                 .telemetry = on_telemetry,
                                                 .user = d},
                                        .log = &d->context->log};
  if (control_socket_open(&d->socket, &config, &err)) {
    log_write(&d->context->log, LOG_WARNING, "no control socket: %s", err.message);
  }
}

static void open_osc(live_desk *d, const live_desk_config *config)
{
  error err = {STATUS_OK, ""};
  const osc_server_config wanted = {.port = config->osc_port,
                                    .any_interface = config->osc_any_interface,
                                    .sink = {send_batch, value_of, d}};
  if (config->osc_port < 0) {
    return;
  }
  if (osc_server_open(&d->osc, &wanted, &err)) {
    log_write(&d->context->log, LOG_WARNING, "no OSC: %s", err.message);
  } else {
    log_write(&d->context->log, LOG_INFO, "OSC on UDP port %d%s", osc_server_port(d->osc),
              config->osc_any_interface ? ", from any machine" : "");
  }
}

void live_desk_open(live_desk *d, const live_desk_config *config)
{
  *d = (live_desk){.plays = config->plays,
                   .options = config->options,
                   .context = config->context,
                   .name = config->name};
  pthread_mutex_init(&d->lock, NULL);
  preset_init(&d->preset);
  midi_map_init(&d->midi, 48000); // the host tells its rate with each block
  live_midi_init(&d->controllers, &d->midi);
  if (!config->alone) {
    recall_controllers(d);
    open_socket(d);
    open_osc(d, config);
  }
}

void live_desk_close(live_desk *d)
{
  osc_server_close(d->osc);
  control_socket_close(d->socket);
  preset_free(&d->preset);
  pthread_mutex_destroy(&d->lock);
}

void live_desk_hold(live_desk *d)
{
  pthread_mutex_lock(&d->lock);
  d->session = NULL;
}

void live_desk_release(live_desk *d, session *s)
{
  d->session = s;
  pthread_mutex_unlock(&d->lock);
}

static void serve_osc(live_desk *d)
{
  osc_request r;
  while (d->osc && osc_server_next_request(d->osc, &r)) {
    error err = {STATUS_OK, ""};
    status code = STATUS_OK;
    if (r.kind == OSC_KEEP) {
      code = live_desk_keep(d, NULL, &err);
    } else if (r.kind == OSC_PRESET) {
      code = live_desk_load(d, r.name, &err);
    } else if (r.kind == OSC_LEARN) {
      midi_map_learn(&d->midi, r.id);
    }
    if (code) {
      log_write(&d->context->log, LOG_WARNING, "%s", err.message);
    }
  }
}

void live_desk_poll(live_desk *d)
{
  if (d->socket) {
    control_socket_poll(d->socket);
  }
  serve_osc(d);
  follow_programs(d);
  if (live_midi_look(&d->controllers, &d->context->log)) { // worth saving at once
    live_desk_remember(d);
  }
}
