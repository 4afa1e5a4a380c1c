"""The suite `complex`: programs of complex numbers, on small arrays and large ones."""

import numpy as np

from bench.model import Case
from bench.plain import PlainProgram, gradients_of

__all__ = ["INDICES", "PROGRAMS", "cases", "reflectance"]

# Of refraction, of the two materials of a stack of films.
INDICES = 1.5 + 0.01j, 2.1 + 0.02j

_rng = np.random.default_rng(0)


def impedance(n):
    w = np.logspace(-2, 4, n)
    seen = 1 / (1 / 10 + 1e-3j * w)

    def function(xp, p):
        r0, r1, c1, r2, c2, power = p
        z = r0 + 1 / (1 / r1 + 1j * w * c1) + 1 / (1 / r2 + (1j * w) ** power * c2) - seen
        return xp.sum(z.real**2 + z.imag**2)

    return PlainProgram(
        "impedance spectrum", f"{n:,} frequencies", function, (np.array([1, 10, 1e-3, 5, 1e-2, 0.8]),)
    )


def split_step(n):
    x = np.linspace(-10, 10, n, endpoint=False)
    start = np.exp(-(x**2) + 1j * x)
    kinetic = np.exp(-0.005j * (2 * np.pi * np.fft.fftfreq(n, 20 / n)) ** 2)

    def function(xp, v):
        psi, half = start, xp.exp(-0.005j * v)
        for _ in range(10):
            psi = half * xp.fft.ifft(kinetic * xp.fft.fft(half * psi))
        return xp.sum(xp.abs(psi) ** 2 * x**2)

    return PlainProgram("split-step Schrödinger", f"{n:,} points", function, (x**2 / 2,))


def riccati(n):
    matrix = 0.1 * (_rng.standard_normal((n, n)) + 1j * _rng.standard_normal((n, n)))

    def function(xp, a):
        one = xp.eye(n)
        g, h = one + 0j, one + 0j
        for _ in range(5):
            w = xp.linalg.inv(one + g @ h)
            adjoint = xp.conj(a).T
            a, g, h = a @ w @ a, g + a @ w @ g @ adjoint, h + adjoint @ h @ w @ a
        return xp.sum(xp.abs(h) ** 2)

    return PlainProgram("Riccati doubling", f"{n} x {n}", function, (matrix,))


def reflectance(xp, waves, thick, unit, zero):
    """The mean part of the light that a stack of films reflects, two materials in turn; the first matrix is given."""
    a, b, c, d = unit, zero, zero, unit
    for j in range(len(thick)):
        index = INDICES[j % 2]
        phase = 2 * np.pi * index * thick[j] / waves
        cos, sin = xp.cos(phase), 1j * xp.sin(phase)
        a, b, c, d = (
            a * cos + b * index * sin,
            a * sin / index + b * cos,
            c * cos + d * index * sin,
            c * sin / index + d * cos,
        )
    return xp.mean(xp.abs((a + b - c - d) / (a + b + c + d)) ** 2)


def transfer_matrices(n):
    waves = np.linspace(400, 700, n)

    def function(xp, thick):
        return reflectance(xp, waves, thick, xp.full(n, 1 + 0j), xp.full(n, 0j))

    return PlainProgram("transfer matrices", f"{n:,} wavelengths", function, (np.linspace(50, 120, 8),))


PROGRAMS = [
    impedance(50),
    impedance(100_000),
    split_step(64),
    split_step(65_536),
    riccati(4),
    riccati(40),
    transfer_matrices(20),
    transfer_matrices(100_000),
]


def cases(quick: bool) -> list[Case]:
    """Gradients of programs of complex numbers."""
    return gradients_of("complex", PROGRAMS[::2] if quick else PROGRAMS, quick)
