"""The battery finds wrong rules: faults are seeded on purpose, and each must be caught."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.primitives.elementwise as family
from funcgrad.core.linear import Linear
from funcgrad.core.primitive import Primitive, primitives
from funcgrad.extend import Sample, box, elementwise
from funcgrad.primitives import (
    arithmetic,
    contraction,
    cumulative,
    gathering,
    logic,
    reduction,
    trigonometric,
)
from funcgrad.primitives import shape as rearranging
from funcgrad.testing import zero_laws  # noqa: F401  (registers its laws)
from funcgrad.testing.battery import cases

FAULTS = {
    "wrong sign": ("sin", trigonometric.sin, "partials", (lambda y, x: -np.cos(x),)),
    "wrong formula": ("tanh", trigonometric.tanh, "partials", (lambda y, x: 1 - y,)),
    "one of two partials": (
        "power",
        arithmetic.power,
        "partials",
        (arithmetic.power.partials[0], lambda y, x, n: y),
    ),
    "no guard at a branch point": ("sqrt", family, "is_all_finite", lambda y: True),
    "transpose in the wrong direction": (
        "cumsum",
        cumulative.CumSum,
        "transpose_rule",
        lambda self, y_bar, x, *, axis, reverse: cumulative.cumsum(y_bar, axis=axis, reverse=reverse),
    ),
    "overwritten values keep their cotangent": ("scatter_set", gathering, "_survivors", lambda *args: 1.0),
    "batch axis in the wrong place": (
        "dot",
        contraction.Dot,
        "batch_rule",
        lambda self, size, batched, x, y, **params: (self(x, y, **params), True),
    ),
    "ties counted fully": (
        "max",
        reduction.Max,
        "weight",
        lambda self, y, x, axes: logic.equal(x, y) * 1.0,
    ),
    "type rule loses the dtype": (
        "flip",
        rearranging.Flip,
        "type_rule",
        lambda self, x, *, axes: fg.ArrayType(x.shape, float),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_caught(fault, monkeypatch):
    name, owner, attribute, value = FAULTS[fault]
    mine = [case for _, case in cases() if case.primitive.name == name]
    monkeypatch.setattr(owner, attribute, value, raising=False)
    caught = 0
    for case in mine:
        try:
            case.run()
        except Exception:
            caught += 1
    assert caught, f"no law of the battery noticed: {fault}"


def test_a_primitive_without_its_rules_is_refused_when_made():
    class Incomplete(Linear):
        name = "incomplete"

        def type_rule(self, x):
            return x

    with pytest.raises(
        NotImplementedError, match=r"'incomplete': expected every rule .* missing eval_rule, samples"
    ):
        Incomplete()

    class Underived(Primitive):
        name = "underived"
        type_rule = eval_rule = samples = lambda self, x=None: x

    with pytest.raises(NotImplementedError, match="missing jvp_rule or vjp_rule"):
        Underived()
    with pytest.raises(NotImplementedError, match="a primitive named 'sin' exists already"):
        elementwise("sin", np.sin, None, samples=[box((2,))])
    assert "incomplete" not in primitives()


def test_a_new_primitive_gets_its_tests():
    gauss = elementwise(
        "test_gauss",
        lambda x: np.exp(-x * x),
        (lambda y, x: -2 * x * y,),
        dtype_rule=lambda x: x.dtype,
        samples=[box((2, 3)), Sample((0.0,), derivative=(0.0,))],
    )
    mine = [case for label, case in cases() if label.startswith("test_gauss-")]
    assert len(mine) >= 10
    for case in mine:
        case.run()
    assert fg.grad(fg.grad(gauss))(0.0) == -2.0
