"""Complex numbers in machine code: nothing of them is left to NumPy that has a rule, and the numbers are NumPy's."""

import threading

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.parts import is_pair
from funcgrad.programs.complex_split import complex_split

rng = np.random.default_rng(0)


def numbers(*shape, dtype=complex):
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


A, B = numbers(4, 4), numbers(4, 3)
Z = numbers(7)


def loop(z):
    for i in range(12):
        z = np.sin(z) * (0.5 + 0.1j) + i * 0.01j
    return z


def scanned(z):
    carry, ys = fg.scan(lambda c, x: (c * 0.9j + x, np.exp(c) * x.real), z[0] * 0, z)
    return ys * carry


def written(z):
    y = fg.numpy.zeros(7, complex)
    for i in range(7):
        y[i] = z[i] * z[i - 1]
    y[1:3] += 2j
    return y


def branching(z):
    return fg.cond(z[0].real > 0, lambda z: z * 2j, lambda z: np.exp(z), z)


def until_large(z):
    return fg.while_loop(
        lambda c: np.abs(c[0]) < 50, lambda c: (c[0] * (1.3 + 0.2j) + c[1], c[1] * 1j), (z[0], z[1])
    )[0]


NATIVE = {
    "elementwise": (lambda z: np.exp(z) * np.sin(z) / z - np.conj(z), Z),
    "roots and logarithms": (lambda z: np.sqrt(z) + np.log(z) * 2j + np.tanh(z) + 1 / z, Z),
    "powers": (lambda z: z**2.5 + z**-3 + 2**z + z**z, Z),
    "parts": (lambda z: np.abs(z) + np.angle(z) + z.real * 1j - z.imag, Z),
    "reductions": (lambda z: np.sum(z) + np.mean(z) + np.prod(z) + np.linalg.norm(z) + np.var(z), Z),
    "running sums": (lambda z: np.cumsum(z), Z),
    "indexing": (lambda z: z[::-2] * z[np.array([0, 0, 3, 1])] + z[1], Z),
    "where": (lambda z: np.where(z.real > 0, z, 1.5), Z),
    "joined": (lambda z: np.concatenate([z, z.real, 2j * z]).reshape(3, 7).T, Z),
    "products": (lambda a: a @ a.conj().T @ B + (np.arange(16.0).reshape(4, 4) @ a)[:, :3], A),
    "einsum": (lambda a: np.einsum("ij,kj->ik", a, a.conj()), A),
    "convolution": (lambda z: np.convolve(z, z[:2]), Z),
    "tests": (lambda z: np.isfinite(z) * 1.0 + (z == z) + (z != Z[0]) + np.any(z) + np.logical_not(z), Z),
    "single": (lambda z: np.exp(z) / z * 2.0, Z.astype(np.complex64)),
    "mixed": (lambda z: z * np.arange(7) + np.arange(7.0, dtype="f4") / z, Z.astype(np.complex64)),
    "loop": (loop, Z),
    "scan": (scanned, Z),
    "written": (written, Z),
    "branch": (branching, Z),
    "while": (until_large, Z),
    "vmap": (fg.vmap(lambda r: np.sum(r * r[::-1]) * np.exp(r)), A),
}
# What NumPy computes between native parts.
HOST = {
    "arcs": (lambda z: np.arcsin(z) * np.arctanh(z) * z, Z),
    "linalg": (lambda a: np.linalg.solve(a, B) * np.linalg.det(a) + np.linalg.inv(a)[:, :3], A),
    "fft": (lambda z: np.fft.ifft(np.fft.fft(z) * np.exp(1j * np.arange(7))), Z),
    "in a loop": (lambda z: fg.scan(lambda c, _: (np.arcsin(c) * 0.5j, c), z, None, length=4)[1], Z),
}


