// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "engine/control/parameters.h"

#include "engine/play/effect_parameters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const parameter_info own[N_OWN_PARAMETERS] = {
    [PARAMETER_MODE] = {"mode", "mode", "", "what is played",
                        "monitor|listen|continue|accompany|answer|generate|freeze",
                        PARAMETER_CHOICE, 0, N_MODES - 1, MODE_MONITOR, false},
    [PARAMETER_THRU] = {"thru", "thru", "", "what is heard of the input while listening",
                        "off|dry|codec", PARAMETER_CHOICE, 0, 2, THRU_OFF, false},
    [PARAMETER_MEMORY] = {"memory", "memory", "", "which of two memories is in use", "a|b",
                          PARAMETER_CHOICE, 0, 1, 0, false},
    [PARAMETER_QUANTISE] = {"quantise", "quantise", "", "when modes and actions take effect",
                            "off|beat|bar", PARAMETER_CHOICE, 0, 2, QUANTISE_OFF, false},
    [PARAMETER_TEMPO] = {"tempo", "tempo", "BPM", "of the own clock, 0: none", NULL, PARAMETER_REAL,
                         0, 400, 0, false},
    [PARAMETER_BEATS_PER_BAR] = {"beats_per_bar", "beats per bar", "beats", "length of a bar", NULL,
                                 PARAMETER_WHOLE, 1, 32, 4, false},
    [PARAMETER_GATE_OPEN] = {"gate_open", "gate opens", "dB", "input above this is playing", NULL,
                             PARAMETER_REAL, -120, 0, -50, false},
    [PARAMETER_GATE_CLOSE] = {"gate_close", "gate closes", "dB", "input below this is silence",
                              NULL, PARAMETER_REAL, -120, 0, -56, false},
    [PARAMETER_GATE_HOLD] = {"gate_hold", "gate hold", "ms", "silence that is still playing", NULL,
                             PARAMETER_REAL, 0, 2000, 120, false},
    [PARAMETER_ANSWER_AFTER] = {"answer_after", "answer after", "ms",
                                "silence after which mode answer answers", NULL, PARAMETER_REAL, 0,
                                10000, 400, false},
    [PARAMETER_PHRASE_END] = {"phrase_end", "from the phrase's end", "",
                              "go on from the last step above the gate, not from the silence after",
                              NULL, PARAMETER_SWITCH, 0, 1, 1, false},
    [PARAMETER_FREEZE_LENGTH] = {"freeze_length", "freeze length", "steps",
                                 "steps that freeze repeats", NULL, PARAMETER_WHOLE, 1, 250, 25,
                                 false},
    [PARAMETER_SEED] = {"seed", "seed", "", "of everything drawn at random", NULL, PARAMETER_WHOLE,
                        0, 9007199254740991.0, 1, false},
    [PARAMETER_TEMPERATURE] = {"temperature", "temperature", "", "how daring the model is", NULL,
                               PARAMETER_REAL, 0.01, 4, 1, false},
    [PARAMETER_MIN_RUN] = {"min_run", "least run", "steps", "oracle: steps between jumps at least",
                           NULL, PARAMETER_WHOLE, 1, 500, 20, false},
    [PARAMETER_JUMP] = {"jump", "jump", "", "oracle: probability of a jump where one is possible",
                        NULL, PARAMETER_REAL, 0, 1, 0.05, false},
    [PARAMETER_SIMILARITY] = {"similarity", "similarity", "",
                              "oracle: how alike the places of a jump must be", NULL,
                              PARAMETER_REAL, 0, 1, 0.7, false},
    [PARAMETER_PULSE] = {"pulse", "pulse", "", "oracle: how strictly jumps keep the beat", NULL,
                         PARAMETER_REAL, 0, 1, 0.9, false},
    [PARAMETER_FOLLOW] = {"follow", "follow", "",
                          "oracle: how readily it follows while accompanying", NULL, PARAMETER_REAL,
                          0, 1, 0.5, false},
    [PARAMETER_BLEND] = {"blend", "blend", "steps", "crossfade of latents at jumps", NULL,
                         PARAMETER_WHOLE, 0, 2, 1, false},
    [PARAMETER_REPEAT_LIMIT] = {"repeat_limit", "repeat limit", "ms",
                                "nothing longer is said twice in a row", NULL, PARAMETER_REAL, 100,
                                10000, 2000, false},
    [PARAMETER_MATCH] = {"match", "level match", "", "how far the answer takes the player's level",
                         NULL, PARAMETER_REAL, 0, 1, 0.5, false},
    [PARAMETER_LEVEL] = {"level", "level", "dB", "of the output", NULL, PARAMETER_REAL, -60, 12, 0,
                         true},
    [PARAMETER_MIX] = {"mix", "mix", "", "from the input, L later, to the instrument", NULL,
                       PARAMETER_REAL, 0, 1, 1, true},
    [PARAMETER_CEILING] = {"ceiling", "ceiling", "dBTP", "true peak that is never exceeded", NULL,
                           PARAMETER_REAL, -24, 0, -1, true},
    [PARAMETER_FEEDBACK_GUARD] = {"feedback_guard", "feedback guard", "",
                                  "fade out when the output builds up through the room", NULL,
                                  PARAMETER_SWITCH, 0, 1, 1, false},
};

