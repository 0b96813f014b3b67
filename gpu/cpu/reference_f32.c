// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

// The reference operators in float: the readable judge of every variant.
#define REAL_TYPE DTYPE_F32
#define FN(name) name##_f32
#define R(function) function##f
#define REFERENCE_INT8 1

typedef float real;

#include "gpu/cpu/reference_body.h"
