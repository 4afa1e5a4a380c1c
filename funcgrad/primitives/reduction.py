"""Reductions other than sum: prod, max, min, norm, any, all, argmax, argmin."""

import math

import numpy as np

from funcgrad.core.parts import Parts, parts_of
from funcgrad.core.primitive import Bad, Primitive, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, identity, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives import complex_parts
from funcgrad.primitives.arithmetic import conjugate, real
from funcgrad.primitives.broadcasting import expand, reduce_sum, reduced_shape, reshape
from funcgrad.primitives.cumulative import cumprod
from funcgrad.primitives.elementwise import times
from funcgrad.primitives.logic import equal, maximum, select
from funcgrad.primitives.shape import concatenate, conform_dtype, flip, transpose
from funcgrad.primitives.sizes import direction

__all__ = [
    "argmax",
    "argmin",
    "reduce_all",
    "reduce_any",
    "reduce_max",
    "reduce_min",
    "reduce_norm",
    "reduce_prod",
]


class Reduction(Primitive):
    """y = a reduction of x over `axes`. Write `weight(y, x, axes)`, the partial derivative by x."""

    reduce: np.ufunc
    combine: str = ""  # the scalar operation it compiles to

    def type_rule(self, x, *, axes, keepdims):
        dtype = self.reduce.reduce(np.ones(1, x.dtype)).dtype
        return ArrayType(reduced_shape(self.name, x, axes, keepdims), dtype)

    def eval_rule(self, x, *, axes, keepdims):
        return self.reduce.reduce(x, axes, None, None, keepdims)

    def lower_rule(self, lower, out, x, *, axes, keepdims):
        return lower.reduce(self.combine, out, x, axes, keepdims=keepdims) if self.combine else None

    def identity(self, dtype):
        return identity(self.reduce, dtype)

    def weight(self, y, x, axes):
        raise NotImplementedError

    def jvp_rule(self, x_dots, y, x, *, axes, keepdims):
        w = self.weight(expand(y, axes, keepdims), x, axes)
        y_dot = reduce_sum(times(x_dots[0], w), axes=axes, keepdims=keepdims)
        return conform_dtype(y_dot, y)

    def vjp_rule(self, needs, y_bar, y, x, *, axes, keepdims):
        w = self.weight(expand(y, axes, keepdims), x, axes)
        return (conform_dtype(times(expand(y_bar, axes, keepdims), w), x),)

    def batch_rule(self, size, batched, x, *, axes, keepdims):
        return self(x, axes=tuple(a + 1 for a in axes), keepdims=keepdims), True

    def samples(self):
        flat = {"axes": (0,), "keepdims": False}
        return [
            Sample((box((2, 3), 0.3, 1.0),), flat),
            Sample((box((2, 3, 2), -1.0, -0.3),), {"axes": (0, 2), "keepdims": True}),
            Sample((box((2, 3), 0.3, 1.0),), {"axes": (0, 1), "keepdims": False}),
            *self.special_samples(),
            Bad((box((2,)),), {"axes": (1,), "keepdims": False}, "expected axes below 1"),
        ]

    def special_samples(self):
        return []


class _Extremum(Reduction):
    """The gradient of an extremum is split evenly among ties."""

    needs_elements = True

    def type_rule(self, x, *, axes, keepdims):
        shape = reduced_shape(self.name, x, axes, keepdims)
        if math.prod(x.shape[a] for a in axes) == 0 and math.prod(shape) > 0:
            raise ShapeError(
                f"{self.name}: expected at least one element along axes {axes}, got {x}.",
                hint="an empty array has no extremum; pass initial=.",
            )
        return ArrayType(shape, x.dtype)

    def weight(self, y, x, axes):
        dtype = np.promote_types(dtype_of(x), np.float32)  # a float16 counts to 65504
        chosen = select(equal(x, y), np.ones((), dtype), np.zeros((), dtype))
        return conform_dtype(chosen / maximum(reduce_sum(chosen, axes=axes, keepdims=True), 1), x)

    def special_samples(self):
        return [
            Sample((np.ones(2),), {"axes": (0,), "keepdims": False}, derivative=(np.full(2, 0.5),)),
            Bad((box((0,)),), {"axes": (0,), "keepdims": False}, "expected at least one element"),
        ]


class Max(_Extremum):
    """y = the largest element of x over `axes`; nan if any is nan."""

    name = "max"
    speculative = "fciub"
    passes_nan = True
    reduce = np.maximum
    combine = "maximum"


class Min(_Extremum):
    """y = the smallest element of x over `axes`; nan if any is nan."""

    name = "min"
    speculative = "fciub"
    passes_nan = True
    reduce = np.minimum
    combine = "minimum"


