"""The stateful manner: PyTorch's tensors, `.grad` and `backward`, on funcgrad's functional core.

>>> import funcgrad.torch as torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])

An operation runs now, with NumPy, and leaves a node whose derivative is funcgrad's own. What PyTorch
has and this package has not raises, and says so.
"""

from math import e, inf, nan, pi
from typing import Any as _Any

from funcgrad.torch import autograd, dtypes, func, linalg, nn, optim, random, typed, utils
from funcgrad.torch.bridge import compile, functional
from funcgrad.torch.devices import device
from funcgrad.torch.dtypes import (
    bool,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    result_type,
    set_default_dtype,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from funcgrad.torch.formatting import set_printoptions
from funcgrad.torch.func import vmap
from funcgrad.torch.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from funcgrad.torch.linalg import cholesky, det, inverse, logdet, pinv, qr, slogdet, svd
from funcgrad.torch.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from funcgrad.torch.operations import (
    arithmetic,
    conversion,
    creation,
    cumulative,
    elementwise,
    extrema,
    indexing,
    joining,
    overwriting,
    pairwise,
    products,
    rearranging,
    reductions,
    shaping,
    slicing,
    sorting,
)
from funcgrad.torch.operations.arithmetic import *  # noqa: F403
from funcgrad.torch.operations.conversion import *  # noqa: F403
from funcgrad.torch.operations.creation import *  # noqa: F403
from funcgrad.torch.operations.cumulative import *  # noqa: F403
from funcgrad.torch.operations.elementwise import *  # noqa: F403
from funcgrad.torch.operations.extrema import *  # noqa: F403
from funcgrad.torch.operations.indexing import *  # noqa: F403
from funcgrad.torch.operations.joining import *  # noqa: F403
from funcgrad.torch.operations.pairwise import *  # noqa: F403
from funcgrad.torch.operations.products import *  # noqa: F403
from funcgrad.torch.operations.rearranging import *  # noqa: F403
from funcgrad.torch.operations.reductions import *  # noqa: F403
from funcgrad.torch.operations.shaping import *  # noqa: F403
from funcgrad.torch.operations.slicing import *  # noqa: F403
from funcgrad.torch.operations.sorting import *  # noqa: F403
from funcgrad.torch.random import (
    Generator,
    bernoulli,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from funcgrad.torch.serialization import load, save
from funcgrad.torch.size import Size
from funcgrad.torch.tensors import Tensor
from funcgrad.torch.typed import *  # noqa: F403

_GROUPS = (
    arithmetic,
    conversion,
    creation,
    elementwise,
    extrema,
    indexing,
    joining,
    pairwise,
    overwriting,
    slicing,
    products,
    rearranging,
    reductions,
    cumulative,
    shaping,
    sorting,
    typed,
)

__all__ = [
    "Generator", "Size", "Tensor", "autograd", "bernoulli", "bool", "channels_last", "channels_last_3d", "cholesky", "compile", "complex128",
    "complex64", "contiguous_format", "default_generator", "det", "device", "double", "dtype", "dtypes", "e", "enable_grad",
    "finfo", "float", "float16", "float32", "float64", "func", "functional", "get_default_dtype",
    "get_rng_state", "half", "iinfo", "inf", "inference_mode", "initial_seed", "int", "int16", "int32",
    "int64", "int8", "inverse", "is_grad_enabled", "is_inference_mode_enabled", "linalg", "load", "logdet",
    "long", "manual_seed", "memory_format", "multinomial", "nan", "nn", "no_grad", "normal", "optim", "pi", "pinv", "poisson", "preserve_format",
    "promote_types", "qr", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random",
    "randperm", "result_type", "save", "seed", "set_default_dtype", "set_grad_enabled", "set_printoptions",
    "set_rng_state", "short", "slogdet", "svd", "uint16", "uint32", "uint64", "uint8", "utils", "vmap",
    *(name for group in _GROUPS for name in group.__all__),
]  # fmt: skip

_ABSENT = {
    "cuda", "mps", "xpu", "distributed", "quantization", "jit", "onnx", "sparse", "profiler", "hub", "multiprocessing",
    "fx", "export", "ao", "distributions", "fft", "special", "signal", "masked", "nested", "package", "backends",
    "bfloat16", "amp", "autocast", "fake_quantize_per_tensor_affine", "quantize_per_tensor", "stft", "istft",
}  # fmt: skip


def __getattr__(name: str) -> _Any:
    if name in _ABSENT:
        raise AttributeError(
            f"funcgrad.torch has no {name!r}: PyTorch's torch.{name} is not part of this package, which covers tensors, "
            "autograd, nn, optim, func, linalg and utils.data on the CPU."
        )
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
