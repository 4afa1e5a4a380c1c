"""Filling tensors with random numbers in place: uniform_, normal_, random_, bernoulli_, exponential_.

The numbers are PyTorch's own for the same seed: whole ones, uniform ones and float32 normal ones to the last bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.torch.generator import Generator, generator_of
from funcgrad.torch.inplace import in_place, write
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor, needs_history

__all__ = ["below", "chances", "exponentials", "random_between", "replaced"]


def replaced(label: str) -> Operation:
    """Return the operation that gives random values instead of its arguments, which get no gradient."""
    return Operation(label, lambda *args, values: values)


_UNIFORM, _NORMAL = replaced("UniformBackward0"), replaced("NormalBackward0")
# PyTorch numbers the nodes of one name by the arguments its function takes.
_RANDOM_OF_TWO, _RANDOM_OF_ONE, _RANDOM = (replaced(f"RandomBackward{i}") for i in range(3))
_BERNOULLI_OF_TENSOR, _BERNOULLI = replaced("BernoulliBackward1"), replaced("BernoulliBackward2")
_EXPONENTIAL = replaced("ExponentialBackward0")


def _fill(x: Tensor, op: Operation, draw: Callable[[int], np.ndarray]) -> Tensor:
    """Overwrite `x` with the numbers that `draw(how many)` gives, in the order of its memory."""
    array = x._array
    if array.dtype.kind == "c":
        parts = draw(2 * array.size)
        values = (parts[0::2] + 1j * parts[1::2]).astype(array.dtype)
    else:
        values = draw(array.size).astype(array.dtype)
    ordered = np.empty(array.shape, array.dtype)
    order = (
        tuple(np.argsort([-s for s in array.strides], kind="stable")) if type(array) is np.ndarray else None
    )
    ordered.transpose(order)[...] = values.reshape(ordered.transpose(order).shape)
    if needs_history(x):
        return in_place(x, lambda old: apply(op, (old,), {"values": ordered}))
    write(x, ordered)
    return x


def _check_kind(x: Tensor, kinds: str, kernel: str) -> None:
    if x._array.dtype.kind not in kinds:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.scalar}'")


def _part(x: Tensor) -> np.dtype:
    """Return the dtype of the real numbers a tensor is made of."""
    return x.dtype.to_real().numpy if x._array.dtype.kind == "c" else x._array.dtype


def uniform_(
    self: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None, **named: Any
) -> Tensor:
    """Fill with numbers uniform in [a, b); PyTorch's names of the limits are `from` and `to`.

    Raises:
        RuntimeError: when b < a.
        NotImplementedError: for integers.
    """
    a, b = named.pop("from", a), named.pop("to", b)  # `from` is no name that Python lets a function have
    if named:
        raise TypeError(f"uniform_() got an unexpected keyword argument '{next(iter(named))}'")
    _check_kind(self, "fc", "check_uniform_bounds")
    if a > b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a:g} > to={b:g}")
    source, kind = generator_of(generator), _part(self)

    def draw(n):
        # The limits have the tensor's dtype, or float32 when that is shorter.
        low, high = np.array([a, b], max(kind, np.dtype(np.float32), key=lambda d: d.itemsize))
        values = (source.uniforms(n, kind.itemsize == 8) * float(high - low) + float(low)).astype(kind)
        return np.minimum(values, np.nextafter(kind.type(b), kind.type(a)))

    return _fill(self, _UNIFORM, draw)


def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with normal numbers.

    Raises:
        RuntimeError: when `std` is negative.
        NotImplementedError: for integers.
    """
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    _check_kind(self, "fc", "normal_kernel_cpu")
    source, array = generator_of(generator), self._array
    # A complex number has the variance that its parts share.
    scale = std / np.sqrt(2) if array.dtype.kind == "c" else std
    contiguous = type(array) is not np.ndarray or array.flags.c_contiguous

    def draw(n):
        return (
            source.normals(n, _part(self), mean, scale)
            if contiguous
            else source.single_normals(n) * scale + mean
        )

    return _fill(self, _NORMAL, draw)


_NAMES = {"u1": "unsigned char", "i1": "signed char", "i2": "short", "i4": "int", "i8": "long", "b1": "bool"}
_DIGITS = {2: 11, 4: 24, 8: 53}  # of a floating-point number's significand, by its bytes


