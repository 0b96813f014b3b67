// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Names for people: pretty names, group and order of the ports, as patch bays show them. Purely
/// cosmetic: every failure is ignored. [main]
#ifndef CONTINUO_PLUGIN_JACK_METADATA_H
#define CONTINUO_PLUGIN_JACK_METADATA_H

#include "plugin/jack_process.h"

void jack_metadata_set(const jack_process *p);
void jack_metadata_remove(const jack_process *p); ///< while the server still lives

#endif
