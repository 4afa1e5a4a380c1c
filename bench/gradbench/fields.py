"""The fields of an input, checked: what is required is said beside what came."""

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["among", "array", "field", "indices", "integer", "number", "object_of", "shown"]

MOST = 2**31 - 1  # of any size: larger ones are mistakes, and would take memory or time without end


def shown(value: Any) -> str:
    """Return a value as a message can show it, as JSON has it: a list by its length, an object by its fields."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return _cut(f"an object of {', '.join(map(repr, value)) or 'nothing'}", 200)
    if isinstance(value, int) and abs(value) > 10**20:
        return "a huge integer"  # Python does not write the longest ones
    return _cut(json.dumps(value, default=repr), 60)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def among(value: Any, choices: Iterable[str], what: str) -> str:
    """Return a value that is one of a few strings."""
    names = list(choices)
    if value not in names:
        raise ValueError(f"expected {what} among {', '.join(names)}, got {shown(value)}")
    return value


def object_of(value: Any, what: str) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f"expected {what} to be an object, got {shown(value)}")
    return value


def field(given: Any, name: str) -> Any:
    """Return a field of an input."""
    if name not in object_of(given, "the input"):
        raise ValueError(f"expected an input with the field {name!r}, got {shown(given)}")
    return given[name]


def integer(given: Any, name: str, least: int = 1, most: int = MOST) -> int:
    """Return a field that is a whole number from `least` to `most`."""
    value = field(given, name)
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise ValueError(f"expected {name!r} to be an integer from {least} to {most}, got {shown(value)}")
    return int(value)


def number(value: Any, name: str = "input", least: float = -math.inf) -> float:
    """Return a finite number of at least `least`."""
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not real or not _finite(value) or value < least:
        bound = "" if least == -math.inf else f" of at least {least:g}"
        raise ValueError(f"expected {name!r} to be a finite number{bound}, got {shown(value)}")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _checked(given: Any, name: str, shape: tuple[int | str, ...], kinds: str, what: str) -> np.ndarray:
    value = field(given, name)
    sizes = ", ".join(map(str, shape))
    required = f"expected {name!r} to be {what} of shape ({sizes}{',' * (len(shape) == 1)})"
    if not isinstance(value, (list, np.ndarray)):
        raise ValueError(f"{required}, got {shown(value)}")
    try:
        x = np.asarray(value)
    except ValueError:
        raise ValueError(f"{required}, got lists of different lengths") from None
    except OverflowError:
        raise ValueError(f"{required}, got huge integers") from None
    if x.size and x.dtype.kind not in kinds:
        raise ValueError(f"{required}, got {_of_other_kind(x)}")
    if x.ndim != len(shape) or any(n != s for n, s in zip(x.shape, shape, strict=True) if isinstance(s, int)):
        raise ValueError(f"{required}, got shape {x.shape}")
    if not x.size:
        raise ValueError(f"{required}, got none: shape {x.shape}")
    return x


def _of_other_kind(x: np.ndarray) -> str:
    names = {"b": "booleans", "U": "strings", "f": "fractions", "O": "null, objects or huge integers"}
    return names.get(x.dtype.kind, str(x.dtype))


def array(given: Any, name: str, *shape: int | str) -> np.ndarray:
    """Return a field as float64[shape]; a size that is a name may be any but zero."""
    x = _checked(given, name, shape, "iuf", "numbers").astype(np.float64, copy=False)
    if not np.isfinite(x).all():
        raise ValueError(f"expected {name!r} to be finite, got {x[~np.isfinite(x)][0]}")
    return x


def indices(given: Any, name: str, *shape: int | str, below: int, least: int = 0) -> np.ndarray:
    """Return a field as int64[shape] with `least` <= entries < `below`."""
    x = _checked(given, name, shape, "iu", "integers")
    if x.min() < least or x.max() >= below:
        wrong = x[(x < least) | (x >= below)][0]
        raise ValueError(f"expected {name!r} to be from {least} to {below - 1}, got {wrong}")
    return x.astype(np.int64, copy=False)