def _largest(kind: np.dtype) -> int:
    """Return the largest number random_() gives: for floats, the last that all smaller ones are whole beside."""
    if kind.kind == "b":
        return 1
    return 2 ** _DIGITS[kind.itemsize] if kind.kind == "f" else int(np.iinfo(kind).max)


def random_between(source: Generator, n: int, low: int, high: int) -> np.ndarray:
    """Return `n` whole numbers, low <= x < high, in 64 bits; a range from 2²⁸ on takes 64 bits each, as in PyTorch."""
    span = high - low
    if span == 2**64:
        return source.long_words(n).view(np.int64)
    drawn = source.long_words(n) if span >= 2**28 else source.words(n).astype(np.uint64)
    return (drawn % np.uint64(span) + np.uint64(low % 2**64)).view(np.int64)


def random_(self: Tensor, *limits: Any, generator: Generator | None = None) -> Tensor:
    """Fill with whole numbers: `random_()` of all the dtype's not negative ones, `random_(to)`, `random_(from, to)`.

    Raises:
        RuntimeError: when there is no number between the limits, or the dtype does not hold them.
    """
    source, kind = generator_of(generator), self._array.dtype
    _check_kind(self, "fiub", "random_")
    if not limits:
        largest = _largest(kind)

        def draw(n):
            drawn = source.long_words(n) if kind.itemsize == 8 else source.words(n).astype(np.uint64)
            return drawn % np.uint64(largest + 1)

        return _fill(self, _RANDOM, draw)
    low, high = (0, *limits) if len(limits) == 1 else limits
    high = _largest(kind) + 1 if high is None else high
    if not all(isinstance(x, (int, np.integer)) for x in (low, high)):
        given = ", ".join(type(x).__name__ for x in limits)
        raise TypeError(
            f"random_() received an invalid combination of arguments - got ({given}), but expected (), (int to) or "
            "(int from, int to)"
        )
    check_limits(low, high, kind)
    op = _RANDOM_OF_ONE if len(limits) == 1 else _RANDOM_OF_TWO
    return _fill(self, op, lambda n: random_between(source, n, low, high))


def check_limits(low: int, high: int, kind: np.dtype) -> None:
    """Check that there are whole numbers from `low` up to `high`, and that the dtype holds them.

    Raises:
        RuntimeError: in PyTorch's words.
    """
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if kind.kind == "f":
        return
    least = int(np.iinfo(kind).min) if kind.kind == "i" else 0
    for name, x in (("from", low), ("to - 1", high - 1)):
        if not least <= x <= _largest(kind):
            raise RuntimeError(f"{name} is out of bounds for {_NAMES.get(kind.str[1:], kind.name)}")


def chances(p: Tensor) -> np.ndarray:
    """Return a tensor of probabilities as an array.

    Raises:
        NotImplementedError: for integers.
        RuntimeError: when one is not between 0 and 1.
    """
    _check_kind(p, "f", "bernoulli_tensor_cpu_p_")
    if not np.all((p._array >= 0) & (p._array <= 1)):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    return p._array


def below(source: Generator, p: np.ndarray) -> np.ndarray:
    """Return where a uniform number is below its probability, drawn in the order of the elements."""
    return source.uniforms(p.size, p.dtype.itemsize == 8).reshape(p.shape) < p


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones of probability `p`, a number or a tensor of them, and zeros.

    Raises:
        RuntimeError: when a probability is not between 0 and 1.
    """
    source = generator_of(generator)
    if isinstance(p, Tensor):
        given = np.broadcast_to(chances(p), self._array.shape)
        return _fill(self, _BERNOULLI_OF_TENSOR, lambda n: below(source, given).ravel())
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return _fill(self, _BERNOULLI, lambda n: source.uniforms(n, double=True) < p)


def exponentials(source: Generator, n: int) -> np.ndarray:
    """Return `n` numbers of the exponential distribution of rate 1."""
    return -np.log1p(-source.uniforms(n, double=True))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the exponential distribution of rate `lambd`.

    Raises:
        RuntimeError: when the rate is not positive, or the tensor holds integers.
    """
    if self._array.dtype.kind != "f":
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point "
            f"but you specified {self.dtype.scalar}"
        )
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    source = generator_of(generator)
    return _fill(self, _EXPONENTIAL, lambda n: exponentials(source, n) / lambd)


for _function in (uniform_, normal_, random_, bernoulli_, exponential_):
    setattr(Tensor, _function.__name__, _function)
