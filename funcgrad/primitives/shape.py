"""Primitives that rearrange or convert elements: convert, transpose, flip, concatenate."""

from itertools import accumulate

import numpy as np

from funcgrad.core.linear import JointlyLinear, Linear
from funcgrad.core.parts import Parts, part_dtype, parts_of
from funcgrad.core.primitive import Bad, Primitive, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.broadcasting import stretch

__all__ = ["concatenate", "conform_dtype", "convert", "flip", "to_integer", "transpose"]


class Convert(Linear):
    """y = x as another floating or complex dtype; a complex x loses its imaginary part to a real one."""

    name = "convert"
    speculative = "fciub"
    pointwise = True

    def type_rule(self, x, *, dtype):
        return ArrayType(x.shape, dtype)

    def eval_rule(self, x, *, dtype):
        x = np.asarray(x)
        if x.dtype.kind == "c" and dtype.kind != "c":
            x = x.real
        return x.astype(dtype)[()] if x.ndim == 0 else x.astype(dtype)

    def parts_rule(self, x, *, dtype):
        if dtype.kind != "c":
            return convert(x.re, dtype=dtype)
        part = part_dtype(dtype)
        if not isinstance(x, Parts):
            return parts_of(convert(x, dtype=part))
        return Parts(convert(x.re, dtype=part), convert(x.im, dtype=part))

    def lower_rule(self, lower, out, x, *, dtype):
        return lower.map(out, lambda index: lower.cast(x.at(index), dtype))

    def transpose_rule(self, y_bar, x, *, dtype):
        return convert(y_bar, dtype=dtype_of(x))

    def batch_rule(self, size, batched, x, *, dtype):
        return convert(x, dtype=dtype), True

    def samples(self):
        f4, c16 = np.dtype("float32"), np.dtype(complex)
        return [
            Sample((box((2, 3)),), {"dtype": c16}),
            Sample((box((3,), dtype=complex),), {"dtype": np.dtype(float)}),
            Sample((box((2,)),), {"dtype": f4}, smooth=False),
            Sample((np.arange(3),), {"dtype": f4}),
        ]


class ToInteger(Primitive):
    """y = x as an integer or bool dtype; the derivative is zero."""

    name = "to_integer"
    speculative = "fciub"
    pointwise = True
    differentiable = False

    def type_rule(self, x, *, dtype):
        return ArrayType(x.shape, dtype)

    def eval_rule(self, x, *, dtype):
        y = np.asarray(x).astype(dtype)
        return y if y.ndim else y[()]

    def lower_rule(self, lower, out, x, *, dtype):
        return lower.map(out, lambda index: lower.cast(x.at(index), dtype))

    def batch_rule(self, size, batched, x, *, dtype):
        return to_integer(x, dtype=dtype), True

    def samples(self):
        return [
            Sample((box((4,), -5, 5),), {"dtype": np.dtype(int)}),
            Sample((np.array([0.0, 2.0]),), {"dtype": np.dtype(bool)}),
        ]


class Transpose(Linear):
    """y has the axes of x in the order `axes`."""

    name = "transpose"
    by_parts = True
    magnitude_of = (0,)
    speculative = "fciub"
    view = True

    def type_rule(self, x, *, axes):
        if sorted(axes) != list(range(x.ndim)):
            raise ShapeError(f"transpose: expected a permutation of {x.ndim} axes, got {axes} for {x}.")
        return ArrayType(tuple(x.shape[i] for i in axes), x.dtype)

    def eval_rule(self, x, *, axes):
        return np.transpose(x, axes)

    def transpose_rule(self, y_bar, x, *, axes):
        return transpose(y_bar, axes=_inverse(axes))

    def lower_rule(self, lower, out, x, *, axes):
        return lower.map(out, lambda index: x.at(tuple([index[i] for i in _inverse(axes)])))

    def batch_rule(self, size, batched, x, *, axes):
        return transpose(x, axes=(0, *(i + 1 for i in axes))), True

    def write_rule(self, x, new, *, axes):
        return transpose(new, axes=_inverse(axes))

    def samples(self):
        return [
            Sample((box((2, 3)),), {"axes": (1, 0)}),
            Sample((box((2, 3, 4)),), {"axes": (2, 0, 1)}),
            Bad((box((2, 3)),), {"axes": (0, 0)}, "expected a permutation of 2 axes"),
        ]


