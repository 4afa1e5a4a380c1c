"""Random tensors: PyTorch's own numbers for the same seed.

>>> from funcgrad import torch
>>> _ = torch.manual_seed(0)
>>> torch.rand(2), torch.randn(2), torch.randperm(4)
(tensor([0.4963, 0.7682]), tensor([-0.2905, -1.0704]), tensor([3, 2, 0, 1]))

Every function takes `generator`, a stream to draw from instead of the common one.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from funcgrad.torch.dtypes import DTYPES, int64
from funcgrad.torch.generator import Generator, default_generator, generator_of
from funcgrad.torch.layout import memory_format, preserve_format
from funcgrad.torch.messages import broadcast_error
from funcgrad.torch.operation import apply
from funcgrad.torch.operations.creation import empty, empty_like, finished
from funcgrad.torch.random_in_place import below, chances, exponentials, replaced
from funcgrad.torch.tensors import Tensor

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


def manual_seed(seed: int) -> Generator:
    """Start the common stream that belongs to `seed`, and return its generator."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start a common stream that nobody can foresee, and return its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed the common stream began with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return where the common stream is, as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the common stream go on from where `get_rng_state` was called."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = (), enabled: bool = True) -> Iterator[None]:
    """Draw in a `with` block, after which the common stream goes on as if nothing had been drawn."""
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers uniform in [0, 1).

    Raises:
        NotImplementedError: for an integer dtype.
    """
    out = empty(*(sizes if size is None else (size,)), dtype=dtype, device=device)
    return finished(out.uniform_(generator=generator)._array, requires_grad)  # type: ignore[attr-defined]


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal numbers of mean 0 and variance 1.

    Raises:
        NotImplementedError: for an integer dtype.
    """
    out = empty(*(sizes if size is None else (size,)), dtype=dtype, device=device)
    return finished(out.normal_(generator=generator)._array, requires_grad)  # type: ignore[attr-defined]


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return whole numbers, low <= x < high, as int64: `randint(high, size)` or `randint(low, high, size)`.

    Raises:
        RuntimeError: when there is no number between the limits, or the dtype does not hold them.
        TypeError: when the limits are not whole, or the size is no tuple.
    """
    if size is None:
        low, high, size = None, low, high
    if isinstance(size, int):
        raise TypeError("randint(): argument 'size' (position 2) must be tuple of ints, not int")
    least = 0 if low is None else low
    if size is None or not all(isinstance(x, (int, np.integer)) for x in (least, high)):
        given = ", ".join(type(x).__name__ for x in (low, high, size) if x is not None)
        raise TypeError(
            f"randint() received an invalid combination of arguments - got ({given}), but expected (int high, tuple "
            "of ints size) or (int low, int high, tuple of ints size)"
        )
    out = empty(size, dtype=int64 if dtype is None else dtype, device=device)
    return finished(out.random_(least, high, generator=generator)._array, requires_grad)  # type: ignore[attr-defined]


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the numbers from 0 up to `n`, in random order (Fisher and Yates).

    Raises:
        RuntimeError: when `n` is negative, or more than the dtype holds.
    """
    out = empty(n, dtype=int64 if dtype is None else dtype, device=device)._array
    if out.dtype.kind in "iu" and n - 1 > np.iinfo(out.dtype).max:
        raise RuntimeError(f"value cannot be converted to type {out.dtype.name}_t without overflow")
    steps = generator_of(generator).words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)
    order = list(range(n))
    for i, step in enumerate(steps.tolist()):
        order[i], order[i + step] = order[i + step], order[i]
    out[...] = order
    return finished(out, requires_grad)


def _like(name: str, fill: str) -> Callable:
    def like(
        input,
        *,
        generator=None,
        dtype=None,
        device=None,
        requires_grad=False,
        memory_format=preserve_format,
    ):
        out = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
        return finished(getattr(out, fill)(generator=generator)._array, requires_grad)

    like.__name__ = like.__qualname__ = f"{name}_like"
    like.__doc__ = f"Do as `{name}`, with the shape, dtype and layout of a tensor."
    return like


