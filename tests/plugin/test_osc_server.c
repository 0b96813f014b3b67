// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The server through real datagrams: who can reach it, what it answers, and floods.

#include "plugin/osc_server.h"

#include "tests/plugin/osc_words.h"
#include "tests/plugin/trial_sink.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 5000

static trial_sink sink;

static osc_server *open_server(int port, bool any_interface)
{
  osc_server *s = NULL;
  error err = {STATUS_OK, ""};
  const osc_server_config config = {
      .port = port, .any_interface = any_interface, .sink = trial_sink_init(&sink)};
  if (osc_server_open(&s, &config, &err)) {
    fail_msg("%s", err.message);
  }
  return s;
}

static int connect_to(const osc_server *s)
{
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)osc_server_port(s))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

static void give(int fd, const osc_words *w)
{
  assert_int_equal(send(fd, w->bytes, w->n, 0), w->n);
}

static void plain(int fd, const char *path)
{
  osc_words w = {.n = 0};
  osc_put_plain(&w, path);
  give(fd, &w);
}

// The next answer; false when none comes.
static bool receive(int fd, osc_words *w, int timeout_ms)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};
  if (poll(&p, 1, timeout_ms) <= 0) {
    return false;
  }
  const ssize_t n = recv(fd, w->bytes, sizeof w->bytes, 0);
  w->n = n > 0 ? (size_t)n : 0;
  return n > 0;
}

static void ping(int fd)
{
  osc_words w;
  plain(fd, "/continuo/ping");
  assert_true(receive(fd, &w, PATIENCE_MS));
  assert_string_equal((const char *)w.bytes, "/continuo/pong");
}

// Local addresses of this process's sockets in a table of the kernel's, by port.
static int bound_to(const char *table, int port, uint32_t *address)
{
  FILE *f = fopen(table, "r");
  char line[512];
  int n = 0;
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    unsigned found = 0;
    uint32_t where = 0;
    if (sscanf(line, " %*d: %" SCNx32 ":%x", &where, &found) == 2 && (int)found == port) {
      *address = where;
      ++n;
    }
  }
  fclose(f);
  return n;
}

static void test_it_is_bound_to_this_machine_alone(void **state)
{
  (void)state;
  osc_server *s = open_server(0, false);
  uint32_t address = 0;
  assert_true(osc_server_port(s) > 0);
  assert_int_equal(bound_to("/proc/net/udp", osc_server_port(s), &address), 1);
  assert_int_equal(address, htonl(INADDR_LOOPBACK));
  const int port = osc_server_port(s);
  osc_server_close(s);
  assert_int_equal(bound_to("/proc/net/udp", port, &address), 0);
  s = open_server(0, true); // so the check can fail
  assert_int_equal(bound_to("/proc/net/udp", osc_server_port(s), &address), 1);
  assert_int_equal(address, INADDR_ANY);
  osc_server_close(s);
  osc_server_close(NULL);
}

static void test_a_taken_port_is_named(void **state)
{
  (void)state;
  osc_server *s = open_server(0, false), *other = NULL;
  error err = {STATUS_OK, ""};
  char port[16];
  const osc_server_config config = {.port = osc_server_port(s), .sink = trial_sink_init(&sink)};
  assert_int_equal(osc_server_open(&other, &config, &err), STATUS_IO);
  snprintf(port, sizeof port, "%d", osc_server_port(s));
  assert_non_null(strstr(err.message, port));
  assert_null(other);
  osc_server_close(s);
}

static double value_of(int id)
{
  return trial_sink_value(&sink, id);
}

static void test_messages_arrive(void **state)
{
  (void)state;
  osc_server *s = open_server(0, false);
  const int fd = connect_to(s);
  osc_words w = {.n = 0};
  osc_put_path_float(&w, "/continuo/set/mix", 0.25F);
  give(fd, &w);
  ping(fd); // in order
  assert_true(value_of(PARAMETER_MIX) == 0.25);
  osc_request r;
  assert_false(osc_server_next_request(s, &r));
  plain(fd, "/continuo/keep");
  w.n = 0;
  osc_put_path_word(&w, "/continuo/preset", "Slow");
  give(fd, &w);
  ping(fd);
  assert_true(osc_server_next_request(s, &r) && r.kind == OSC_KEEP);
  assert_true(osc_server_next_request(s, &r) && r.kind == OSC_PRESET);
  assert_string_equal(r.name, "Slow");
  assert_false(osc_server_next_request(s, &r));
  close(fd);
  osc_server_close(s);
}

