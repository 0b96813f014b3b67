// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "plugin/jack_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_missing_library_is_named(void **state)
{
  (void)state;
  jack_api api;
  error err = {STATUS_OK, ""};
  assert_int_equal(jack_api_load(&api, "libjack-nowhere.so.9", &err), STATUS_NOT_FOUND);
  assert_non_null(strstr(err.message, "libjack-nowhere.so.9"));
  assert_null(api.library);
  jack_api_unload(&api);
}

static void test_another_library_is_refused(void **state)
{
  (void)state;
  jack_api api;
  error err = {STATUS_OK, ""};
  assert_int_equal(jack_api_load(&api, "libm.so.6", &err), STATUS_UNSUPPORTED);
  assert_non_null(strstr(err.message, "jack_activate"));
  assert_null(api.library);
}

static void test_the_library_says_what_it_is(void **state)
{
  (void)state;
  jack_api api;
  error err = {STATUS_OK, ""};
  if (jack_api_load(&api, jack_api_candidate(0), &err))
    skip();
  assert_non_null(strstr(api.version, "JACK"));
  assert_int_equal(api.is_pipewire, strstr(api.version, "PipeWire") != NULL);
  assert_non_null(strstr(api.path, "libjack.so"));
  assert_non_null(api.client_open);
  assert_non_null(api.set_process_callback);
  jack_api_unload(&api);
  assert_null(api.library);
}

static void test_pipewire_is_seen_by_its_socket(void **state)
{
  (void)state;
  char folder[] = "/tmp/continuo-test-XXXXXX";
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_non_null(mkdtemp(folder));
  unsetenv("PIPEWIRE_REMOTE");
  unsetenv("PIPEWIRE_RUNTIME_DIR");
  setenv("XDG_RUNTIME_DIR", folder, 1);
  assert_false(jack_pipewire_present());
  assert_null(jack_api_candidate(1));
  snprintf(address.sun_path, sizeof address.sun_path, "%s/pipewire-0", folder);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
  assert_true(jack_pipewire_present());
  assert_non_null(strstr(jack_api_candidate(1), "pipewire"));
  assert_string_equal(jack_api_candidate(0), "libjack.so.0"); // JACK is asked first all the same
  assert_null(jack_api_candidate(2));
  setenv("PIPEWIRE_REMOTE", "another", 1);
  assert_false(jack_pipewire_present());
  setenv("PIPEWIRE_REMOTE", address.sun_path, 1); // a full path
  unsetenv("XDG_RUNTIME_DIR");
  assert_true(jack_pipewire_present());
  close(s);
  unlink(address.sun_path);
  rmdir(folder);
}

static void test_status_bits_in_words(void **state)
{
  (void)state;
  char text[200], small[8];
  assert_string_equal(jack_status_words(JackFailure | JackServerFailed, text, sizeof text),
                      "no server answers");
  assert_string_equal(
      jack_status_words(JackFailure | JackNameNotUnique | JackShmFailure, text, sizeof text),
      "name not unique, shared memory not accessible (another user's server?)");
  assert_string_equal(jack_status_words(JackFailure, text, sizeof text), "refused");
  assert_string_equal(jack_status_words(0, text, sizeof text), "no reason given");
  jack_status_words(JackFailure | JackServerFailed | JackVersionError, small, sizeof small);
  assert_int_equal(strlen(small), sizeof small - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_missing_library_is_named),
      cmocka_unit_test(test_another_library_is_refused),
      cmocka_unit_test(test_the_library_says_what_it_is),
      cmocka_unit_test(test_pipewire_is_seen_by_its_socket),
      cmocka_unit_test(test_status_bits_in_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
