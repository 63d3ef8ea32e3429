"""Clements decomposition of a unitary in NumPy: two rows or two columns change for each interferometer.

T = i e^{iθ/2} [[e^{iφ} sin(θ/2), cos(θ/2)], [e^{iφ} cos(θ/2), −sin(θ/2)]], U = diag · T_last … T_first.
Source: Clements et al., Optica 3, 1460 (2016).

usage: clements.py MODES, then rounds `decompose` as peer.py says.
"""

import cmath
import math
import sys

import numpy as np
from peer import serve

MODES = int(sys.argv[1])
rng = np.random.default_rng(1)
q, r = np.linalg.qr(rng.standard_normal((MODES, MODES)) + 1j * rng.standard_normal((MODES, MODES)))
unitary = q * (np.diag(r) / np.abs(np.diag(r)))


def interferometer(theta, phi):
    s, c, turn = math.sin(theta / 2), math.cos(theta / 2), 1j * cmath.exp(0.5j * theta)
    port = cmath.exp(1j * phi)
    return np.array([[turn * port * s, turn * c], [turn * port * c, -turn * s]])


def decompose():
    """Steps [side, upper mode, θ, φ] and the diagonal that is left."""
    u = unitary.copy()
    steps = []
    for i in range(1, MODES):
        for j in range(i):
            if i % 2 == 1:
                row, top = MODES - 1 - j, i - 1 - j
                a, b = u[row, top], u[row, top + 1]
                theta = 2 * math.atan2(abs(b), abs(a))
                phi = cmath.phase(a) - cmath.phase(b) + math.pi
                u[:, top : top + 2] = u[:, top : top + 2] @ interferometer(theta, phi).conj().T
                steps.append(("right", top, theta, phi))
            else:
                top, column = MODES + j - i - 1, j
                a, b = u[top, column], u[top + 1, column]
                theta = 2 * math.atan2(abs(a), abs(b))
                phi = cmath.phase(b) - cmath.phase(a)
                u[top : top + 2, :] = interferometer(theta, phi) @ u[top : top + 2, :]
                steps.append(("left", top, theta, phi))
    return steps, np.diag(u).copy()


steps, diagonal = decompose()
rebuilt = np.diag(diagonal)
for side, top, theta, phi in reversed(steps):
    if side == "left":
        rebuilt[top : top + 2, :] = interferometer(theta, phi).conj().T @ rebuilt[top : top + 2, :]
for side, top, theta, phi in reversed(steps):
    if side == "right":
        rebuilt[:, top : top + 2] = rebuilt[:, top : top + 2] @ interferometer(theta, phi)
error = np.linalg.norm(rebuilt - unitary)
if error > 1e-12 * MODES:
    sys.exit(f"the decomposition is {error:.2g} off")


def rounds():
    decompose()


serve(decompose=rounds)
