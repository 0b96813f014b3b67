// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "ui-tui/cli/instance.h"

#include "base/cli/terminal.h"
#include "plugin/control_socket.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define USUAL_NAME "continuo"

// ---- finding -----------------------------------------------------------------------------------

static int connect_in(const char *folder, const char *name)
{
  char path[CONTROL_SOCKET_PATH_BYTES];
  const int length = snprintf(path, sizeof path, "%s/%s%s", folder, name, CONTROL_SOCKET_ENDING);
  if (length >= (int)sizeof path || strchr(name, '/') || !control_socket_is_private(folder)) {
    errno = ENOENT;
    return -1;
  }
  return control_socket_connect(path);
}

static status open_named(instance *i, const char *name, error *err)
{
  char folder[CONTROL_SOCKET_PATH_BYTES];
  for (int k = 0; control_socket_folder(k, folder); ++k) {
    i->fd = connect_in(folder, name);
    if (i->fd >= 0) {
      snprintf(i->name, sizeof i->name, "%s", name);
      return STATUS_OK;
    }
  }
  return error_set(err, STATUS_NOT_FOUND, "no instance of continuo called \"%s\" runs", name);
}

static int is_socket(const struct dirent *entry)
{
  const size_t n = strlen(entry->d_name), ending = strlen(CONTROL_SOCKET_ENDING);
  return n > ending && strcmp(entry->d_name + n - ending, CONTROL_SOCKET_ENDING) == 0;
}

// Those that run in `folder`: connects to the first ever found and lists all names.
static int look_in(instance *i, const char *folder, int n_found, char *names, size_t names_bytes)
{
  DIR *dir = opendir(folder);
  if (!dir) {
    return n_found;
  }
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    char name[sizeof i->name];
    const int length = (int)(strlen(entry->d_name) - strlen(CONTROL_SOCKET_ENDING));
    if (!is_socket(entry) || length >= (int)sizeof name) {
      continue;
    }
    snprintf(name, sizeof name, "%.*s", length, entry->d_name);
    const int fd = connect_in(folder, name);
    if (fd < 0) {
      continue;
    }
    const size_t used = strlen(names);
    snprintf(names + used, names_bytes - used, "%s%s", n_found ? ", " : "", name);
    if (n_found++ == 0) {
      i->fd = fd;
      memcpy(i->name, name, sizeof name);
    } else {
      close(fd);
    }
  }
  closedir(dir);
  return n_found;
}

static status open_only(instance *i, error *err)
{
  char folder[CONTROL_SOCKET_PATH_BYTES], names[256] = "";
  int n_found = 0;
  for (int k = 0; control_socket_folder(k, folder); ++k) {
    n_found = look_in(i, folder, n_found, names, sizeof names);
  }
  if (n_found == 1) {
    return STATUS_OK;
  }
  if (n_found == 0) {
    return error_set(err, STATUS_NOT_FOUND, "no instance of continuo runs (see continuo live)");
  }
  instance_close(i);
  return error_set(err, STATUS_USAGE, "several instances run: choose one of %s with -n", names);
}

status instance_open(instance *i, const char *name, error *err)
{
  *i = (instance){.fd = -1};
  if (name) {
    return open_named(i, name, err);
  }
  return open_named(i, USUAL_NAME, NULL) ? open_only(i, err) : STATUS_OK;
}

void instance_close(instance *i)
{
  if (i->fd >= 0) {
    close(i->fd);
  }
  i->fd = -1;
}

// ---- asking ------------------------------------------------------------------------------------

static status gone(const instance *i, error *err)
{
  return error_set(err, STATUS_IO, "the instance \"%s\" went away", i->name);
}

static status send_text(const instance *i, const char *text, size_t n, error *err)
{
  while (n > 0) {
    const ssize_t sent = send(i->fd, text, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return gone(i, err);
    }
    text += sent > 0 ? sent : 0;
    n -= sent > 0 ? (size_t)sent : 0;
  }
  return STATUS_OK;
}

// Wait for more bytes until `until_s`.
static status receive(instance *i, double until_s, error *err)
{
  struct pollfd p = {.fd = i->fd, .events = POLLIN};
  const double left_s = until_s - seconds_now();
  const int ready = left_s > 0.0 ? poll(&p, 1, (int)(left_s * 1e3) + 1) : 0;
  if (ready == 0) {
    return error_set(err, STATUS_IO, "the instance \"%s\" does not answer", i->name);
  }
  if (ready < 0) {
    return errno == EINTR ? error_set(err, STATUS_INTERRUPTED, "interrupted") : gone(i, err);
  }
  const ssize_t n = recv(i->fd, i->text + i->n_text, sizeof i->text - i->n_text, 0);
  if (n <= 0) {
    return gone(i, err);
  }
  i->n_text += (size_t)n;
  return STATUS_OK;
}

static status next_line(instance *i, double until_s, char line[sizeof((instance *)0)->text],
                        error *err)
{
  for (;;) {
    const char *end = memchr(i->text, '\n', i->n_text);
    if (end) {
      const size_t n = (size_t)(end - i->text);
      memcpy(line, i->text, n);
      line[n] = '\0';
      i->n_text -= n + 1;
      memmove(i->text, end + 1, i->n_text);
      return STATUS_OK;
    }
    const status code =
        i->n_text < sizeof i->text
            ? receive(i, until_s, err)
            : error_set(err, STATUS_IO, "the answer of \"%s\" is too long", i->name);
    if (code) {
      return code;
    }
  }
}

status instance_ask(instance *i, const char *request, double timeout_s,
                    void (*each)(void *user, const char *line), void *user, error *err)
{
  static const char refusal[] = "error ";
  char line[sizeof i->text];
  const double until_s = seconds_now() + timeout_s;
  status code = send_text(i, request, strlen(request), err);
  code = code ? code : send_text(i, "\n", 1, err);
  while (!code) {
    code = next_line(i, until_s, line, err);
    if (code || strcmp(line, "ok") == 0 || strcmp(line, ".") == 0) {
      return code;
    }
    if (strncmp(line, refusal, sizeof refusal - 1) == 0) {
      return error_set(err, STATUS_DEVICE, "%s", line + sizeof refusal - 1);
    }
    if (each) {
      each(user, line);
    }
  }
  return code;
}
