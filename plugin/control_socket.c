// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/control_socket.h"

#include "base/utf8.h"
#include "engine/control/control_text.h"
#include "engine/control/parameters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_BYTES 16384 // room for every parameter, or all telemetry
#define MOST_NAMES 99      // instances of one name
#define BACKLOG 16

typedef struct client {
  int fd;         // -1: free
  uint64_t heard; // when last, in polls
  bool ends;      // once its answers are sent
  size_t n_in, n_out, sent;
  char in[CONTROL_LINE_BYTES];
  char out[ANSWER_BYTES];
} client;

struct control_socket {
  control_socket_config config;
  int fd;
  dev_t device; // of the socket in the file system, to know it again
  ino_t inode;
  uint64_t n_polls;
  control_socket_counts counts;
  char name[64];
  char folder[CONTROL_SOCKET_PATH_BYTES];
  char path[CONTROL_SOCKET_PATH_BYTES];
  client clients[CONTROL_SOCKET_CLIENTS];
};

// ---- where -------------------------------------------------------------------------------------

bool control_socket_folder(int index, char folder[CONTROL_SOCKET_PATH_BYTES])
{
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int length = -1;
  if (runtime && *runtime == '/') {
    if (index == 0) {
      length = snprintf(folder, CONTROL_SOCKET_PATH_BYTES, "%s/continuo", runtime);
    }
    --index;
  }
  if (index == 0) {
    length = snprintf(folder, CONTROL_SOCKET_PATH_BYTES, "/tmp/continuo-%u", (unsigned)geteuid());
  }
  return length > 0 && length < CONTROL_SOCKET_PATH_BYTES;
}

