"""Calls of NumPy's functions on arguments right and wrong, drawn by the names of their parameters."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.core.tracer import Tracer, concrete
from funcgrad.errors import ConcretizationError, InPlaceError
from tests.laws import leaves

__all__ = ["FUNCTIONS", "MODES", "Call", "calls", "differs_by_values", "disagreement", "outcome"]

_F = np.float64
ARRAYS = [
    np.array([0.5, 2.0, -1.0]),
    np.array([1.0, 2.0, 4.0]),
    np.array([[0.5, 2.0, 1.5], [3.0, -1.0, 0.0]]),
    np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]]),
    np.arange(12.0).reshape(2, 3, 2) / 7,
    np.array([[0.5], [2.0]]),
    np.array(1.5),
    np.zeros(0),
    np.zeros((0, 3)),
    np.zeros((2, 0)),
    np.array([np.nan, np.inf, -np.inf]),
    np.array([1, 0, 2]),
    np.array([-1, 5, 1]),
    np.array([[1, 2, 0], [0, 1, 2]]),
    np.array([3, 200, 1], np.uint8),
    np.array([3, -100, 1], np.int8),
    np.array([True, False, True]),
    np.array([[True, False, True], [False, True, True]]),
    np.array([1.0 + 2.0j, -1.0j, 0.5]),
    np.array([[1.0, 2.0j], [0.5, 1.0]]),
    np.array([0.5, 2.0], np.float32),
    np.array([0.5, 2.0, 1.0], np.float16),
    2.5,
    2,
    -1,
    1j,
    True,
    [1.0, 2.0, 3.0],
    [[1, 2], [3, 4]],
]
_WHOLE = [np.array([1, 0, 2]), np.array([0, 1]), np.array([-1, 5, 1]), 1, 0, [0, 1], np.array([0.5, 1.0]), np.zeros(0, int), np.array([[0, 1], [1, 0]])]  # fmt: skip
_AXIS = [0, 1, -1, 2, 5, -4, None, (0, 1), (0, 0), 1.5, (), True]
_COUNT = [0, 1, 2, 3, -1, 1.5, None, (1, 2), np.int64(2)]
_FLAG = [True, False]
_DTYPE = [None, float, np.float32, int, complex, bool, np.int8, "f4", "nonsense"]
_SHAPE = [(2, 3), 3, (), (0,), (-1,), (3, -1), (-1, -1), (2.0, 3), (1, 6), [3, 2], "ab"]


def _each(names, pool):
    """The same pool for each of several parameters."""
    return {name: pool for name in names}


PARAMETERS: dict[str, list[Any]] = {
    **_each(["axis", "axis1", "axis2", "source", "destination", "start"], _AXIS),
    "axes": [None, 0, 1, (0, 1), (1, 0), (0, 0), (2, 0, 1), [[0], [0]], [[1], [0]], 5, [(0,), (0,), (0,)]],
    **_each(["keepdims", "sorted", "stable", "trim_", "increasing", "full", "rowvar", "bias", "equal_nan", "returned",
                     "include_initial", "hermitian", "wrap", "density", "endpoint", "retstep", "copy"], _FLAG),
    "assume_unique": [False],
    "trim": ["f", "fb", "x"],
    "dtype": _DTYPE,
    "order": ["C", "F", "A", "K", "Z", None, 1],
    "mode": ["raise", "wrap", "clip", "full", "same", "valid", "constant", "edge", "nonsense", 1],
    **_each(["shape", "newshape", "new_shape", "reps", "shift"], _SHAPE),
    **_each(["N", "M", "k", "n", "ndmin", "offset", "repeats", "kth", "num", "minlength", "deg", "order_",
                     "decimals", "p", "ord", "m"], [*_COUNT]),
    **_each(["indices", "ind", "indices_or_sections", "obj", "sorter"], _WHOLE),
    "side": ["left", "right", "nonsense"],
    "indexing": ["ij", "xy", "nonsense"],
    "kind": [None, "quicksort", "stable", "nonsense"],
    "bins": [3, 0, -1, 2.5, np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 3.0]), [0.0], "auto", "nonsense"],
    "range": [None, (0, 1), (1, 0), (0.0, 3.0), (0, np.inf), 3],
    "pad_width": [1, (1, 2), ((1, 1), (0, 2)), -1, 1.5, (1, 2, 3)],
    "method": ["linear", "lower", "nearest", "median_unbiased", "nonsense"],
    "edge_order": [1, 2, 3, "1"],
    "casting": ["same_kind", "unsafe", "safe", "nonsense"],
    "UPLO": ["L", "U", "X"],
    "norm": [None, "ortho", "forward", "nonsense"],
    **_each(["condition", "where", "mask"], [*[a for a in ARRAYS if np.asarray(a).dtype.kind == "b"], np.array([1, 0, 1])]),
    **_each(["device", "like", "subok", "out", "ndmax", "max_rank", "signature"], []),
    **_each(["q"], [0.5, [0.0, 1.0], 1.5, -0.1, np.array(50.0), [[0.1], [0.2]], 1j, None]),
    **_each(["s"], [None, (2, 3), (4,), (0,), 3]),
    **_each(["ddof", "correction"], [0, 1, 2, 1.5, -1, None]),
    "mean": [0.5, np.array(1.5)],
    "initial": [0, 1.5, 1j, np.array(2.0), [1.0, 2.0], np.array([1.0, 2.0]), np.float32(3.0), None],
    "choices": [[np.ones(3), np.zeros(3)], [1.0, 2.0, 3.0], [np.ones(2), np.ones(3)], []],
    "condlist": [[np.array([True, False, True])], [np.array([1, 0, 1])], []],
    "choicelist": [[np.ones(3)], [1.0], [np.ones(3), np.ones(3)], []],
    **_each(["arrays", "tup"], [
        [np.ones(3), np.zeros(3)], [np.ones((2, 3)), np.ones((1, 3))], [np.ones(3), np.ones((2, 3))], [],
        [np.ones(2), np.array([1j, 2])], [np.ones((2, 3)), np.ones((2, 2))], [np.array(1.0), np.array(2)],
    ]),
}  # fmt: skip

_SKIPPED = {
    "apply_along_axis", "apply_over_axes", "piecewise", "vectorize", "fromfunction", "from_dlpack", "errstate", "ix_",
    "einsum_path", "array2string", "broadcast_shapes", "isdtype", "issubdtype", "promote_types", "frompyfunc",
    "fromiter", "iterable", "common_type", "s_", "can_cast", "isscalar", "result_type", "min_scalar_type", "mgrid", "ogrid",
    "shares_memory", "may_share_memory", "diag_indices", "indices", "mask_indices", "tril_indices", "triu_indices",
}  # fmt: skip


def _functions() -> Iterator[tuple[str, Callable, Callable]]:
    for prefix, ours, theirs in (
        ("", fnp, np),
        ("linalg.", fnp.linalg, np.linalg),
        ("fft.", fnp.fft, np.fft),
    ):
        for name in ours.__all__:
            function, reference = getattr(ours, name), getattr(theirs, name, None)
            if (
                name in _SKIPPED
                or not callable(reference)
                or isinstance(reference, type)
                or function is reference
            ):
                continue
            if reference.__name__ == name:  # not an alias
                yield prefix + name, function, reference


_WRITERS = {"nan_to_num", "copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"}
FUNCTIONS = {name: pair for name, *pair in _functions()}


class Call:
    """One call: `function(*args, **kwargs)`, with the places of its arrays."""

    def __init__(self, args: list, kwargs: dict):
        self.args, self.kwargs = args, kwargs

    def __repr__(self):
        texts = [_text(x) for x in self.args] + [f"{k}={_text(x)}" for k, x in self.kwargs.items()]
        return f"({', '.join(texts)})"


def _text(x):
    if isinstance(x, np.ndarray) and not x.size:
        return f"zeros({x.shape}, {x.dtype})"
    return " ".join(f"{x!r}".split())


def calls(name: str, count: int) -> Iterator[Call]:
    """Draw calls of a function, the same ones each time."""
    reference = FUNCTIONS[name][1]
    rng = np.random.default_rng([ord(c) for c in name])

    def pick(pool):
        return pool[rng.integers(len(pool))]

    parameters = _parameters(reference)
    for _ in range(count):
        args, kwargs = [], {}
        for parameter in parameters:
            pool = PARAMETERS.get(parameter.name, ARRAYS)
            if parameter.kind is parameter.VAR_POSITIONAL:
                args += [pick(pool) for _ in range(rng.integers(1, 4))]
            elif parameter.default is parameter.empty:
                args.append(pick(pool))
            elif pool and rng.random() < 0.35:
                kwargs[parameter.name] = pick(pool)
        yield Call(args, kwargs)


def _parameters(reference):
    if isinstance(reference, np.ufunc):
        kind = inspect.Parameter.POSITIONAL_ONLY
        return [inspect.Parameter(f"x{i}", kind) for i in range(reference.nin)]
    kinds = (inspect.Parameter.VAR_KEYWORD,)
    try:
        return [p for p in inspect.signature(reference).parameters.values() if p.kind not in kinds]
    except ValueError:
        return [inspect.Parameter("a", inspect.Parameter.POSITIONAL_ONLY)]


def _is_array(x):
    return isinstance(x, np.ndarray)


def _split(call):
    """Return the arrays of a call, those within lists too, and a function that puts others in their place."""
    arrays: list[np.ndarray] = []

    def take(x):
        if _is_array(x):
            arrays.append(x.copy())
            i = len(arrays) - 1
            return lambda given: given[i]
        if isinstance(x, list) and any(map(_is_array, x)):
            parts = [take(y) for y in x]
            return lambda given: [p(given) for p in parts]
        return lambda given: x

    args = [take(x) for x in call.args]
    kwargs = {k: take(x) for k, x in call.kwargs.items()}

    def filled(given):
        return [a(given) for a in args], {k: a(given) for k, a in kwargs.items()}

    return arrays, filled


def _applied(function, filled, arrays):
    args, kwargs = filled(arrays)
    if function.__name__ in _WRITERS and hasattr(args[0], "copy"):
        args[0] = args[0].copy()  # an argument of a transformed function is not written to
    y = function(*args, **kwargs)
    return args[0] if y is None else y  # the functions that write return nothing


def _plain(function, arrays, filled):
    return _applied(function, filled, arrays)


def _eager(function, arrays, filled):
    traced = [i for i, x in enumerate(arrays) if x.dtype.kind in "fc"]
    kept = []

    def run(*xs):
        given = list(arrays)
        for i, x in zip(traced, xs, strict=True):
            given[i] = x
        y = _applied(function, filled, given)
        kept.append([concrete(z) if type(z) is Tracer else z for z in leaves(_tuple(y))])
        return 0.0

    fg.vjp(run, *[arrays[i] for i in traced])
    return kept[0]


def _staged(function, arrays, filled):
    return fg.trace(lambda *given: _tuple(_applied(function, filled, list(given))))(*arrays)(*arrays)


def _compiled(function, arrays, filled):
    return fg.jit(lambda *given: _tuple(_applied(function, filled, list(given))))(*arrays)


def _tuple(y):
    return tuple(map(_tuple, y)) if isinstance(y, (tuple, list)) else y


MODES: dict[str, Callable] = {"plain": _plain, "eager": _eager, "staged": _staged, "compiled": _compiled}


def outcome(mode: Callable, function: Callable, call: Call) -> Any:
    """Return the leaves of the result, or the exception."""
    arrays, filled = _split(call)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            y = mode(function, arrays, filled)
            return [np.asarray(z) for z in leaves(_tuple(y))]
        except Exception as error:
            return error


def differs_by_values(reference: Callable, call: Call) -> bool:
    """Whether NumPy refuses a call for the values of its arrays, not for their types."""
    return any(_passes(reference, call, fill) for fill in (np.ones_like, np.zeros_like, _counted))


def _passes(reference, call, fill):
    def filled_in(function, arrays, filled):
        return _applied(function, filled, [fill(x) for x in arrays])

    return not isinstance(outcome(filled_in, reference, call), Exception)


def _counted(x):
    return np.arange(x.size).reshape(x.shape).astype(x.dtype)


def disagreement(got: Any, want: Any, values: bool = True) -> str:
    """Return what is wrong with an outcome, beside NumPy's: an empty string where nothing is."""
    if isinstance(want, Exception):
        if isinstance(got, Exception):
            return ""
        return f"accepted: {_shown(got)}; NumPy refuses: {type(want).__name__}: {want}"
    if any(z.dtype.kind not in "biufc" for z in want):
        return ""
    if isinstance(got, (ConcretizationError, InPlaceError)):
        return ""  # said in its own test: what must be known while tracing
    if isinstance(got, Exception):
        return f"refused: {type(got).__name__}: {str(got).splitlines()[0] if str(got) else ''}; NumPy gives {_shown(want)}"
    if [z.shape for z in got] != [z.shape for z in want] or [z.dtype for z in got] != [z.dtype for z in want]:
        return f"gives {_shown(got)}; NumPy {_shown(want)}"
    for a, b in zip(got, want, strict=True):
        if values and not _same(a, b):
            return f"gives {a!r}; NumPy {b!r}"
    return ""


def _same(a, b):
    precision = {"e": 2e-3, "f": 1e-5, "F": 1e-5}.get(b.dtype.char, 1e-9)
    return (
        np.allclose(a, b, rtol=precision, atol=precision, equal_nan=True)
        if b.dtype.kind in "fc"
        else np.array_equal(a, b)
    )


def _shown(ys):
    return ", ".join(f"{y.dtype}{list(y.shape)}" for y in ys)