class Prod(Reduction):
    """y = the product of x over `axes`; the derivative is exact where elements are zero."""

    name = "prod"
    passes_nan = True
    reduce = np.multiply
    combine = "multiply"

    def weight(self, y, x, axes):
        # The product of all other elements: those before times those behind.
        rows, moved, order = _rows(x, axes)
        last = (len(shape_of(rows)) - 1,)
        others = _product_before(rows) * flip(_product_before(flip(rows, axes=last)), axes=last)
        inverse = tuple(order.index(d) for d in range(len(order)))
        return transpose(reshape(others, shape=moved), axes=inverse)

    def parts_rule(self, x, *, axes, keepdims):
        """Return the product of complex numbers by halves: each step is one of whole arrays."""
        y = Parts(*[_rows(part, axes)[0] for part in x[:2]])
        while (count := shape_of(y.re)[-1]) > 1:
            half = count // 2
            left, right = (Parts(*[p[..., s] for p in y[:2]]) for s in (slice(half), slice(half, 2 * half)))
            odd = [p[..., 2 * half :] for p in y[:2]]
            y = complex_parts.multiply(left, right)
            if count % 2:
                y = Parts(
                    *[
                        concatenate(p, more, axis=len(shape_of(p)) - 1)
                        for p, more in zip(y[:2], odd, strict=True)
                    ]
                )
        shape = reduced_shape("prod", ArrayType(shape_of(x.re), dtype_of(x.re)), axes, keepdims)
        if count:
            return Parts(*[reshape(p, shape=shape) for p in y[:2]])
        return parts_of(np.ones(shape, dtype_of(x.re)))

    def special_samples(self):
        flat = {"axes": (0,), "keepdims": False}
        return [
            Sample((box((3,), dtype=complex),), flat),
            Sample((np.array([2.0, 0.0, 3.0]),), flat, derivative=(np.array([0.0, 6.0, 0.0]),)),
            Sample((np.array([0.0, 0.0, 3.0]),), flat, derivative=(np.zeros(3),)),
            Sample((box((0, 2)),), flat),
        ]


def _rows(x, axes):
    """Return an array with `axes` as one, the last; its shape before they were made one, and the order of its axes."""
    shape = shape_of(x)
    rest = tuple(d for d in range(len(shape)) if d not in axes)
    order = (*rest, *axes)
    moved = tuple(shape[d] for d in order)
    flat = (*moved[: len(rest)], math.prod(moved[len(rest) :]))
    return reshape(transpose(x, axes=order), shape=flat), moved, order


def _product_before(x):
    """Return the product of the elements before each, along the last axis."""
    shape = shape_of(x)
    if shape[-1] == 0:
        return x
    axis = len(shape) - 1
    ones = np.ones((*shape[:-1], 1), dtype_of(x))
    return concatenate(ones, cumprod(x[..., :-1], axis=axis), axis=axis)