def close(got, want, single=False):
    assert np.asarray(got).dtype == np.asarray(want).dtype
    tolerance = 1e-4 if single else 1e-11
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*NATIVE, *HOST])
def test_compiled_is_as_interpreted(name):
    f, z = (NATIVE | HOST)[name]

    def loss(z):
        return np.sum(np.abs(f(z)) ** 2)

    single = z.dtype == np.complex64
    close(fg.jit(f)(z), f(z), single)
    close(fg.jit(fg.grad(loss))(z), fg.grad(loss)(z), single)
    d = z[::-1].copy()
    close(fg.jit(lambda z, d: fg.jvp(f, (z,), (d,)))(z, d)[1], fg.jvp(f, (z,), (d,))[1], single)


@pytest.mark.parametrize("name", NATIVE)
def test_nothing_is_left_to_numpy(name):
    f, z = NATIVE[name]
    for function in (f, fg.grad(lambda z: np.sum(np.abs(f(z)) ** 2))):
        compiled = fg.jit(function)
        compiled(z)
        assert "NumPy" not in compiled.explain(), compiled.explain()


def test_second_derivatives():
    def f(x):
        return np.abs(np.exp(1j * x[0] * x[1]) + x[1] * 1j) ** 2

    x = np.array([0.3, 0.4])
    close(fg.jit(fg.hessian(f))(x), fg.hessian(f)(x))
    close(
        fg.jit(fg.jacobian(lambda z: np.exp(z * z) / (1 + z), holomorphic=True))(Z),
        fg.jacobian(lambda z: np.exp(z * z) / (1 + z), holomorphic=True)(Z),
    )


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13, 16, 17, 31, 40])
def test_sizes_that_straddle_vectors(n):
    z = numbers(3, n)
    f = lambda z: np.cumsum(z * z[::-1], axis=1) / np.abs(z) + z.sum(axis=0)
    close(fg.jit(f)(z), f(z))
    close(
        fg.jit(fg.grad(lambda z: np.sum(np.abs(f(z)))))(z),
        fg.grad(lambda z: np.sum(np.abs(f(z))))(z),
    )


def test_layouts_and_scalars():
    f = fg.jit(lambda z: np.exp(z) * 1j)
    for z in [
        Z[::2],
        Z[::-1],
        np.asfortranarray(A),
        numbers(5, 0),
        np.array(1 + 2j),
        np.complex128(2j),
        2 - 3j,
    ]:
        close(f(z), np.exp(z) * 1j)
    read_only = Z.copy()
    read_only.flags.writeable = False
    close(f(read_only), np.exp(Z) * 1j)
    assert type(f(1 + 2j)) is np.complex128
    assert fg.jit(lambda x: (x * 1j, 2j, x))(np.ones(2))[1] == 2j


def test_products_of_any_count():
    for n in range(12):
        z = numbers(2, n)
        close(fg.jit(lambda z: np.prod(z, axis=1))(z), np.prod(z, axis=1))
        close(fg.jit(lambda z: np.prod(z))(z), np.prod(z))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_masked_infinity_has_no_derivative():
    z = np.array([0, 1 + 1j, 0, 2j])

    def loss(z):
        return np.sum(np.abs(np.where(z == 0, 0, 1 / z)) ** 2)

    for gradient in (fg.grad(loss)(z), fg.jit(fg.grad(loss))(z)):
        assert np.isfinite(gradient).all()
        assert (gradient[[0, 2]] == 0).all()
    close(fg.jit(fg.grad(loss))(z), fg.grad(loss)(z))


def test_the_program_is_split_between_its_ends():
    program = fg.trace(lambda z: np.exp(z) * 2j)(Z)
    split = complex_split(program)
    assert split.in_types == program.in_types and split.out_types == program.out_types
    names = [
        e.primitive.name
        for e in split.equations
        if any(is_pair(a.type.dtype) for a in (*e.inputs, *e.outputs))
    ]
    assert sorted(names) == ["complex", "imag", "real"]
    real = fg.trace(lambda x: np.exp(x))(np.ones(3))
    assert complex_split(real) is real


def test_threads():
    f = fg.jit(lambda z: np.exp(z) / z)
    want, wrong = np.exp(Z) / Z, []

    def call():
        for _ in range(200):
            if not np.allclose(f(Z), want):
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
