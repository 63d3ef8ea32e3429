"""Behavioural matrix product of a tiled optical core in vectorised NumPy: the reference of perf/kernels.ts.

The same physics as sim/kernels: per row and tile a scale, 8-bit codes through the inverse of the modulator's sine, the
modulators' complex fields, a complex transfer matrix, balanced homodyne powers, intensity noise a sample, shot and
thermal noise a reading, a 12-bit converter, decoded and added up in float32.

usage: behavioural.py ROWS INNER COLUMNS TILE, then rounds `behavioural` and `product` as peer.py says.
"""

import sys

import numpy as np
from peer import serve

ROWS, INNER, COLUMNS, TILE = (int(text) for text in sys.argv[1:5])
F = np.float32
GAIN, DARK, SHOT, THERMAL = F(1.01), F(5e-6), F(3.2e-10), F(1.5e-13)
FULL_SCALE, RIN_SIGMA, LOCAL, LEAK = F(2.0), F(1.8e-4), F(0.8), F(0.056)
REACH, RAD_PER_CODE, BIAS = F(0.98), F(np.pi / 2 / 127), F(0.01)
STEP = FULL_SCALE / F(4096)

rng = np.random.default_rng(1)
a = rng.uniform(-1, 1, (ROWS, INNER)).astype(F)
b = rng.uniform(-1, 1, (INNER, COLUMNS)).astype(F)
# Ports differ in loss and phase, so that each has a table of its own.
codes = np.arange(-127, 128, dtype=F) * RAD_PER_CODE + BIAS
field = np.sin(codes) + 1j * LEAK * np.cos(codes)
loss = rng.uniform(0.05, 0.06, TILE)
table = (loss[:, None] * np.exp(2j * np.pi * rng.random(TILE))[:, None] * field).astype(np.complex64)
unit = table[:, 254] / np.abs(table[:, 254])
transfer = [
    [np.ascontiguousarray((b[k : k + TILE, n : n + TILE].T / TILE) / unit).astype(np.complex64) for n in range(0, COLUMNS, TILE)]
    for k in range(0, INNER, TILE)
]
ports = np.arange(TILE)


def detect(power, factor):
    current = power * factor
    current *= GAIN
    current += DARK
    noise = rng.standard_normal(current.shape, dtype=F)
    sigma = current * SHOT
    sigma += THERMAL
    np.sqrt(sigma, out=sigma)
    noise *= sigma
    current += noise
    current *= 1 / STEP
    np.rint(current, out=current)
    np.minimum(current, F(4096), out=current)
    return current


def behavioural():
    c = np.zeros((ROWS, COLUMNS), F)
    for k in range(0, INNER, TILE):
        part = a[:, k : k + TILE]
        scale = np.abs(part).max(axis=1, keepdims=True)
        code = np.rint((np.arcsin(part / scale * REACH) - BIAS) / RAD_PER_CODE).astype(np.int8)
        light = table[ports, np.clip(code, -127, 127).astype(np.intp) + 127]
        decode = scale * (STEP * F(TILE / (2 * LOCAL * 0.055 * REACH)))
        for n in range(0, COLUMNS, TILE):
            s = light @ transfer[k // TILE][n // TILE].T
            factor = F(1) + RIN_SIGMA * rng.standard_normal((ROWS, 1), dtype=F)
            mean = (s.real**2 + s.imag**2 + LOCAL * LOCAL) * F(0.5)
            beat = s.real * LOCAL
            plus = detect(mean + beat, factor)
            minus = detect(mean - beat, factor)
            c[:, n : n + TILE] += (plus - minus) * decode
    return c


exact = a @ b
error = np.linalg.norm(behavioural() - exact) / np.linalg.norm(exact)
if error > 0.1:
    sys.exit(f"the behavioural product is {error:.2g} off")


def product():
    a @ b


def rounds():
    behavioural()


serve(behavioural=rounds, product=product)