static void drain(int fd)
{
  osc_words w;
  while (receive(fd, &w, 200)) {
  }
}

static void test_subscribers_hear_of_changes(void **state)
{
  (void)state;
  osc_server *s = open_server(0, false);
  const int fd = connect_to(s), other = connect_to(s);
  osc_words w = {.n = 0}, found = {.n = 0};
  plain(fd, "/continuo/subscribe");
  drain(fd); // every value
  osc_put_path_float(&w, "/continuo/set/mix", 0.25F);
  give(other, &w);
  assert_true(receive(fd, &found, PATIENCE_MS));
  w.n = 0;
  osc_put_string(&w, "/continuo/value");
  osc_put_string(&w, ",sf");
  osc_put_string(&w, "mix");
  osc_put_float(&w, 0.25F);
  assert_int_equal(found.n, w.n);
  assert_memory_equal(found.bytes, w.bytes, w.n);
  assert_false(receive(fd, &found, 200)); // once
  osc_server_counts counts;
  osc_server_read_counts(s, &counts);
  assert_int_equal(counts.subscribers, 1);
  plain(fd, "/continuo/subscribe"); // again is still one
  drain(fd);
  int fds[OSC_SUBSCRIBERS];
  for (int i = 0; i < OSC_SUBSCRIBERS; ++i) {
    fds[i] = connect_to(s);
    plain(fds[i], "/continuo/subscribe");
    assert_true(receive(fds[i], &found, PATIENCE_MS));
    assert_string_equal((const char *)found.bytes,
                        i < OSC_SUBSCRIBERS - 1 ? "/continuo/value" : "/continuo/error");
    drain(fds[i]);
  }
  plain(fd, "/continuo/unsubscribe");
  ping(fd);
  w.n = 0;
  osc_put_path_float(&w, "/continuo/set/mix", 0.5F);
  give(other, &w);
  assert_true(receive(fds[0], &found, PATIENCE_MS));
  assert_false(receive(fd, &found, 200));
  for (int i = 0; i < OSC_SUBSCRIBERS; ++i) {
    close(fds[i]);
  }
  close(fd), close(other);
  osc_server_close(s);
}

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// 100000 messages as fast as they go, every third malformed: nobody waits, each is taken, dropped
// or lost, and all are accounted for; and afterwards it serves as before.
static void test_a_flood(void **state)
{
  (void)state;
  enum { N = 100000 };
  osc_server *s = open_server(0, false);
  const int fd = connect_to(s);
  osc_words good = {.n = 0}, bad = {.n = 0};
  osc_put_path_float(&good, "/continuo/set/mix", 0.5F);
  osc_put_string(&bad, "/continuo/set/mix");
  const double begun_s = seconds();
  for (int i = 0; i < N; ++i) {
    give(fd, i % 3 == 2 ? &bad : &good);
  }
  const double took_s = seconds() - begun_s;
  osc_server_counts c;
  int n_pings = 0;
  do { // what the kernel lost is known with the next datagram that arrives
    osc_words w;
    plain(fd, "/continuo/ping");
    ++n_pings;
    (void)receive(fd, &w, 50);
    osc_server_read_counts(s, &c);
  } while (c.datagrams + c.lost < (uint64_t)(N + n_pings) && n_pings < 200);
  printf("%d in %.2f s: %" PRIu64 " taken, %" PRIu64 " malformed, %" PRIu64 " dropped, %" PRIu64
         " lost by the kernel\n",
         N, took_s, c.messages, c.malformed, c.dropped, c.lost);
  assert_int_equal(c.datagrams + c.lost, N + n_pings);
  assert_int_equal(c.messages + c.malformed + c.dropped, c.datagrams);
  assert_true(c.dropped + c.lost > 0);
  assert_true((double)(c.messages + c.malformed) < (took_s + 15.0) * OSC_MESSAGES_PER_S);
  assert_true(sink.n_sent <= c.messages);
  drain(fd);
  ping(fd);
  close(fd);
  osc_server_close(s);
}

static void test_it_ends_at_once(void **state)
{
  (void)state;
  const double begun_s = seconds();
  for (int i = 0; i < 20; ++i) {
    osc_server_close(open_server(0, false));
  }
  assert_true(seconds() - begun_s < 5.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_bound_to_this_machine_alone),
      cmocka_unit_test(test_a_taken_port_is_named),
      cmocka_unit_test(test_messages_arrive),
      cmocka_unit_test(test_subscribers_hear_of_changes),
      cmocka_unit_test(test_a_flood),
      cmocka_unit_test(test_it_ends_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
