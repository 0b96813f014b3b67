// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The reference operators in double, for gradient checks: activations and weights are f64.
#define REAL_TYPE DTYPE_F64
#define FN(name) name##_f64
#define R(function) function

typedef double real;

#include "gpu/cpu/reference_body.h"
