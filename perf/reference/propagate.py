"""A batch of complex vectors through the columns of an imperfect rectangular mesh in vectorised NumPy, complex64.

All interferometers of a column and all vectors of the batch are one expression; the 2×2 matrices are made from phases
and splitter errors in each round, by the formula of docs/physics.md.

usage: propagate.py MODES BATCH, then rounds `propagate` as peer.py says.
"""

import sys

import numpy as np
from peer import serve

MODES, BATCH = (int(text) for text in sys.argv[1:3])
rng = np.random.default_rng(1)
columns = [np.arange(column % 2, MODES - 1, 2) for column in range(MODES)]
theta, phi, alpha, beta = (
    [spread * rng.standard_normal(tops.size) for tops in columns] for spread in (1.0, 1.0, 0.02, 0.02)
)
start = (rng.standard_normal((MODES, BATCH)) + 1j * rng.standard_normal((MODES, BATCH))).astype(np.complex64)


def matrices(theta, phi, alpha, beta):
    a, b = np.pi / 4 + alpha, np.pi / 4 + beta
    ca, sa, cb, sb = np.cos(a), np.sin(a), np.cos(b), np.sin(b)
    arm, port = np.exp(1j * theta), np.exp(1j * phi)
    elements = (port * (arm * cb * ca - sb * sa), 1j * (arm * cb * sa + sb * ca), 1j * port * (arm * sb * ca + cb * sa), cb * ca - arm * sb * sa)
    return [element.astype(np.complex64)[:, None] for element in elements]


def propagate():
    x = start.copy()
    for column, parameters in enumerate(zip(theta, phi, alpha, beta)):
        t11, t12, t21, t22 = matrices(*parameters)
        first = column % 2
        end = first + 2 * t11.shape[0]
        upper, lower = x[first:end:2], x[first + 1 : end : 2]
        up = t11 * upper + t12 * lower
        lower *= t22
        lower += t21 * upper
        upper[:] = up
    return x


power = lambda x: np.sum(np.abs(x.astype(np.complex128)) ** 2)
if abs(power(propagate()) / power(start) - 1) > 1e-4:
    sys.exit("the mesh does not keep its power")


def rounds():
    propagate()


serve(propagate=rounds)
