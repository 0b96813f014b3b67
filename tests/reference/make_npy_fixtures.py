# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Write the small .npy files that tests/models/test_npy_file.c reads.

Run by hand, with NumPy installed: python tests/reference/make_npy_fixtures.py
"""

import os

import numpy as np

FOLDER = os.path.join(os.path.dirname(__file__), "..", "models", "data")


def write(name, array, version=None):
    with open(os.path.join(FOLDER, "npy_" + name + ".npy"), "wb") as stream:
        np.lib.format.write_array(stream, array, version=version)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    ramp = np.arange(12).reshape(3, 4)
    write("f32", ramp.astype("<f4"))
    write("f64_v2", ramp.astype("<f8"), version=(2, 0))
    write("i64_v3", ramp.astype("<i8"), version=(3, 0))
    write("codes", ramp.astype("<u2"))
    write("i32_line", np.arange(5, dtype="<i4"))
    write("scalar", np.array(2.5, dtype="<f4"))
    write("empty", np.zeros((0, 7), dtype="<u2"))
    write("fortran", np.asfortranarray(ramp.astype("<f4")))
    write("big_endian", ramp.astype(">f4"))
    write("complex", ramp.astype("<c8"))
    write("record", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