bool control_socket_is_private(const char *folder)
{
  struct stat st;
  return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
         (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool address_of(const char *path, struct sockaddr_un *address)
{
  const size_t n = strlen(path);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (n >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address->sun_path, path, n + 1);
  return true;
}

int control_socket_connect(const char *path)
{
  struct sockaddr_un address;
  const int fd = address_of(path, &address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

// ---- opening -----------------------------------------------------------------------------------

static status make_folder(control_socket *s, error *err)
{
  if (!control_socket_folder(0, s->folder)) {
    return error_set(err, STATUS_IO, "the path of the control socket is too long");
  }
  if (mkdir(s->folder, S_IRWXU) != 0 && errno != EEXIST) {
    return error_set(err, STATUS_IO, "%s: %s", s->folder, strerror(errno));
  }
  if (!control_socket_is_private(s->folder)) {
    return error_set(err, STATUS_IO, "%s: no folder that belongs to this user alone", s->folder);
  }
  return STATUS_OK;
}

static bool somebody_listens(const char *path)
{
  const int fd = control_socket_connect(path);
  if (fd >= 0) {
    close(fd);
  }
  // A full backlog is somebody too.
  return fd >= 0 || errno == EAGAIN || errno == EACCES || errno == EPERM;
}

// The socket is private from the moment that it has a name.
static status listen_at(control_socket *s, error *err)
{
  struct sockaddr_un address;
  if (!address_of(s->path, &address)) {
    return error_set(err, STATUS_IO, "%s: %s", s->path, strerror(errno));
  }
  struct stat st;
  if (lstat(s->path, &st) == 0 && S_ISSOCK(st.st_mode)) {
    unlink(s->path); // of a dead instance
  }
  s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd < 0 || fchmod(s->fd, S_IRUSR | S_IWUSR) != 0 ||
      bind(s->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      listen(s->fd, BACKLOG) != 0 || lstat(s->path, &st) != 0) {
    return error_set(err, STATUS_IO, "%s: %s", s->path, strerror(errno));
  }
  s->device = st.st_dev;
  s->inode = st.st_ino;
  return STATUS_OK;
}

static status choose_name(control_socket *s, const char *name, error *err)
{
  char plain[sizeof s->name - 4];
  snprintf(plain, sizeof plain, "%s", name && *name ? name : "continuo");
  for (char *c = plain; *c; ++c) {
    *c = *c == '/' || (*c == '.' && c == plain) || (unsigned char)*c < 0x20 ? '_' : *c;
  }
  for (int number = 1; number <= MOST_NAMES; ++number) {
    snprintf(s->name, sizeof s->name, number > 1 ? "%s-%d" : "%s", plain, number);
    const int length =
        snprintf(s->path, sizeof s->path, "%s/%s%s", s->folder, s->name, CONTROL_SOCKET_ENDING);
    if (length >= (int)sizeof s->path) {
      return error_set(err, STATUS_IO, "%s/%s: too long for a socket", s->folder, s->name);
    }
    if (!somebody_listens(s->path)) {
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_IO, "%s: %d instances are called %s", s->folder, MOST_NAMES, plain);
}

// Two instances that start at once take turns, so that neither removes what the other has made.
static int lock_folder(const char *folder)
{
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR) {
  }
  return fd;
}

static status open_socket(control_socket *s, error *err)
{
  status code = make_folder(s, err);
  if (code) {
    return code;
  }
  const int lock = lock_folder(s->folder);
  if (lock < 0) {
    return error_set(err, STATUS_IO, "%s: %s", s->folder, strerror(errno));
  }
  code = choose_name(s, s->config.name, err);
  code = code ? code : listen_at(s, err);
  close(lock);
  return code;
}

status control_socket_open(control_socket **s, const control_socket_config *config, error *err)
{
  *s = NULL;
  control_socket *new = calloc(1, sizeof *new);
  if (!new) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for the control socket");
  }
  new->config = *config;
  new->fd = -1;
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    new->clients[i].fd = -1;
  }
  const status code = open_socket(new, err);
  if (code) {
    if (new->fd >= 0) {
      close(new->fd);
    }
    free(new);
    return code;
  }
  *s = new;
  return STATUS_OK;
}

static void end_client(client *c)
{
  close(c->fd);
  c->fd = -1;
}

void control_socket_close(control_socket *s)
{
  if (!s) {
    return;
  }
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    if (s->clients[i].fd >= 0) {
      end_client(&s->clients[i]);
    }
  }
  const int lock = lock_folder(s->folder);
  struct stat st;
  if (lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode) {
    unlink(s->path);
  }
  if (lock >= 0) {
    close(lock);
  }
  close(s->fd);
  free(s);
}

// ---- answers -----------------------------------------------------------------------------------

static void say(client *c, const char *text)
{
  const size_t n = strlen(text);
  if (n < sizeof c->out - c->n_out) {
    memcpy(c->out + c->n_out, text, n);
    c->n_out += n;
  }
}

// A sentence may have been cut within a character, or name what nobody has checked.
static void say_error(control_socket *s, client *c, const char *sentence)
{
  char line[sizeof((error *)0)->message];
  size_t n = 0;
  for (size_t i = 0; sentence[i] && n + 4 < sizeof line;) {
    const size_t bytes = utf8_sequence((const uint8_t *)sentence + i, strlen(sentence + i));
    const bool plain = bytes > 0 && (unsigned char)sentence[i] >= 0x20;
    if (plain) {
      memcpy(line + n, sentence + i, bytes);
      n += bytes;
    } else {
      line[n++] = '?';
    }
    i += plain ? bytes : 1;
  }
  line[n] = '\0';
  ++s->counts.refused;
  say(c, "error ");
  say(c, line);
  say(c, "\n");
}

static void say_status(control_socket *s, client *c, status code, const error *err)
{
  if (code) {
    say_error(s, c, err->message[0] ? err->message : status_name(code));
  } else {
    say(c, "ok\n");
  }
}

static void say_value(const control_socket *s, client *c, int id)
{
  char text[CONTROL_VALUE_BYTES];
  say(c, control_text_value(id, s->config.sink.value(s->config.sink.user, id), text));
  say(c, "\n");
}

static void say_figure(void *to, const char *key, const char *value)
{
  say(to, key);
  say(to, " ");
  say(to, value);
  say(to, "\n");
}

static status not_here(const char *what, error *err)
{
  return error_set(err, STATUS_UNSUPPORTED, "this instance has no %s", what);
}

static status send_controls(const control_socket *s, const text_request *r, error *err)
{
  return s->config.sink.send(s->config.sink.user, r->controls, r->n_controls)
             ? STATUS_OK
             : error_set(err, STATUS_DEVICE, "not taken: too much at once, or no sound server");
}

static void answer(control_socket *s, client *c, const text_request *r)
{
  const control_host *host = &s->config.host;
  const char *argument = r->argument[0] ? r->argument : NULL;
  error err = {STATUS_OK, ""};
  status code = STATUS_OK;
  switch (r->verb) {
  case TEXT_GET:
    for (int id = r->id < 0 ? 0 : r->id; id <= (r->id < 0 ? parameter_count() - 1 : r->id); ++id) {
      say_value(s, c, id);
    }
    say(c, ".\n");
    return;
  case TEXT_TELEMETRY:
    if (host->telemetry) {
      host->telemetry(host->user, say_figure, c);
      say(c, ".\n");
      return;
    }
    code = not_here("telemetry", &err);
    break;
  case TEXT_SEND:
    code = send_controls(s, r, &err);
    break;
  case TEXT_KEEP:
    code = host->keep ? host->keep(host->user, argument, &err) : not_here("way to keep", &err);
    break;
  case TEXT_PRESET:
    code = host->preset ? host->preset(host->user, argument, &err) : not_here("presets", &err);
    break;
  case TEXT_LEARN:
    code = host->learn ? host->learn(host->user, r->id, &err) : not_here("MIDI", &err);
    break;
  }
  say_status(s, c, code, &err);
}

static void take_line(control_socket *s, client *c, const char *line, size_t n_bytes)
{
  text_request r;
  error err = {STATUS_OK, ""};
  ++s->counts.requests;
  if (control_text_parse(line, n_bytes, &r, &err)) {
    say_error(s, c, err.message);
  } else {
    answer(s, c, &r);
  }
}

// ---- clients -----------------------------------------------------------------------------------

// What its peer takes off of the answer; false when it is gone.
static bool send_out(client *c)
{
  while (c->sent < c->n_out) {
    const ssize_t n =
        send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    c->sent += (size_t)n;
  }
  c->sent = c->n_out = 0;
  return true;
}

static bool has_line(const client *c)
{
  return c->n_in == sizeof c->in || memchr(c->in, '\n', c->n_in);
}

// More bytes, or the end, which ends a last line too; false when it is gone.
static bool hear(client *c, uint64_t now)
{
  const ssize_t n = recv(c->fd, c->in + c->n_in, sizeof c->in - c->n_in, MSG_DONTWAIT);
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  c->heard = now;
  c->n_in += (size_t)n;
  if (n == 0) {
    c->ends = true;
    if (c->n_in > 0) {
      c->in[c->n_in++] = '\n';
    }
  }
  return true;
}

static void serve_line(control_socket *s, client *c)
{
  const char *end = memchr(c->in, '\n', c->n_in);
  if (!end) {
    ++s->counts.requests;
    say_error(s, c, "the line is too long");
    c->ends = true;
    c->n_in = 0;
    return;
  }
  const size_t n = (size_t)(end - c->in);
  take_line(s, c, c->in, n);
  c->n_in -= n + 1;
  memmove(c->in, end + 1, c->n_in);
}

// The next request is heard once the last answer has been taken off. False when it is gone.
static bool serve_client(control_socket *s, client *c)
{
  for (int i = 0; i < CONTROL_SOCKET_REQUESTS; ++i) {
    if (!send_out(c)) {
      return false;
    }
    if (c->n_out > 0) {
      return true;
    }
    if (!has_line(c) && !c->ends && !hear(c, s->n_polls)) {
      return false;
    }
    if (!has_line(c)) {
      return !c->ends;
    }
    serve_line(s, c);
  }
  return send_out(c);
}

// A free place; where there is none, that of who has been silent longest.
static client *place_for_one(control_socket *s)
{
  client *chosen = &s->clients[0];
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    client *c = &s->clients[i];
    if (c->fd < 0) {
      return c;
    }
    chosen = c->heard < chosen->heard ? c : chosen;
  }
  end_client(chosen);
  return chosen;
}

static bool is_same_user(int fd)
{
  struct ucred peer;
  socklen_t bytes = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
         (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_clients(control_socket *s)
{
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    const int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    if (!is_same_user(fd)) {
      close(fd);
      continue;
    }
    client *c = place_for_one(s);
    c->fd = fd;
    c->heard = s->n_polls;
    c->ends = false;
    c->n_in = c->n_out = c->sent = 0;
    ++s->counts.clients;
  }
}

void control_socket_poll(control_socket *s)
{
  ++s->n_polls;
  accept_clients(s);
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    client *c = &s->clients[i];
    if (c->fd >= 0 && !serve_client(s, c)) {
      end_client(c);
    }
  }
}

// ---- asking ------------------------------------------------------------------------------------

const char *control_socket_path(const control_socket *s)
{
  return s->path;
}

const char *control_socket_name(const control_socket *s)
{
  return s->name;
}

void control_socket_read_counts(const control_socket *s, control_socket_counts *counts)
{
  *counts = s->counts;
}
