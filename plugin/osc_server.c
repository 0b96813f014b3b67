// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/osc_server.h"

#include "engine/control/parameters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NICE 10
#define UPDATE_S 0.05 // between two looks at the parameters, for subscribers
#define AT_ONCE 256   // datagrams between two looks at the clock
#define REST_NS 5000000L
#define MAILBOX 16

typedef struct subscriber {
  struct sockaddr_in address;
  double until_s; ///< 0: free
  double told[PARAMETER_MAX];
} subscriber;

struct osc_server {
  int fd, bell; ///< the socket; written to when the server closes
  int port;
  pthread_t thread;
  // the thread's own
  osc_dispatch dispatch;
  struct sockaddr_in from; ///< who sent the datagram in hand
  double now_s, filled_s, updated_s;
  double tokens; ///< messages that may be taken now
  bool flooded;  ///< some were dropped since the last rest
  uint64_t datagrams;
  uint32_t lost; ///< as the kernel counts, which wraps
  uint64_t lost_before;
  subscriber subscribers[OSC_SUBSCRIBERS];
  // under `lock`
  pthread_mutex_t lock;
  osc_request mailbox[MAILBOX];
  int n_mail;
  osc_server_counts counts;
};

static double now_s(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- what the dispatcher asks for --------------------------------------------------------------

static bool may_go_on(void *user)
{
  osc_server *s = user;
  if (s->tokens < 1.0) {
    s->flooded = true;
    return false;
  }
  s->tokens -= 1.0;
  return true;
}

static void send_to(const osc_server *s, const struct sockaddr_in *to, const void *data,
                    size_t n_bytes)
{
  // What the kernel has no room for is lost, as OSC may be.
  (void)sendto(s->fd, data, n_bytes, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
               sizeof *to);
}

static void answer(void *user, const void *data, size_t n_bytes)
{
  osc_server *s = user;
  s->tokens -= 1.0; // an answer is as dear as a question
  send_to(s, &s->from, data, n_bytes);
}

static bool request(void *user, const osc_request *r)
{
  osc_server *s = user;
  pthread_mutex_lock(&s->lock);
  const bool room = s->n_mail < MAILBOX;
  if (room) {
    s->mailbox[s->n_mail++] = *r;
  }
  pthread_mutex_unlock(&s->lock);
  return room;
}

static bool same_address(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
  return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static bool subscribe(void *user, bool on)
{
  osc_server *s = user;
  subscriber *place = NULL;
  for (int i = 0; i < OSC_SUBSCRIBERS; ++i) {
    subscriber *other = &s->subscribers[i];
    const bool lives = other->until_s > s->now_s;
    if (lives && same_address(&other->address, &s->from)) {
      place = other;
      break;
    }
    place = !lives && !place ? other : place;
  }
  if (!place) {
    return false;
  }
  place->address = s->from;
  place->until_s = on ? s->now_s + OSC_LEASE_S : 0.0;
  for (int id = 0; id < parameter_count(); ++id) { // the dispatcher tells these
    place->told[id] = s->dispatch.sink.value(s->dispatch.sink.user, id);
  }
  return true;
}

// ---- the thread --------------------------------------------------------------------------------

static void fill_tokens(osc_server *s)
{
  s->now_s = now_s();
  s->tokens += (s->now_s - s->filled_s) * OSC_MESSAGES_PER_S;
  s->tokens = s->tokens < OSC_MESSAGES_PER_S ? s->tokens : OSC_MESSAGES_PER_S;
  s->filled_s = s->now_s;
}

static int count_subscribers(const osc_server *s)
{
  int n = 0;
  for (int i = 0; i < OSC_SUBSCRIBERS; ++i) {
    n += s->subscribers[i].until_s > s->now_s;
  }
  return n;
}

static void publish_counts(osc_server *s)
{
  const osc_counts *c = &s->dispatch.counts;
  pthread_mutex_lock(&s->lock);
  s->counts = (osc_server_counts){.datagrams = s->datagrams,
                                  .lost = s->lost_before + s->lost,
                                  .messages = c->messages,
                                  .malformed = c->malformed,
                                  .unknown = c->unknown,
                                  .refused = c->refused,
                                  .dropped = c->dropped,
                                  .subscribers = count_subscribers(s)};
  pthread_mutex_unlock(&s->lock);
}

// With each datagram the kernel says how many it had no room for since the socket was made.
static void note_lost(osc_server *s, struct msghdr *head)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      uint32_t lost = 0;
      memcpy(&lost, CMSG_DATA(c), sizeof lost);
      s->lost_before += lost < s->lost ? UINT64_C(1) << 32 : 0;
      s->lost = lost;
    }
  }
}

// One datagram, if there is one.
static bool take_datagram(osc_server *s)
{
  _Alignas(8) uint8_t data[OSC_DATAGRAM_BYTES];
  _Alignas(struct cmsghdr) char extra[128];
  struct iovec part = {data, sizeof data};
  struct msghdr head = {.msg_name = &s->from,
                        .msg_namelen = sizeof s->from,
                        .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = extra,
                        .msg_controllen = sizeof extra};
  const ssize_t n = recvmsg(s->fd, &head, MSG_DONTWAIT);
  if (n < 0) {
    return false;
  }
  ++s->datagrams;
  note_lost(s, &head);
  if (head.msg_flags & MSG_TRUNC) {
    ++s->dispatch.counts.malformed;
  } else {
    osc_dispatch_data(&s->dispatch, data, (size_t)n);
  }
  return true;
}

