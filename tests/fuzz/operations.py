"""What a line may be: templates over names and values, with what is known of their rounding and smoothness."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["OPERATIONS", "Operation"]


class Operation(NamedTuple):
    """A kind of line.

    Attributes:
        arity: how many values it reads.
        text: `(rng, names, values) -> text`, None where it does not fit.
        rounds: its result may differ in the last bits from one implementation to another.
        decides: it must not be applied to values that may differ so.
        smooth: it has a derivative everywhere its arguments' values are likely to be.
    """

    arity: int
    text: Callable[[np.random.Generator, list[str], list[np.ndarray]], str | None]
    rounds: bool = True
    decides: bool = False
    smooth: bool = True


OPERATIONS: list[Operation] = []


def _add(arity: int, *templates: str, weight: int = 1, **details: Any) -> None:
    """Add lines that are a template: {a}, {b}, {c} for values, and the random parts of `_filled`."""
    for template in templates:
        operation = Operation(arity, lambda rng, n, v, t=template: _filled(rng, t, n, v), **details)
        OPERATIONS.extend([operation] * weight)


_PRODUCTS = ("np.dot", "np.inner", "np.tensordot", " @ ", "np.outer", "np.convolve")


def _is_looked_at(x):
    return np.isfinite(x).all() and (x.any() or not x.size)


def _filled(rng, template, names, values):
    x = values[0]
    if "einsum" in template and any(v.size == 0 for v in values):
        return None  # a sum of nothing times infinity is 0 or nan, by the order
    if (".flat[" in template or "it.reshape" in template) and not x.ndim:
        return None  # NumPy's numbers are written to in vain
    # (np.bool_ ** 2 is int64, and ** 2 of an array of bools int8; which of the two an array without axes is, is lost.)
    if "**" in template and any(v.ndim == 0 and v.dtype == bool for v in values):
        return None
    # (NumPy's product with the number 0, or a matrix of it, is 0 whatever the other has, and of any sign: BLAS does not look
    # at the other.)
    if any(name in template for name in _PRODUCTS) and not all(map(_is_looked_at, values)):
        return None
    # (Products of complex numbers that are taken in another order have zeros of other signs.)
    if "prod" in template and x.dtype.kind == "c" and not x.all():
        return None
    # (The sign of nan is nobody's concern.)
    if ("signbit" in template or "copysign" in template) and any(np.isnan(v).any() for v in values):
        return None
    # (NumPy takes values of any shape where there are no places to write them to.)
    if "it[" in template and any(v.size == 0 for v in values):
        return None
    # (What a negative number is as an unsigned one is the machine's.)
    if (
        "it[" in template
        and values[0].dtype.kind == "u"
        and any((v < 0).any() for v in values[1:] if v.dtype.kind in "fi")
    ):
        return None
    if "[: len(" in template and not x.size:
        return None  # NumPy takes a mask of another shape where there are no elements
    parts = dict(zip("abc", names, strict=False))
    if "{axis}" in template:
        if not x.ndim:
            return None
        parts["axis"] = rng.integers(-x.ndim, x.ndim)
    if "{axes}" in template:
        parts["axes"] = _axes(rng, x.ndim)
    if "{keep}" in template:
        parts["keep"] = bool(rng.integers(2))
    if "{number}" in template:
        numbers = [
            "2",
            "-1",
            "0",
            "3",
            "0.5",
            "1.5",
            "-0.0",
            "255",
            "256",
            "300",
            "-129",
            "2**40",
            "1e300",
            "np.inf",
        ]
        parts["number"] = numbers[rng.integers(len(numbers))]
        # (Which of 0.0 and -0.0 is the larger, NumPy decides by the length of an array.)
        if ("max(" in template or "clip" in template) and parts["number"] in ("0", "-0.0"):
            parts["number"] = "0.5"
    if "{k}" in template:
        parts["k"] = rng.integers(-3, 4)
    if "{key}" in template:
        parts["key"] = _key(rng, x.shape)
    if "{rows}" in template:
        if not x.ndim or not x.shape[0]:
            return None
        parts["rows"] = rng.integers(-x.shape[0], x.shape[0], rng.integers(1, 4)).tolist()
    if "{mask}" in template:
        parts["mask"] = (
            f"np.array({rng.integers(0, 2, x.shape).astype(bool).tolist()}, bool).reshape({x.shape})"
        )
    if "{shape}" in template:
        parts["shape"] = _shape(rng, x.size)
    if "{dtype}" in template:
        kinds = ["float64", "float32", "float16", "int64", "int32", "uint8", "int8", "bool", "complex128"]
        parts["dtype"] = kinds[rng.integers(len(kinds))]
    if "{order}" in template:
        parts["order"] = tuple(rng.permutation(x.ndim).tolist())
    return template.format(**parts)


def _axes(rng, ndim):
    kind = rng.integers(3)
    if kind == 0 or not ndim:
        return "None"
    if kind == 1:
        return str(rng.integers(-ndim, ndim))
    return str(tuple(rng.permutation(ndim)[: rng.integers(1, ndim + 1)].tolist()))


def _key(rng, shape):
    items = []
    for n in shape:
        kind = rng.integers(6)
        if kind == 0 and n:
            items.append(str(rng.integers(-n, n)))
        elif kind == 1:
            items.append(f"::{[2, -1, -2, 3][rng.integers(4)]}")
        elif kind == 2:
            items.append(f"{rng.integers(0, n + 1)}:")
        elif kind == 3:
            items.append(f":{rng.integers(-n - 1, n + 1)}")
        elif kind == 4:
            items.append("None, :")
        else:
            items.append(":")
    if rng.random() < 0.2:
        items.append("...")
    return ", ".join(items) or "()"


def _shape(rng, size):
    shapes = [(size,), (1, size), (size, 1), *((size // d, d) for d in (2, 3, 4, 5, 7) if size % d == 0)]
    shapes += [(d, size // d) for d in (2, 3, 4, 5, 7) if size % d == 0]
    return shapes[rng.integers(len(shapes))]


# Elementwise. What IEEE rounds correctly is the same everywhere.
_add(1, "-{a}", "np.square({a})", "{a} * {number}", "{a} + {number}", "{number} - {a}", "np.conj({a})",
     "np.real({a})", "np.imag({a})", "np.positive({a})", rounds=False)  # fmt: skip
_add(1, "np.sin({a})", "np.cos({a})", "np.tanh({a})", "np.exp({a})", "np.arctan({a})", "np.expm1({a})", "np.sinh({a})",
     "{a} ** 3", "{a} ** 2", "1 / (1 + np.square({a}))", "np.log1p(np.square({a}))", "np.sqrt(1 + np.square({a}))",
     "np.arcsinh({a})", "np.logaddexp({a}, 0.5)")  # fmt: skip
_add(1, "np.log({a})", "np.sqrt({a})", "np.arcsin({a})", "np.arccosh({a})", "{a} ** {number}", "{a} / {number}", "1 / {a}",
     "np.cbrt({a})", "np.log2(abs({a}))", "np.tan({a})", "np.reciprocal({a})", smooth=False)  # fmt: skip
_add(1, "np.sign({a})", "np.floor({a})", "np.rint({a})", "np.isnan({a})", "np.signbit({a})", "{a} // {number}", "{a} % {number}",
     "{a} < {number}", "{a} == {number}", "{a} >= {number}", "np.clip({a}, -1, 2)", "np.clip({a}, -1, {number})",
     "np.maximum({a}, {number})", "np.nan_to_num({a})", "{a}.astype('{dtype}')", "np.fmax({a}, {number})", "np.invert({a})",
     "np.logical_not({a})", "np.heaviside({a}, 0.5)", rounds=False, decides=True, smooth=False)  # fmt: skip
_add(1, "abs({a})", rounds=False, smooth=False)
_add(2, "{a} + {b}", "{a} - {b}", "{a} * {b}", rounds=False, weight=3)
_add(
    2,
    "{a} / (2 + np.square({b}))",
    "np.arctan2({a}, 2 + np.square({b}))",
    "np.hypot({a}, 1 + np.square({b}))",
)
_add(
    2,
    "{a} / {b}",
    "{a} ** {b}",
    "np.arctan2({a}, {b})",
    "np.hypot({a}, {b})",
    "np.logaddexp({a}, {b})",
    smooth=False,
)
_add(2, "{a} < {b}", "{a} == {b}", "{a} != {b}", "{a} >= {b}", "np.maximum({a}, {b})", "np.fmin({a}, {b})", "{a} // {b}",
     "{a} % {b}", "{a} & {b}", "{a} | {b}", "{a} ^ {b}", "{a} << {b}", "np.copysign({a}, {b})", "np.logical_and({a}, {b})",
     "np.where({a} > 0, {a}, {b})", rounds=False, decides=True, smooth=False)  # fmt: skip
_add(3, "np.where({a} > 0, {b}, {c})", rounds=False, decides=True, smooth=False)

# Reductions and running totals.
_add(1, "np.sum({a}, axis={axes}, keepdims={keep})", "np.mean({a}, axis={axes}, keepdims={keep})",
     "np.cumsum({a}, axis={axis})", "np.prod({a}, axis={axes})", "np.cumprod({a}, axis={axis})", weight=2)  # fmt: skip
_add(1, "np.std({a}, axis={axes})", "np.var({a}, axis={axes}, ddof=1)", "np.linalg.norm({a})", "np.ptp({a}, axis={axes})",
     "np.nansum({a}, axis={axes})", smooth=False)  # fmt: skip
_add(1, "np.max({a}, axis={axes}, keepdims={keep})", "np.min({a}, axis={axes})", "np.any({a}, axis={axes})",
     "np.all({a}, axis={axes})", "np.argmax({a}, axis={axis})", "np.argmin({a}, axis={axis})", "np.count_nonzero({a}, axis={axes})",
     "np.sort({a}, axis={axis})", "np.argsort({a}, axis={axis}, kind='stable')", "np.nanmax({a}, axis={axes})",
     "np.median({a}, axis={axes})", "np.maximum.accumulate({a}, axis={axis})", rounds=False, decides=True, smooth=False)  # fmt: skip
_add(1, "np.diff({a}, axis={axis})", rounds=False)

# Arrangement.
_add(1, "{a}.reshape({shape})", "np.transpose({a}, {order})", "{a}.ravel()", "np.flip({a}, {axis})", "np.roll({a}, {k}, {axis})",
     "np.roll({a}, {k})", "np.pad({a}, 1)", "np.pad({a}, 1, mode='edge')", "np.tile({a}, 2)", "np.repeat({a}, 2, axis={axis})",
     "np.atleast_2d({a})", "np.squeeze({a})", "{a}[{key}]", "{a}[{rows}]", "{a}[{mask}]", "np.take({a}, {rows}, axis=0)",
     "np.triu({a})", "np.tril({a}, {k})", "np.diagonal({a})", "np.expand_dims({a}, 0)", "np.array_split({a}, 2)[0]",
     "np.broadcast_to({a}, (2, *np.shape({a})))", "np.delete({a}, 0, axis={axis})", rounds=False)  # fmt: skip
_add(1, "{a}[{key}]", "{a}.reshape({shape})", rounds=False, weight=3)
_add(2, "np.concatenate([{a}, {b}], axis=0)", "np.concatenate([{a}, {b}], axis=-1)", "np.stack([{a}, {b}])", "np.append({a}, {b})",
     "np.hstack([{a}, {b}])", "np.kron({a}, {b})", rounds=False)  # fmt: skip

# Writing.
_add(1, "{a} * 1; it[{key}] = 2", "{a} * 1; it[{key}] += it[{key}]", "{a} * 1; it[{rows}] = 0", "{a} * 1; it[{mask}] = 1",
     "{a} * 1; it[{key}] *= 3", "{a}.copy(); it[{rows}] -= 1", rounds=False)  # fmt: skip
_add(2, "{a} * 1; it[{key}] = {b}", "{a} * 1; it[{key}] += {b}", "{a} * 1; it[{rows}] = {b}", "{a} * 1; it[...] = {b}",
     "np.zeros_like({a}); it[{key}] = {b}", rounds=False, weight=2)  # fmt: skip

# Products.
_add(2, "{a} @ {b}", "np.dot({a}, {b})", "np.outer({a}, {b})", "np.tensordot({a}, {b}, 1)", "np.inner({a}, {b})",
     "np.einsum('i...,i...->...', {a}, {b})", "np.einsum('ij,kj->ik', {a}, {b})", "np.convolve({a}, {b})", "{a}.T @ {b}",
     "np.einsum('ij,ij->j', {a}, {b})", weight=2)  # fmt: skip
_add(1, "np.linalg.inv({a} @ {a}.T / (1 + np.sum(np.square({a}))) + np.eye(len({a})) + 0.1)", "np.linalg.det({a} @ {a}.T / 9 + np.eye(len({a})))",
     "np.linalg.solve({a}.T @ {a} / (1 + np.sum(np.square({a}))) + np.eye({a}.shape[1]), {a}.T)",
     "np.trace({a})", "np.cross({a}, {a}[..., ::-1])")  # fmt: skip

# Loops.
_add(2, "fg.scan(lambda c, x: (np.tanh(c * 0.5) + x, c), {a}, np.asarray({b}))[0]",
     "fg.fori_loop(0, 3, lambda i, c: c * 0.5 + {b}, {a} * 1.0)", "fg.vmap(lambda x: np.sum(x * 2) - {b})({a})")  # fmt: skip
_add(
    1,
    "fg.while_loop(lambda c: np.sum(c[1]) < 4, lambda c: (np.sin(c[0]), c[1] + 1), ({a} * 1.0, np.zeros(())))[0]",
)
_add(
    1,
    "fg.cond(np.sum({a}) > 0, lambda y: y * 2.0, lambda y: np.sin(y) * 1.0, {a} * 1.0)",
    decides=True,
    smooth=False,
)

# Masks of values that are not known while tracing, writes through views, and branches that write parts of arrays.
_add(1, "np.sum({a}[{a} > 0])", "np.mean({a}[np.abs({a}) < 3])", "np.max({a}[{a} > 0], initial=0.5)", "np.prod({a}[{a} < 1])",
     "np.sum({a}[np.nonzero({a} > 0)])", "np.sum(np.compress(np.ravel({a}) > 0, {a}))", "np.linalg.norm({a}[{a} != 0])",
     "{a} * 1; it[{a} > 0] = np.sin({a}[{a} > 0])", "{a} * 1; it[{a} > 0] *= 2", "{a} * 1; it[np.where({a} > 1)] = -1",
     "np.sum({a}[np.ravel({a})[: len({a})] > 0], axis=0)", "np.cumsum({a}[{a} > 0]).sum()", rounds=True, decides=True,
     smooth=False)  # fmt: skip
_add(1, "{a} * 1; it.flat[::2] = 3", "{a} * 1; it.flat[{k}] *= 2", "{a}.copy(); it.reshape({shape})[0] = 1",
     "{a} * 1; np.einsum('ii->i', it)[...] = 2", "{a}.copy(); it.ravel()[::3] += it.ravel()[::3]", rounds=False)  # fmt: skip
_GROWN = "np.concatenate([np.ravel({a} * 1.0)[:9], np.ones(191)])"
_add(1, f"fg.fori_loop(0, 9, lambda i, c: fg.cond(c[i] > 0, lambda c: c.at[i].set(c[i - 1]), lambda c: c, c), {_GROWN})[:9]",
     f"fg.fori_loop(0, 9, lambda i, c: fg.cond(c[-i] > 0, lambda c: c.at[-i].add(c[i]), lambda c: c.at[i].set(-c[0]), c), "
     f"{_GROWN})[:9]", decides=True, smooth=False)  # fmt: skip
