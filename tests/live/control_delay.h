// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// A planted fault: the player is told of "continue" later than it was stamped. The linker puts our
/// wrappers in front of player_control and player_begin (-Wl,--wrap), so nothing of this is in the
/// program itself.
#ifndef CONTINUO_TESTS_LIVE_CONTROL_DELAY_H
#define CONTINUO_TESTS_LIVE_CONTROL_DELAY_H

/// By so many steps from now on; 0: not at all.
void control_delay_set(int steps);

#endif