class Flip(Linear):
    """y is x with the order along `axes` reversed."""

    name = "flip"
    by_parts = True
    magnitude_of = (0,)
    speculative = "fciub"
    view = True

    def type_rule(self, x, *, axes):
        if any(not 0 <= a < x.ndim for a in axes):
            raise ShapeError(f"flip: expected axes below {x.ndim}, got {axes} for {x}.")
        return x.strong()

    def eval_rule(self, x, *, axes):
        return np.flip(x, axes)

    def transpose_rule(self, y_bar, x, *, axes):
        return flip(y_bar, axes=axes)

    def lower_rule(self, lower, out, x, *, axes):
        def at(index):
            return x.at(
                tuple(
                    [
                        i * -1 + (n - 1) if d in axes else i
                        for d, (i, n) in enumerate(zip(index, out.shape, strict=True))
                    ]
                )
            )

        return lower.map(out, at)

    def batch_rule(self, size, batched, x, *, axes):
        return flip(x, axes=tuple(a + 1 for a in axes)), True

    def write_rule(self, x, new, *, axes):
        return flip(new, axes=axes)

    def samples(self):
        return [
            Sample((box((2, 3)),), {"axes": (0, 1)}),
            Sample((box((4,)),), {"axes": (0,)}),
            Bad((box((4,)),), {"axes": (1,)}, "expected axes below 1"),
        ]


class Concatenate(JointlyLinear):
    """y is the arguments, one after another along `axis`."""

    name = "concatenate"
    by_parts = True

    def type_rule(self, *xs, axis):
        first = xs[0]
        for x in xs:
            if (
                not 0 <= axis < x.ndim
                or x.ndim != first.ndim
                or any(x.shape[d] != first.shape[d] for d in range(x.ndim) if d != axis)
            ):
                raise ShapeError(
                    f"concatenate: expected equal shapes but for axis {axis}, "
                    f"got {' and '.join(map(str, xs[:4]))}."
                )
        dtype = np.result_type(*(x.dtype for x in xs))
        size = sum(x.shape[axis] for x in xs)
        return ArrayType((*first.shape[:axis], size, *first.shape[axis + 1 :]), dtype)

    def eval_rule(self, *xs, axis):
        return np.concatenate(xs, axis)

    def transpose_rule(self, needs, y_bar, *xs, axis):
        out = []
        start = 0
        for need, x in zip(needs, xs, strict=True):
            shape = shape_of(x)
            stop = start + shape[axis]
            piece = None
            if need:
                piece = conform_dtype(y_bar[(*(slice(None),) * axis, slice(start, stop))], x)
            out.append(piece)
            start = stop
        return out

    def points(self, out, *types, axis):
        return [x.size for x in types]

    def lower_rule(self, lower, out, *xs, axis):
        def at(index):
            value = lower.const(0, out.dtype)
            stop = out.shape[axis]
            for x in reversed(xs):
                start = stop - x.shape[axis]
                inner = (*index[:axis], index[axis] + -start, *index[axis + 1 :])
                value = lower.guard(
                    [(index[axis], start, stop)],
                    lambda x=x, inner=inner: lower.cast(x.at(inner), out.dtype),
                    value,
                )
                stop = start
            return value

        def shifted(start):
            return lambda index: (*index[:axis], index[axis] + start, *index[axis + 1 :])

        starts = accumulate([0, *(x.shape[axis] for x in xs[:-1])])
        return lower.assemble(out, at, xs, [shifted(start) for start in starts])

    def batch_rule(self, size, batched, *xs, axis):
        full = [x if b else stretch(x, size) for x, b in zip(xs, batched, strict=True)]
        return concatenate(*full, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 3)), box((1, 3))), {"axis": 0}),
            Sample((box((2, 3)), box((2, 1)), box((2, 0))), {"axis": 1}),
            Sample((box((2,)), box((3,), dtype=complex)), {"axis": 0}),
            Bad((box((2, 3)), box((2, 2))), {"axis": 0}, "expected equal shapes but for axis 0"),
        ]


def _inverse(axes):
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return tuple(inverse)


def conform_dtype(x_bar, x):
    """Return a cotangent in the dtype of `x` (the real part, where `x` is real)."""
    if type(x_bar) is np.ndarray and type(x) is np.ndarray and x_bar.dtype is x.dtype:
        return x_bar
    dtype = dtype_of(x)
    return x_bar if dtype_of(x_bar) == dtype else convert(x_bar, dtype=dtype)


convert = Convert()
to_integer = ToInteger()
transpose = Transpose()
flip = Flip()
concatenate = Concatenate()
