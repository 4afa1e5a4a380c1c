import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(7)
SIZES = dict(zip("ijklabn", (2, 3, 4, 5, 2, 3, 1), strict=True))


def operand(*shape, dtype=float):
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if dtype is complex else x.astype(dtype)


SUBSCRIPTS = [
    "ij,jk->ik", "ij,jk", "ij,kj->ik", "ji,jk->ki", "i,i->", "i,j->ij", "ij,ij->ij", "ij,ij->", "ij->ji", "ij->",
    "ij->i", "ij->j", "ji", "ij,j->i", "ij,i->ij", "ijk,ikl->ijl", "aij,ajk->aik", "ijk,jil->kl", "ij,jk,kl->il",
    "i,i,i->i", "ij,jk,ki->", "ij,ik,il->jkl", "ijk->kij", "i,ij,j->", "ab,ijk->abk", "ij,kl->ijkl", "i->", "i->i",
    "b,ij->i", "ijk,jkl,li->", "i,j,k,l->",
]  # fmt: skip

LAWS = {
    subscripts: (
        lambda m, *xs, subscripts=subscripts: m.einsum(subscripts, *xs),
        tuple(
            operand(*(SIZES[c] for c in term)) for term in subscripts.partition("->")[0].split(",")
        ),
    )
    for subscripts in SUBSCRIPTS
} | {
    "trace": (lambda m, x: m.einsum("ii", x), (operand(3, 3),)),
    "diagonal": (lambda m, x: m.einsum("ii->i", x), (operand(3, 3),)),
    "batched diagonal": (lambda m, x: m.einsum("...ii->...i", x), (operand(2, 3, 3),)),
    "cube diagonal": (lambda m, x, y: m.einsum("iii,ij->j", x, y), (operand(2, 2, 2), operand(2, 3))),
    "ellipsis": (lambda m, x, y: m.einsum("...ij,...jk->...ik", x, y), (operand(2, 3, 4), operand(4, 2))),
    "ellipsis broadcast": (
        lambda m, x, y: m.einsum("...i,...i", x, y),
        (operand(2, 1, 4), operand(3, 4)),
    ),
    "ellipsis summed": (lambda m, x, y: m.einsum("i...,i...->...", x, y), (operand(2, 3), operand(2, 3))),
    "ellipsis moved": (lambda m, x: m.einsum("i...j->j...i", x), (operand(2, 3, 4),)),
    "stretched": (lambda m, x, y: m.einsum("ij,jk->ik", x, y), (operand(2, 1), operand(3, 2))),
    "complex": (lambda m, x, y: m.einsum("ij,jk->ik", x, y), (operand(2, 3, dtype=complex), operand(3, 2))),
    "float32": (lambda m, x, y: m.einsum("ij,jk->ik", x, y), (operand(2, 3, dtype="f4"), operand(3, 2, dtype="f4"))),
    "ints": (lambda m, x: m.einsum("ij,kj->ik", x, x), (np.arange(6).reshape(2, 3),)),
    "ints summed": (lambda m, x: m.einsum("ij->i", x), (np.arange(6, dtype=np.int32).reshape(2, 3),)),
    "dtype": (lambda m, x, y: m.einsum("i,i", x, y, dtype=float), (operand(3, dtype="f4"), operand(3))),
    "optimize": (
        lambda m, x, y, z: m.einsum("ij,jk,kl->il", x, y, z, optimize=True),
        (operand(2, 3), operand(3, 4), operand(4, 2)),
    ),
    "interleaved": (lambda m, x, y: m.einsum(x, [0, 1], y, [1, 2], [0, 2]), (operand(2, 3), operand(3, 4))),
    "interleaved implicit": (lambda m, x, y: m.einsum(x, [4, 1], y, [1, 2]), (operand(2, 3), operand(3, 4))),
    "interleaved ellipsis": (
        lambda m, x, y: m.einsum(x, [..., 0, 1], y, [1, 2], [..., 0, 2]),
        (operand(2, 2, 3), operand(3, 4)),
    ),
    "spaces": (lambda m, x, y: m.einsum("i j, j -> i", x, y), (operand(2, 3), operand(3))),
    "lists": (lambda m, x: m.einsum("i,i", x, [1.0, 2.0, 3.0]), (operand(3),)),
    "empty": (lambda m, x, y: m.einsum("ij,jk->ik", x, y), (operand(2, 0), operand(0, 3))),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


def test_products_are_made_in_the_cheap_order():
    x, y, v = operand(50, 50), operand(50, 50), operand(50)
    program = fg.trace(lambda x, y, v: np.einsum("ij,jk,k->i", x, y, v))(x, y, v)
    assert [e.outputs[0].type.ndim for e in program.equations if e.primitive.name == "dot"] == [1, 1]


def test_path_of_traced_operands():
    x = operand(2, 3)
    seen = []
    fg.trace(lambda x: seen.append(np.einsum_path("ij,jk,kl->il", x, x.T, x)[0]) or x)(x)
    assert seen == [np.einsum_path("ij,jk,kl->il", x, x.T, x)[0]]


def test_a_transposed_view_is_a_view():
    def f(x):
        y = x * 1.0
        np.einsum("ij->ji", y)[0] = 5.0
        return y

    x = operand(2, 3)
    np.testing.assert_array_equal(fg.trace(f)(x)(x), f(x))


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3), (4, 2)], r"einsum: expected one size for 'j', got float64\[2,3\] and float64\[4,2\]"),
        ("ij->i", [(2,)], r"einsum: expected a letter for each axis of float64\[2\], got 'ij->i'"),
        ("i->i", [(2, 3)], "einsum: expected a letter for each axis"),
        ("ij,jk->iz", [(2, 3), (3, 2)], "einsum: expected each letter of the result once, and in an operand"),
        ("ij->ii", [(2, 2)], "einsum: expected each letter of the result once"),
        ("ij,jk", [(2, 2)], "einsum: expected an operand for each of 2 terms, got 1"),
        ("i?", [(2, 2)], "einsum: expected letters, commas"),
    ],
)  # fmt: skip
def test_bad_inputs_say_so_staged_and_eager(subscripts, shapes, message):
    args = [operand(*shape) for shape in shapes]
    for run in (
        lambda: fnp.einsum(subscripts, *args),
        lambda: fg.trace(lambda *xs: np.einsum(subscripts, *xs))(*args),
    ):
        with pytest.raises(ShapeError, match=message):
            run()


@pytest.mark.parametrize("left", ["uint8", "uint32", "int16", "bool"])
@pytest.mark.parametrize("right", ["int64", "int8", "uint64"])
def test_integers_of_two_kinds_stay_integers(left, right):
    # A sum of uint32 is uint64, and that times int64 would be a float: -2**63 times ten is 0, as integers go.
    x = np.arange(36).reshape(2, 2, 9).astype(left)
    y = np.array([[[np.iinfo(right).min or np.iinfo(right).max]]], right)
    for subscripts in ("i...,i...->...", "ijk,ijk->k", "ijk,abc->j"):
        want = np.einsum(subscripts, x, y)
        for got in (
            fg.numpy.einsum(subscripts, x, y),
            fg.jit(lambda x, y, s=subscripts: np.einsum(s, x, y))(x, y),
        ):
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)