int parameter_count(void)
{
  return N_OWN_PARAMETERS + effect_parameter_count();
}

const parameter_info *parameter_get(int id)
{
  return id >= 0 && id < N_OWN_PARAMETERS ? &own[id] : effect_parameter_get(id - N_OWN_PARAMETERS);
}

int parameter_find(const char *key)
{
  for (int i = 0; i < parameter_count(); ++i) {
    if (strcmp(parameter_get(i)->key, key) == 0) {
      return i;
    }
  }
  return -1;
}

double parameter_clamp(int id, double value)
{
  const parameter_info *p = parameter_get(id);
  if (!p) {
    return 0.0;
  }
  if (isnan(value)) {
    return p->standard;
  }
  value = p->kind == PARAMETER_REAL ? value : nearbyint(value);
  return value < p->least ? p->least : value > p->most ? p->most : value;
}

// Index of `text` among words separated by '|'; -1: none.
static int find_word(const char *words, const char *text)
{
  const size_t length = strlen(text);
  int index = 0;
  for (const char *word = words;; ++index) {
    const char *end = strchr(word, '|');
    const size_t n = end ? (size_t)(end - word) : strlen(word);
    if (n == length && strncmp(word, text, n) == 0) {
      return index;
    }
    if (!end) {
      return -1;
    }
    word = end + 1;
  }
}

status parameter_parse(int id, const char *text, double *value, error *err)
{
  const parameter_info *p = parameter_get(id);
  if (!p) {
    return error_set(err, STATUS_USAGE, "no such parameter");
  }
  const char *words = p->kind == PARAMETER_SWITCH ? "off|on" : p->words;
  const int word = words ? find_word(words, text) : -1;
  if (word >= 0) {
    *value = word;
    return STATUS_OK;
  }
  char *end = NULL;
  const double read = strtod(text, &end);
  const bool number = end != text && *end == '\0' && !isnan(read);
  if (p->kind == PARAMETER_CHOICE || !number) {
    return words ? error_set(err, STATUS_USAGE, "%s is one of %s, not \"%s\"", p->key, words, text)
                 : error_set(err, STATUS_USAGE, "%s is a number, not \"%s\"", p->key, text);
  }
  if (read < p->least || read > p->most || read != parameter_clamp(id, read)) {
    return error_set(err, STATUS_USAGE, "%s is %s from %g to %g, not %s", p->key,
                     p->kind == PARAMETER_REAL ? "a number" : "a whole number", p->least, p->most,
                     text);
  }
  *value = read;
  return STATUS_OK;
}

void parameter_format(int id, double value, char *text, size_t text_bytes)
{
  const parameter_info *p = parameter_get(id);
  const char *words = p && p->kind == PARAMETER_SWITCH ? "off|on" : p ? p->words : NULL;
  if (!words) {
    snprintf(text, text_bytes, "%.17g", value);
    for (int digits = 15; digits < 17; ++digits) { // the shortest that reads back: 400, not 4e+02
      char shorter[40];
      snprintf(shorter, sizeof shorter, "%.*g", digits, value);
      if (strtod(shorter, NULL) == value) {
        snprintf(text, text_bytes, "%s", shorter);
        return;
      }
    }
    return;
  }
  for (int skip = (int)parameter_clamp(id, value); skip > 0; --skip) {
    const char *bar = strchr(words, '|');
    words = bar ? bar + 1 : words;
  }
  snprintf(text, text_bytes, "%.*s", (int)strcspn(words, "|"), words);
}

void parameters_standard(double values[PARAMETER_MAX])
{
  memset(values, 0, PARAMETER_MAX * sizeof *values);
  for (int i = 0; i < parameter_count(); ++i) {
    values[i] = parameter_get(i)->standard;
  }
}