rand_like, randn_like = _like("rand", "uniform_"), _like("randn", "normal_")


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Do as `randint`, with the shape and dtype of a tensor: `randint_like(x, high)` or `randint_like(x, low, high)`."""
    least, high = (0, low) if high is None else (low, high)
    out = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    return finished(out.random_(least, high, generator=generator)._array, requires_grad)


_NORMAL_OF_MEAN, _NORMAL_OF_STD = replaced("NormalBackward1"), replaced("NormalBackward2")
_NORMAL_OF_BOTH = replaced("NormalBackward3")
_BERNOULLI, _POISSON = replaced("BernoulliBackward0"), replaced("PoissonBackward0")


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal numbers of the given means and standard deviations, tensors or numbers.

    Args:
        size: the shape, where both are numbers.

    Raises:
        RuntimeError: when a deviation is negative, or the shapes do not fit.
        TypeError: when both are numbers and there is no size.
    """
    if size is not None:
        out = empty(size, dtype=dtype, device=device).normal_(mean, std, generator=generator)  # type: ignore[attr-defined]
        return finished(out._array, requires_grad)
    of_mean, of_std = isinstance(mean, Tensor), isinstance(std, Tensor)
    if not of_mean and not of_std:
        raise TypeError(
            f"normal() received an invalid combination of arguments - got ({type(mean).__name__}, "
            f"{type(std).__name__}), but expected a Tensor mean, a Tensor std, or a tuple of ints size"
        )
    if of_std and np.any(std._array < 0):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    arrays = [x._array for x in (mean, std) if isinstance(x, Tensor)]
    wrong = broadcast_error(*(x.shape for x in arrays))
    if wrong is not None:
        raise wrong
    out = empty(np.broadcast_shapes(*(x.shape for x in arrays)), dtype=DTYPES[arrays[0].dtype])
    out.normal_(0.0, 1.0 if of_std else std, generator=generator)  # type: ignore[attr-defined]
    noise = out._array
    if of_std:
        values = noise * std._array + (mean._array if of_mean else mean)
        op = _NORMAL_OF_BOTH if of_mean else _NORMAL_OF_STD
    else:
        values, op = noise + mean._array, _NORMAL_OF_MEAN
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    return apply(op, tensors, {"values": np.asarray(values, noise.dtype)})


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Return ones, each with the probability in `input` (or `p`, for all), and zeros.

    Raises:
        RuntimeError: when a probability is not between 0 and 1.
        NotImplementedError: for integers.
    """
    if p is not None:
        out = empty(input.shape, dtype=input.dtype).bernoulli_(p, generator=generator)  # type: ignore[attr-defined]
        values = out._array
    else:
        values = below(generator_of(generator), chances(input)).astype(input._array.dtype)
    return apply(_BERNOULLI, (input,), {"values": values})


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Return `num_samples` places, drawn with the weights in `input`, or in each of its rows.

    Raises:
        RuntimeError: when weights are negative, not finite or all zero, or more is asked than there are.
    """
    p = input._array
    if p.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if p.dtype.kind != "f":
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {input.dtype.scalar}"
        )
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > p.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not np.all(np.isfinite(p) & (p >= 0)):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if np.any(p.sum(-1) <= 0):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    source = generator_of(generator)
    if not replacement or num_samples == 1:
        # The places of the largest of p/q, with q exponential, are a sample without replacement.
        with np.errstate(divide="ignore", invalid="ignore"):
            keys = p / exponentials(source, p.size).astype(p.dtype).reshape(p.shape)
        return finished(np.argsort(-keys, -1, kind="stable")[..., :num_samples])
    rising = np.cumsum(p, -1)
    rising = rising / rising[..., -1:]
    drawn = source.uniforms(p.size // p.shape[-1] * num_samples, double=True).reshape(
        *p.shape[:-1], num_samples
    )
    rows = zip(np.atleast_2d(rising), np.atleast_2d(drawn), strict=True)
    return finished(np.stack([np.searchsorted(row, u) for row, u in rows]).reshape(drawn.shape))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return whole numbers of the Poisson distributions with the rates in `input`.

    Raises:
        RuntimeError: when a rate is negative.
        NotImplementedError: for integers.
    """
    rates = input._array
    if rates.dtype.kind != "f":
        raise NotImplementedError(f"\"poisson_cpu\" not implemented for '{input.dtype.scalar}'")
    if np.any(rates < 0):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")

    def counts(draw):
        return [
            _poisson_by_rejection(x, draw) if x >= 10 else _poisson_by_product(x, draw)
            for x in rates.ravel().tolist()
        ]

    values = np.array(generator_of(generator).read_uniforms(counts), rates.dtype).reshape(rates.shape)
    return apply(_POISSON, (input,), {"values": values})


def _poisson_by_product(rate: float, draw: Callable[[], float]) -> int:
    """Return a sample: how many uniform numbers have a product above exp(-rate) (Knuth, 1969)."""
    if rate == 0:
        return 0
    least, product, count = math.exp(-rate), draw(), 0
    while product > least:
        product *= draw()
        count += 1
    return count


def _poisson_by_rejection(rate: float, draw: Callable[[], float]) -> int:
    """Return a sample by transformed rejection with squeeze (Hörmann, 1993, algorithm PTRS)."""
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = draw() - 0.5, draw()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        accepted = math.log(v) + math.log(inverse_alpha) - math.log(a / us**2 + b)
        if accepted <= k * math.log(rate) - rate - math.lgamma(k + 1):
            return k
