"""What a primitive says of itself holds: its cost, whether order matters, that it is exact, whose elements it gives."""

import numpy as np
import pytest

from funcgrad.compile.kernels.library import available
from funcgrad.core.primitive import Bad, box, primitives

ALL = list(primitives().values())


def calls(primitive):
    for sample in primitive.samples():
        if not isinstance(sample, Bad):
            yield [x.array() if isinstance(x, box) else np.asarray(x) for x in sample.args], sample.params


def results(primitive, args, params):
    with np.errstate(all="ignore"):
        return np.asarray(primitive.eval_rule(*args, **params))


def of_trait(name):
    found = [p for p in ALL if getattr(p, name)]
    return pytest.mark.parametrize("primitive", found, ids=lambda p: p.name)


@pytest.mark.parametrize("name", sorted({name for name, _ in available()} & set(primitives())))
def test_what_needs_a_kernel_is_not_cheap(name):
    assert primitives()[name].cost >= 10


@of_trait("commutative")
def test_commutative_operations_are(primitive):
    for (x, y), params in calls(primitive):
        if x.dtype.kind != "c" and y.dtype.kind != "c":
            np.testing.assert_array_equal(
                results(primitive, (x, y), params), results(primitive, (y, x), params)
            )


@of_trait("exact")
def test_exact_operations_compute_one_element_as_many(primitive):
    for args, params in calls(primitive):
        wide = [np.repeat(np.ravel(x), 37) for x in np.broadcast_arrays(*args)]
        if any(x.dtype.kind == "c" for x in wide):
            continue
        many = results(primitive, wide, params)
        ones = [results(primitive, [x[i] for x in wide], params) for i in range(len(many))]
        assert [y.tobytes() for y in ones] == [np.asarray(y).tobytes() for y in many]


@of_trait("magnitude_of")
def test_elements_are_those_of_the_arguments_named(primitive):
    for args, params in calls(primitive):
        y = results(primitive, args, params)
        given = np.concatenate([np.abs(np.ravel(args[i])) for i in primitive.magnitude_of])
        if y.dtype.kind == given.dtype.kind and len(given):
            assert set(np.abs(np.ravel(y))[~np.isnan(np.ravel(y))]) <= set(given)


@of_trait("speculative")
def test_what_may_be_computed_in_vain_neither_fails_nor_acts(primitive):
    assert not (primitive.fails or primitive.effect or primitive.opaque or primitive.repeats)
