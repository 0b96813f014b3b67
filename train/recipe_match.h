// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

/// Which values two recipes must share: so that one's weights mean the same in the other, and so
/// that one's run can go on as the other. Main thread only.
#ifndef CONTINUO_TRAIN_RECIPE_MATCH_H
#define CONTINUO_TRAIN_RECIPE_MATCH_H

#include "base/log.h"
#include "train/recipe.h"

/// Whether weights of `there`, which `name` holds, make the network of `here`: everything of the
/// codec but its name, licence, rate and chunks. STATUS_USAGE names the first value that differs.
status recipe_match_network(const recipe *here, const seanet_config *there, const char *name,
                            error *err);

/// Whether a run that was begun as `before` can go on as `now`: the network, the discriminators and
/// what is remembered of both. STATUS_USAGE names the first value that differs, and `name`. Values
/// that may differ, and do, are told to `log` (may be null).
status recipe_match_run(const recipe *now, const recipe *before, const char *name,
                        const log_sink *log, error *err);

#endif