// Values that have changed, to those who want to know.
static void update_subscribers(osc_server *s)
{
  const control_sink *sink = &s->dispatch.sink;
  s->updated_s = s->now_s;
  for (int id = 0; id < parameter_count(); ++id) {
    const double value = sink->value(sink->user, id);
    uint8_t bytes[OSC_ANSWER_BYTES];
    size_t n_bytes = 0;
    for (int i = 0; i < OSC_SUBSCRIBERS; ++i) {
      subscriber *to = &s->subscribers[i];
      if (to->until_s <= s->now_s || to->told[id] == value) {
        continue;
      }
      n_bytes = n_bytes ? n_bytes : osc_value_message(id, value, bytes);
      send_to(s, &to->address, bytes, n_bytes);
      to->told[id] = value;
    }
  }
}

// Under a flood the thread rests, so that it takes no more of a processor than it is worth; what
// comes meanwhile is the kernel's to drop.
static void rest(osc_server *s)
{
  if (s->flooded) {
    const struct timespec pause = {0, REST_NS};
    nanosleep(&pause, NULL);
    s->flooded = false;
  }
}

static void *serve(void *user)
{
  osc_server *s = user;
  (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); // of this thread alone
  for (;;) {
    struct pollfd wanted[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = s->bell, .events = POLLIN}};
    const int timeout_ms = count_subscribers(s) > 0 ? (int)(UPDATE_S * 1e3) : -1;
    (void)poll(wanted, 2, timeout_ms);
    fill_tokens(s);
    if (wanted[1].revents) {
      return NULL;
    }
    for (int i = 0; i < AT_ONCE && take_datagram(s); ++i) {
    }
    if (count_subscribers(s) > 0 && s->now_s - s->updated_s >= UPDATE_S) {
      update_subscribers(s);
    }
    publish_counts(s);
    rest(s);
  }
}

// ---- opening -----------------------------------------------------------------------------------

static status open_socket(osc_server *s, const osc_server_config *config, error *err)
{
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)config->port)};
  socklen_t bytes = sizeof address;
  address.sin_addr.s_addr = htonl(config->any_interface ? INADDR_ANY : INADDR_LOOPBACK);
  s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s->fd < 0 || setsockopt(s->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0 ||
      bind(s->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      getsockname(s->fd, (struct sockaddr *)&address, &bytes) != 0) {
    return error_set(err, STATUS_IO, "OSC, UDP port %d: %s", config->port, strerror(errno));
  }
  s->port = ntohs(address.sin_port);
  s->bell = eventfd(0, EFD_CLOEXEC);
  return s->bell >= 0 ? STATUS_OK : error_set(err, STATUS_IO, "OSC: %s", strerror(errno));
}

// Not real-time, whoever starts it, and deaf to the signals that its owner waits for.
static status start_thread(osc_server *s, error *err)
{
  pthread_attr_t attributes;
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int refused = pthread_create(&s->thread, &attributes, serve, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return refused ? error_set(err, STATUS_IO, "OSC: %s", strerror(refused)) : STATUS_OK;
}

static void free_server(osc_server *s)
{
  if (s->fd >= 0) {
    close(s->fd);
  }
  if (s->bell >= 0) {
    close(s->bell);
  }
  pthread_mutex_destroy(&s->lock);
  free(s);
}

status osc_server_open(osc_server **s, const osc_server_config *config, error *err)
{
  *s = NULL;
  osc_server *new = calloc(1, sizeof *new);
  if (!new) {
    return error_set(err, STATUS_NO_MEMORY, "no memory for OSC");
  }
  new->fd = new->bell = -1;
  pthread_mutex_init(&new->lock, NULL);
  new->tokens = OSC_MESSAGES_PER_S;
  new->filled_s = new->now_s = now_s();
  new->dispatch = (osc_dispatch){.sink = config->sink,
                                 .answer = answer,
                                 .subscribe = subscribe,
                                 .request = request,
                                 .may_go_on = may_go_on,
                                 .user = new};
  status code = open_socket(new, config, err);
  code = code ? code : start_thread(new, err);
  if (code) {
    free_server(new);
    return code;
  }
  *s = new;
  return STATUS_OK;
}

void osc_server_close(osc_server *s)
{
  if (!s) {
    return;
  }
  const uint64_t one = 1;
  (void)!write(s->bell, &one, sizeof one);
  pthread_join(s->thread, NULL);
  free_server(s);
}

// ---- asking ------------------------------------------------------------------------------------

int osc_server_port(const osc_server *s)
{
  return s->port;
}

bool osc_server_next_request(osc_server *s, osc_request *r)
{
  pthread_mutex_lock(&s->lock);
  const bool there = s->n_mail > 0;
  if (there) {
    *r = s->mailbox[0];
    memmove(s->mailbox, s->mailbox + 1, (size_t)--s->n_mail * sizeof *s->mailbox);
  }
  pthread_mutex_unlock(&s->lock);
  return there;
}

void osc_server_read_counts(osc_server *s, osc_server_counts *counts)
{
  pthread_mutex_lock(&s->lock);
  *counts = s->counts;
  pthread_mutex_unlock(&s->lock);
}
