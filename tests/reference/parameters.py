# SPDX-FileCopyrightText: 2026 The continuo authors
# SPDX-License-Identifier: MIT
"""Named tensors for the reference networks: values of weights.py, leaves of autograd where they are
trained, weight normalisation where it is asked for."""

import torch

import weights


class Store:
    """normed: whether a convolution's weight of this name is kept as g and v, g * v / |v|."""

    def __init__(self, seed, dtype=torch.float32, trained=True, normed=lambda name: False):
        self.seed, self.dtype, self.trained, self.normed = seed, dtype, trained, normed
        self.leaves = {}

    def leaf(self, name, value):
        self.leaves[name] = value.to(self.dtype).clone().requires_grad_(self.trained)

    def start(self, name, use, shape, stride, groups):
        value = torch.from_numpy(weights.tensor(self.seed, name, use, shape, stride, groups).copy())
        if use.startswith("conv") and self.normed(name):
            size = value.double().flatten(1).norm(dim=1).float()
            self.leaf(name + ".g", size.reshape(-1, *[1] * (len(shape) - 1)))
            self.leaf(name + ".v", value)
        else:
            self.leaf(name, value)

    def get(self, name, use, shape, stride=1, groups=1):
        if name not in self.leaves and name + ".g" not in self.leaves:
            self.start(name, use, shape, stride, groups)
        if name in self.leaves:
            return self.leaves[name]
        return torch._weight_norm(self.leaves[name + ".v"], self.leaves[name + ".g"], 0)
