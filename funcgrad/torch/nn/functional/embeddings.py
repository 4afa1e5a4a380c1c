"""Rows of a table, read at whole numbers."""

import numpy as np

from funcgrad import numpy as fnp
from funcgrad import stop_gradient
from funcgrad.extend import Tracer
from funcgrad.torch.modes import no_grad
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations.indexing import check_within
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["check_sparse", "embedding", "one_hot", "padding_row"]


def _embedded(weight, *traced, places, padding, scale):
    places = traced[0] if traced else places
    rows = fnp.take(weight, places, axis=0) if traced else weight[places]
    if scale is not None:
        fixed = stop_gradient(rows)
        rows = fixed + (rows - fixed) * scale.astype(rows.dtype)
    if padding is None:
        return rows
    return fnp.where((places == padding)[..., None], stop_gradient(rows), rows)


_EMBEDDING = Operation("EmbeddingBackward0", _embedded)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of `weight` at the given places.

    Args:
        padding_idx: a row that gets no gradient.
        max_norm, norm_type: rows that are read are scaled down, in `weight`, to this norm at most.
        scale_grad_by_freq: divide the gradient of a row by how often it is read.

    Raises:
        IndexError: for a place there is none of.
        NotImplementedError: for `sparse=True`.
    """
    check_sparse(sparse)
    places = input._array
    if places.dtype.kind not in "iu":
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.scalar}Tensor instead (while checking arguments for embedding)"
        )
    params = {"places": places, "padding": padding_row(padding_idx, weight.shape[0]), "scale": None}
    if type(places) is Tracer:
        if max_norm is not None or scale_grad_by_freq:
            raise RuntimeError(
                "embedding: expected places that are known for max_norm and scale_grad_by_freq, got ones that are batched "
                "or compiled."
            )
        return apply(_EMBEDDING, (weight, input), {**params, "places": None})
    check_within(places, weight.shape[0])
    if max_norm is not None:
        _bound_rows(weight, np.unique(places), max_norm, norm_type)
    if scale_grad_by_freq:
        _, inverse, counts = np.unique(places, return_inverse=True, return_counts=True)
        params["scale"] = (1.0 / counts)[inverse].reshape(*places.shape, 1)
    return apply(_EMBEDDING, (weight,), params)


def check_sparse(sparse: bool) -> None:
    """Raise where a sparse gradient is asked for: there are none here."""
    if sparse:
        raise NotImplementedError("embedding: sparse=True is not there; sparse=False gives the same numbers.")


def padding_row(padding_idx: int | None, count: int) -> int | None:
    """Return which row is the padding, counted from the first."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % count


def _bound_rows(weight: Tensor, places: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the rows whose norm is larger than `max_norm` down to it, in place."""
    with no_grad():
        rows = weight.detach()[wrap(places)]
        norms = rows.norm(norm_type, dim=1, keepdim=True)
        long = norms._array > max_norm
        if long.any():  # a weight that is not written to keeps its version
            scale = (max_norm / (norms + 1e-7)).masked_fill(wrap(~long), 1.0)
            weight[wrap(places)] = rows * scale


_ONE_HOT = Operation("", lambda places, *, count: (places[..., None] == np.arange(count)).astype(np.int64))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return, for each whole number, a row of zeros with a one at that place.

    Raises:
        RuntimeError: for numbers that are no class; and for batched or compiled ones without `num_classes`.
    """
    places = tensor._array
    if type(places) is Tracer:
        if num_classes == -1:
            raise RuntimeError(
                "one_hot: expected num_classes, for numbers that are batched or compiled, got none."
            )
        return apply(_ONE_HOT, (tensor,), {"count": num_classes})
    if places.size and places.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    count = int(places.max()) + 1 if num_classes == -1 else num_classes
    if places.size and places.max() >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return apply(_ONE_HOT, (tensor,), {"count": count})