class Norm(Reduction):
    """y = sqrt(sum |x|^2) over `axes`, without overflow; the derivative at 0 is 0."""

    name = "norm"
    reduce = np.add  # of squares

    def type_rule(self, x, *, axes, keepdims):
        dtype = np.abs(np.empty(0, x.dtype)).dtype
        return ArrayType(reduced_shape("norm", x, axes, keepdims), dtype if dtype.kind == "f" else float)

    def eval_rule(self, x, *, axes, keepdims):
        magnitude = np.abs(x)
        with np.errstate(over="ignore", under="ignore"):
            y = np.sqrt(np.add.reduce(np.square(magnitude), axes, None, None, keepdims))
        if np.isfinite(y).all() and (y > 1e-150).all():
            return y
        top = np.max(magnitude, axes, keepdims=True, initial=0)
        top = np.where((top > 0) & np.isfinite(top), top, 1)
        scaled = np.sqrt(np.add.reduce(np.square(magnitude / top), axes, None, None, True)) * top
        return scaled if keepdims else np.squeeze(scaled, axes)[()]

    def lower_rule(self, lower, out, x, *, axes, keepdims):
        """Sums of squares of the large, the small and the other elements (Blue 1978), in one pass."""
        if x.dtype.kind != "f":
            return None
        dtype = out.dtype
        single = dtype == np.float32
        # Between the two, squares neither overflow nor lose bits, however many are added.
        small, large = (2.0**-50, 2.0**50) if single else (2.0**-480, 2.0**480)
        # The smallest number there is, and the largest, are squared when they have been multiplied with these.
        up, down = (2.0**75, 2.0**-76) if single else (2.0**537, 2.0**-538)

        def squares(low, high, factor):
            def at(index):
                size = lower.op("absolute", dtype, x.at(index))
                inside = lower.op("less", bool, size, lower.const(high, dtype))
                beyond = lower.op("greater_equal", bool, size, lower.const(low, dtype))
                if high == np.inf:  # nan counts among the large
                    inside = lower.op(
                        "logical_not", bool, lower.op("less", bool, size, lower.const(low, dtype))
                    )
                    beyond = inside
                chosen = lower.op("select", dtype, lower.op("logical_and", bool, inside, beyond), size,
                                  lower.const(0, dtype))  # fmt: skip
                return lower.op(
                    "square", dtype, lower.op("multiply", dtype, chosen, lower.const(factor, dtype))
                )

            return lower.reduce("add", out, lower.map(ArrayType(x.shape, dtype), at), axes, keepdims=keepdims)

        parts = [
            squares(0.0, small, up),
            squares(small, large, 1.0),
            squares(large, np.inf, down),
        ]

        def at(index):
            low, middle, high = (part.at(index) for part in parts)
            zero = lower.const(0, dtype)

            def scaled(total, factor):
                root = lower.op("sqrt", dtype, total)
                return lower.op("multiply", dtype, root, lower.const(factor, dtype))

            def with_next(total, factor, other):
                once = lower.op("multiply", dtype, other, lower.const(factor, dtype))
                return lower.op(
                    "add", dtype, total, lower.op("multiply", dtype, once, lower.const(factor, dtype))
                )

            any_high = lower.op("not_equal", bool, high, zero)
            any_middle = lower.op("not_equal", bool, middle, zero)
            below = lower.op(
                "select", dtype, any_middle, lower.op("sqrt", dtype, with_next(middle, 1 / up, low)),
                scaled(low, 1 / up),
            )  # fmt: skip
            above = scaled(with_next(high, down, middle), 1 / down)
            return lower.op("select", dtype, any_high, above, below)

        return lower.map(out, at)

    def parts_rule(self, x, **params):
        return np.hypot(self(x.re, **params), self(x.im, **params))

    def weight(self, y, x, axes):
        # 0 / 1 at the origin: the derivative there is 0 by convention.
        return direction(conjugate(x) if dtype_of(x).kind == "c" else x, y)

    def jvp_rule(self, x_dots, y, x, *, axes, keepdims):
        w = self.weight(expand(y, axes, keepdims), x, axes)
        term = times(x_dots[0], w)
        return reduce_sum(real(term) if dtype_of(term).kind == "c" else term, axes=axes, keepdims=keepdims)

    def special_samples(self):
        flat = {"axes": (0,), "keepdims": False}
        return [
            Sample((box((3,), dtype=complex),), flat),
            Sample((np.zeros(2),), flat, derivative=(np.zeros(2),)),
            Sample((np.array([3e200, 4e200]),), flat, derivative=(np.array([0.6, 0.8]),)),
            Sample((np.array([3e307, 4e307, 1.0]),), flat, derivative=(np.array([0.6, 0.8, 2e-308]),)),
            Sample((np.array([3e-320, 4e-320]),), flat, smooth=False, note="subnormal"),
        ]


class _Logical(Reduction):
    differentiable = False
    jvp_rule = None  # type: ignore[assignment]
    vjp_rule = None  # type: ignore[assignment]

    def parts_rule(self, x, **params):
        return self((x.re != 0) | (x.im != 0), **params)

    def samples(self):
        x = np.array([[True, False, True], [True, True, False]])
        return [
            Sample((x,), {"axes": (0,), "keepdims": False}),
            Sample((x,), {"axes": (0, 1), "keepdims": True}),
            Sample((np.array([0.0, 2.0]),), {"axes": (0,), "keepdims": False}),
        ]


class Any(_Logical):
    """y = whether any element of x over `axes` is true."""

    name = "any"
    reduce = np.logical_or
    combine = "logical_or"


class All(_Logical):
    """y = whether all elements of x over `axes` are true."""

    name = "all"
    reduce = np.logical_and
    combine = "logical_and"


class _ArgExtremum(Primitive):
    """The position of the first extremum along `axis`."""

    differentiable = False

    def type_rule(self, x, *, axis):
        shape = reduced_shape(self.name, x, (axis,), False)
        if x.shape[axis] == 0:
            raise ShapeError(f"{self.name}: expected at least one element along axis {axis}, got {x}.")
        return ArrayType(shape, np.intp)

    def eval_rule(self, x, *, axis):
        return self.find(x, axis)

    def lower_rule(self, lower, out, x, *, axis):
        return lower.locate(self.combine, out, x, axis)

    def batch_rule(self, size, batched, x, *, axis):
        return self(x, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 3)),), {"axis": 1}),
            Sample((np.array([1.0, 3.0, 3.0, 0.0]),), {"axis": 0}),
            Bad((box((0,)),), {"axis": 0}, "expected at least one element"),
        ]


class ArgMax(_ArgExtremum):
    """y = the position of the first largest element of x along `axis`."""

    name = "argmax"
    find = staticmethod(np.argmax)
    combine = "maximum"


class ArgMin(_ArgExtremum):
    """y = the position of the first smallest element of x along `axis`."""

    name = "argmin"
    find = staticmethod(np.argmin)
    combine = "minimum"


reduce_max = Max()
reduce_min = Min()
reduce_prod = Prod()
reduce_norm = Norm()
reduce_any = Any()
reduce_all = All()
argmax = ArgMax()
argmin = ArgMin()
