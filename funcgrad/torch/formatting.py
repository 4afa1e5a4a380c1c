"""How tensors print: PyTorch's text, digit for digit.

All numbers of a tensor are printed in one notation and one width, which are found from those that
will be seen: `_Real` and `_Complex` choose them, `_rows` lays the numbers out, and `text_of` adds
what else there is to say of the tensor.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from funcgrad.torch.dtypes import get_default_dtype
from funcgrad.torch.tensors import Tensor

__all__ = ["set_printoptions", "text_of"]


@dataclass(frozen=True)
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; what is not given stays, but for `sci_mode`, which is found anew.

    Args:
        precision: digits after the point (4).
        threshold: tensors of more elements are summarized (1000).
        edgeitems: elements shown at either end of a summarized axis (3).
        linewidth: characters a line (80).
        profile: "default", "short" or "full", which the other arguments then change; others are ignored.
        sci_mode: print in scientific notation always or never; None chooses by the numbers.

    >>> from funcgrad import torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    >>> torch.set_printoptions(profile="default")
    """
    global _options
    start = _PROFILES.get((profile or "").lower(), _options)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options = replace(start, **{k: v for k, v in given.items() if v is not None}, sci_mode=sci_mode)  # type: ignore[arg-type]


class _Whole:
    """Integers and booleans: as Python writes them, to the width of the widest."""

    def __init__(self, values: np.ndarray, options: _Options):
        self.width = max([1, *(len(str(x)) for x in values.ravel().tolist())])

    def __call__(self, x: Any) -> str:
        return str(x).rjust(self.width)


class _Real:
    """Real numbers: whole (`2.`), fixed (`2.5000`) or scientific (`2.5000e+00`).

    The choice is by the finite numbers other than zero. It is scientific when they span more than
    three orders of magnitude, or when one of them has no good fixed form.
    """

    def __init__(self, values: np.ndarray, options: _Options):
        finite = values[np.isfinite(values) & (values != 0)].astype(np.float64)
        self.whole = bool(np.all(finite == np.ceil(finite)))
        self.digits = options.precision
        self.scientific = False
        if finite.size:
            sizes = np.abs(finite)
            low, high = sizes.min(), sizes.max()
            self.scientific = bool(high > 1000 * low or high > 1e8 or (low < 1e-4 and not self.whole))
        if options.sci_mode is not None and finite.size:
            self.scientific = options.sci_mode
        # Zeros, infinities and nan do not count: they may stand out, as in PyTorch.
        self.width = max([1, *(len(self._text(x)) for x in finite.tolist())])

    def _text(self, x: float) -> str:
        if self.scientific:
            return f"{x:.{self.digits}e}"
        if self.whole:
            return f"{x:.0f}." if math.isfinite(x) else f"{x:.0f}"
        return f"{x:.{self.digits}f}"

    def __call__(self, x: float) -> str:
        return self._text(x).rjust(self.width)


class _Complex:
    """Complex numbers: real parts in one form, imaginary parts in another, such as `1.+2.j`."""

    def __init__(self, values: np.ndarray, options: _Options):
        self.real, self.imag = _Real(values.real, options), _Real(values.imag, options)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, x: complex) -> str:
        imag = f"{self.imag(x.imag)}j".lstrip()
        return self.real(x.real) + ("" if imag[0] in "+-" else "+") + imag


_FORMS = {"f": _Real, "c": _Complex}


def _edges(n: int, options: _Options, summarized: bool) -> tuple[list[int], list[int]]:
    """Return the places of an axis that are shown, before and after what is left out."""
    edge = options.edgeitems
    if not summarized or n <= 2 * edge:
        return list(range(n)), []
    return list(range(edge)), list(range(n - edge, n))


def _seen(array: np.ndarray, options: _Options) -> np.ndarray:
    """Return the part of a summarized array that is shown."""
    for axis, n in enumerate(array.shape):
        first, last = _edges(n, options, True)
        array = array.take(first + last, axis)
    return array


def _rows(array: np.ndarray, indent: int, form: Any, options: _Options, summarized: bool) -> str:
    """Return an array in brackets, the lines after the first indented."""
    if not array.ndim:
        return form(array.item())
    first, last = _edges(len(array), options, summarized)
    left_out = len(first) + len(last) < len(array)
    if array.ndim == 1:
        texts = [form(x) for x in array[first].tolist()]
        if left_out:
            texts += [" ..." if texts else "...", *(form(x) for x in array[last].tolist())]
        per_line = max(1, (options.linewidth - indent) // (form.width + 2))
        lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_rows(array[i], indent + 1, form, options, summarized) for i in first]
    if left_out:
        rows += ["...", *(_rows(array[i], indent + 1, form, options, summarized) for i in last)]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def _numbers(array: np.ndarray, indent: int, options: _Options) -> str:
    summarized = array.size > options.threshold
    form = _FORMS.get(array.dtype.kind, _Whole)(_seen(array, options) if summarized else array, options)
    return _rows(array, indent, form, options, summarized)


def text_of(x: Tensor) -> str:
    """Return a tensor as PyTorch prints it: its numbers, and what is unusual about it.

    That is the size where the numbers cannot tell it, a dtype that the numbers do not tell, and how gradients reach it.

    >>> from funcgrad import torch
    >>> torch.ones(2, dtype=torch.float64, requires_grad=True) * 2
    tensor([2., 2.], dtype=torch.float64, grad_fn=<MulBackward0>)
    """
    options = _options
    # A subclass of the user's own prints its name; those of this package are tensors.
    prefix = "tensor(" if type(x).__module__.startswith("funcgrad.torch") else f"{type(x).__name__}("
    array, default = x._array, get_default_dtype()
    told = [default]  # by the numbers alone
    remarks = []
    if type(array) is not np.ndarray:
        numbers = repr(array)
    elif not array.size:
        numbers = "[]"
        if array.ndim != 1:
            remarks.append(f"size={tuple(x.shape)}")
    else:
        numbers = _numbers(array, len(prefix), options)
        told.append(default.to_complex())
        if not options.edgeitems:
            remarks.append(f"size={tuple(x.shape)}")
    kind = x.dtype
    if kind not in told and not (array.size and kind.name in ("int64", "bool")):
        remarks.append(f"dtype={kind}")
    if x.grad_fn is not None:
        remarks.append(f"grad_fn=<{type(x.grad_fn).__name__}>")
    elif x.requires_grad:
        remarks.append("requires_grad=True")
    return _with_remarks(prefix + numbers, remarks, len(prefix), options.linewidth) + ")"


def _with_remarks(text: str, remarks: list[str], indent: int, linewidth: int) -> str:
    """Return the text followed by remarks, each on a line of its own where the last line is full."""
    # PyTorch counts from the last line's break, and two characters more.
    length = len(text) - text.rfind("\n") + 1
    for remark in remarks:
        if length + len(remark) + 2 > linewidth:
            text += ",\n" + " " * indent + remark
            length = indent + len(remark)
        else:
            text += ", " + remark
            length += len(remark) + 2
    return text


def _formatted(self: Tensor, spec: str) -> str:
    """Return `format(tensor, spec)`: a tensor without axes is formatted as its number."""
    if not self.ndim and type(self) is Tensor and type(self._array) is np.ndarray:
        return format(self.item(), spec)
    return object.__format__(self, spec)


Tensor.__repr__ = text_of  # type: ignore[method-assign, assignment]
Tensor.__format__ = _formatted  # type: ignore[method-assign, assignment]
