// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/control_socket.h"

#include "engine/control/control_text.h"
#include "tests/plugin/trial_sink.h"
#include "tests/temp_folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static trial_sink sink;
static char asked[CONTROL_LINE_BYTES]; // what the host was asked for last

static status keep(void *user, const char *folder, error *err)
{
  (void)user;
  snprintf(asked, sizeof asked, "keep %s", folder ? folder : "(null)");
  return folder && strcmp(folder, "/full") == 0
             ? error_set(err, STATUS_IO, "/full: no space\nleft \xff here")
             : STATUS_OK;
}

static status learn(void *user, int id, error *err)
{
  (void)user, (void)err;
  snprintf(asked, sizeof asked, "learn %d", id);
  return STATUS_OK;
}

static void telemetry(void *user, void (*line)(void *to, const char *key, const char *value),
                      void *to)
{
  (void)user;
  line(to, "steps", "12");
  line(to, "host", "a file");
}

static control_socket *open_named(const char *name)
{
  control_socket *s = NULL;
  error err = {STATUS_OK, ""};
  const control_socket_config config = {
      .name = name,
      .sink = trial_sink_init(&sink),
      .host = {.keep = keep, .learn = learn, .telemetry = telemetry}};
  if (control_socket_open(&s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  return s;
}

static int connect_to(const control_socket *s)
{
  const int fd = control_socket_connect(control_socket_path(s));
  assert_true(fd >= 0);
  return fd;
}

static void write_text(int fd, const char *text)
{
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

// What has been answered so far.
static const char *read_text(int fd)
{
  static char text[65536];
  const ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static void ask(control_socket *s, int fd, const char *request, const char *answer)
{
  write_text(fd, request);
  control_socket_poll(s);
  assert_string_equal(read_text(fd), answer);
}

static int folder_make(void **state)
{
  if (temp_folder_make(state)) {
    return -1;
  }
  setenv("XDG_RUNTIME_DIR", ((temp_folder *)*state)->path, 1);
  return 0;
}

static int folder_remove(void **state)
{
  char path[600];
  snprintf(path, sizeof path, "%s/continuo", ((temp_folder *)*state)->path);
  rmdir(path); // so this fails where a socket was left
  struct stat st;
  const bool left = stat(path, &st) == 0;
  return temp_folder_remove(state) || left;
}

static void test_requests_are_answered(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  const int fd = connect_to(s);
  ask(s, fd, "set level -6.5 mode listen\n", "ok\n");
  assert_true(sink.values[PARAMETER_LEVEL] == -6.5);
  assert_int_equal(sink.n_batches, 1); // at one stamp
  ask(s, fd, "get level\n", "level -6.5\n.\n");
  ask(s, fd, "get mode\r\nget mix\n", "mode listen\n.\nmix 1\n.\n");
  ask(s, fd, "do tap\n", "ok\n");
  ask(s, fd, "panic\n", "ok\n");
  assert_int_equal(sink.n_actions[ACTION_TAP], 1);
  assert_int_equal(sink.n_actions[ACTION_PANIC], 1);
  ask(s, fd, "keep\n", "ok\n");
  assert_string_equal(asked, "keep (null)");
  ask(s, fd, "keep my takes\n", "ok\n");
  assert_string_equal(asked, "keep my takes");
  ask(s, fd, "keep /full\n", "error /full: no space?left ? here\n"); // one line, whatever it says
  ask(s, fd, "learn mix\n", "ok\n");
  ask(s, fd, "preset Slow\n", "error this instance has no presets\n");
  ask(s, fd, "telemetry\n", "steps 12\nhost a file\n.\n");
  ask(s, fd, "sing\n",
      "error expected set, get, mode, do, panic, keep, preset, learn or telemetry, found "
      "\"sing\"\n");
  control_socket_counts counts;
  control_socket_read_counts(s, &counts);
  assert_int_equal(counts.requests, 13);
  assert_int_equal(counts.refused, 3);
  close(fd);
  control_socket_poll(s);
  control_socket_close(s);
}

static void test_get_gives_everything(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  const int fd = connect_to(s);
  write_text(fd, "get\n");
  control_socket_poll(s);
  char *text = (char *)read_text(fd);
  int n = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), ++n) {
    char set[2 * CONTROL_VALUE_BYTES];
    text_request r;
    snprintf(set, sizeof set, "set %s", line);
    if (n == parameter_count()) {
      assert_string_equal(line, ".");
    } else {
      assert_int_equal(control_text_parse(set, strlen(set), &r, NULL), STATUS_OK);
      assert_int_equal(r.controls[0].id, n);
    }
  }
  assert_int_equal(n, parameter_count() + 1);
  close(fd);
  control_socket_close(s);
}

static void test_lines_in_pieces_and_at_the_end(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  const int fd = connect_to(s);
  ask(s, fd, "get mo", "");
  ask(s, fd, "de\nget m", "mode monitor\n.\n");
  write_text(fd, "ix"); // and no newline
  shutdown(fd, SHUT_WR);
  control_socket_poll(s); // hears the bytes,
  control_socket_poll(s); // and then the end
  assert_string_equal(read_text(fd), "mix 1\n.\n");
  char c;
  assert_int_equal(recv(fd, &c, 1, 0), 0); // it hung up
  close(fd);
  control_socket_close(s);
}

static void test_lines_that_are_too_long(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  const int fd = connect_to(s);
  char text[3 * CONTROL_LINE_BYTES];
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  ask(s, fd, text, "error the line is too long\n");
  close(fd);
  const int other = connect_to(s); // others are served as before
  ask(s, other, "get mix\n", "mix 1\n.\n");
  close(other);
  control_socket_close(s);
}

static void test_a_dead_instance_is_replaced_a_live_one_is_not(void **state)
{
  (void)state;
  control_socket *first = open_named("continuo");
  control_socket *second = open_named("continuo");
  assert_string_equal(control_socket_name(first), "continuo");
  assert_string_equal(control_socket_name(second), "continuo-2");
  control_socket_close(first);
  first = open_named("continuo");
  assert_string_equal(control_socket_name(first), "continuo");
  control_socket_close(first);
  // A process that is killed leaves its socket behind.
  const pid_t child = fork();
  if (child == 0) {
    open_named("continuo");
    _exit(0);
  }
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_int_equal(how, 0);
  struct stat st;
  char path[CONTROL_SOCKET_PATH_BYTES];
  control_socket_folder(0, path);
  strcat(path, "/continuo.sock");
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(control_socket_connect(path), -1);
  assert_int_equal(errno, ECONNREFUSED);
  first = open_named("continuo");
  assert_string_equal(control_socket_name(first), "continuo");
  assert_string_equal(control_socket_path(first), path);
  assert_int_equal(close(connect_to(first)), 0);
  control_socket_close(second);
  control_socket_close(first);
  control_socket_close(NULL);
}

static void test_it_is_private(void **state)
{
  temp_folder *folder = *state;
  control_socket *s = open_named("../.my/name");
  assert_string_equal(control_socket_name(s), "_._.my_name");
  struct stat st;
  assert_int_equal(stat(control_socket_path(s), &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  char path[600];
  snprintf(path, sizeof path, "%s/continuo", folder->path);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0700);
  control_socket_close(s);
  chmod(path, 0777);
  error err = {STATUS_OK, ""};
  const control_socket_config config = {.sink = trial_sink_init(&sink)};
  assert_int_equal(control_socket_open(&s, &config, &err), STATUS_IO);
  assert_non_null(strstr(err.message, path));
  assert_null(s);
  rmdir(path);
  assert_int_equal(symlink(folder->path, path), 0); // to elsewhere
  assert_int_equal(control_socket_open(&s, &config, &err), STATUS_IO);
  unlink(path);
}

static void test_where_it_is(void **state)
{
  temp_folder *folder = *state;
  char expected[600], found[CONTROL_SOCKET_PATH_BYTES];
  snprintf(expected, sizeof expected, "%s/continuo", folder->path);
  assert_true(control_socket_folder(0, found));
  assert_string_equal(found, expected);
  snprintf(expected, sizeof expected, "/tmp/continuo-%u", (unsigned)geteuid());
  assert_true(control_socket_folder(1, found));
  assert_string_equal(found, expected);
  assert_false(control_socket_folder(2, found));
  unsetenv("XDG_RUNTIME_DIR");
  assert_true(control_socket_folder(0, found));
  assert_string_equal(found, expected);
  assert_false(control_socket_folder(1, found));
  char path[400];
  memset(path, 'x', sizeof path);
  path[0] = '/';
  path[sizeof path - 1] = '\0';
  setenv("XDG_RUNTIME_DIR", path, 1);
  error err = {STATUS_OK, ""};
  control_socket *s = NULL;
  const control_socket_config config = {.sink = trial_sink_init(&sink)};
  assert_int_equal(control_socket_open(&s, &config, &err), STATUS_IO);
}

static void test_more_clients_than_places(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  int fds[CONTROL_SOCKET_CLIENTS + 1];
  for (int i = 0; i < CONTROL_SOCKET_CLIENTS; ++i) {
    fds[i] = connect_to(s);
    ask(s, fds[i], "get mix\n", "mix 1\n.\n");
  }
  ask(s, fds[0], "get mix\n", "mix 1\n.\n"); // so number 1 has been silent longest
  fds[CONTROL_SOCKET_CLIENTS] = connect_to(s);
  ask(s, fds[CONTROL_SOCKET_CLIENTS], "get mix\n", "mix 1\n.\n");
  char c;
  assert_int_equal(recv(fds[1], &c, 1, MSG_DONTWAIT), 0);
  for (int i = 0; i <= CONTROL_SOCKET_CLIENTS; ++i) {
    if (i != 1) {
      ask(s, fds[i], "get mix\n", "mix 1\n.\n");
    }
    close(fds[i]);
  }
  control_socket_close(s);
}

static double cpu_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// 100000 requests by a client that never reads an answer, then by one that reads but floods: each
// poll stays short, the others are served, and every request is taken, refused or still waiting.
static void test_floods(void **state)
{
  (void)state;
  control_socket *s = open_named("continuo");
  const int deaf = connect_to(s), loud = connect_to(s), other = connect_to(s);
  sink.room = 1000;
  static const char line[] = "set level -1\n";
  const size_t n_bytes = sizeof line - 1;
  double longest_s = 0.0;
  uint64_t n_loud = 0, n_answers = 0;
  size_t sent = 0;
  for (int round = 0; n_loud < 100000; ++round) {
    while (n_loud < 100000) {
      const ssize_t n = send(loud, line + sent, n_bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0) {
        break;
      }
      sent = (sent + (size_t)n) % n_bytes;
      n_loud += sent == 0;
    }
    while (send(deaf, "get\n", 4, MSG_DONTWAIT | MSG_NOSIGNAL) == 4) {
    }
    const double begun_s = cpu_seconds();
    control_socket_poll(s);
    const double took_s = cpu_seconds() - begun_s;
    longest_s = took_s > longest_s ? took_s : longest_s;
    for (const char *c = read_text(loud); *c; ++c) {
      n_answers += *c == '\n';
    }
    if (round % 100 == 0) {
      ask(s, other, "get mix\n", "mix 1\n.\n");
    }
  }
  for (int idle = 0; idle < 100 && n_answers < n_loud; ++idle) {
    for (int i = 0; i < 1000; ++i) {
      control_socket_poll(s);
    }
    for (const char *c = read_text(loud); *c; ++c) {
      n_answers += *c == '\n';
    }
  }
  printf("%u requests, %u answers, longest poll %.0f us of CPU time\n", (unsigned)n_loud,
         (unsigned)n_answers, 1e6 * longest_s);
  assert_true(longest_s < 20e-3);
  assert_int_equal(n_answers, n_loud); // none was lost,
  assert_int_equal(sink.n_sent, 1000); // and what did not fit is known
  assert_int_equal(sink.n_dropped, n_loud - 1000);
  control_socket_counts counts;
  control_socket_read_counts(s, &counts);
  assert_int_equal(counts.refused, sink.n_dropped);
  close(deaf), close(loud), close(other);
  control_socket_close(s);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_requests_are_answered),
      IN_FOLDER(test_get_gives_everything),
      IN_FOLDER(test_lines_in_pieces_and_at_the_end),
      IN_FOLDER(test_lines_that_are_too_long),
      IN_FOLDER(test_a_dead_instance_is_replaced_a_live_one_is_not),
      IN_FOLDER(test_it_is_private),
      IN_FOLDER(test_where_it_is),
      IN_FOLDER(test_more_clients_than_places),
      IN_FOLDER(test_floods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
