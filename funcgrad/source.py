"""Where in the user's own code we are: frames of funcgrad, NumPy and SciPy are passed over."""

import os
import sys
import warnings
from importlib.util import find_spec
from types import CodeType, FrameType
from typing import NamedTuple

import numpy

__all__ = ["Location", "is_library", "user_code", "user_location", "warn_user"]

# So many lines are remembered.
MOST_LOCATIONS = 10_000
_scipy = find_spec("scipy")  # found, not loaded
_ORIGINS = (__file__, numpy.__file__, _scipy.origin if _scipy is not None and _scipy.origin else __file__)
_PACKAGES = tuple(os.path.dirname(os.path.abspath(path)) + os.sep for path in _ORIGINS) + (
    "<frozen ",
    "<__array_function__",
)


class Location(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}, in {self.function}"


def user_location(depth: int = 1) -> Location | None:
    """Return the innermost line on the stack that belongs to the user, or None.

    Args:
        depth: how many frames above the caller to start from.
    """
    frame = _user_frame(depth + 1)
    if frame is None:
        return None
    key = id(frame.f_code), frame.f_lasti
    known = _locations.get(key)
    return known[0] if known is not None else _noted(key, frame)


def user_code(depth: int = 1) -> CodeType | None:
    """Return the code of the innermost function on the stack that is the user's, or None."""
    frame = _user_frame(depth + 1)
    return None if frame is None else frame.f_code


def warn_user(message: str) -> None:
    """Warn at the user's line."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and is_library(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def _user_frame(depth: int) -> FrameType | None:
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        name = frame.f_code.co_filename
        library = _library_files.get(name)  # (asked for each frame of each equation)
        if library is None:
            library = is_library(name)
        if not library:
            return frame
        frame = frame.f_back
    return None


_library_files: dict[str, bool] = {}
# By the ids of code and the instruction in it; the code is kept, so that no other gets its id.
_locations: dict[tuple[int, int], tuple[Location, CodeType]] = {}


def _noted(key: tuple[int, int], frame: FrameType) -> Location:
    """Return where a frame is; the equations of one line share it."""
    code = frame.f_code
    location = Location(code.co_filename, frame.f_lineno, code.co_name)
    if len(_locations) >= MOST_LOCATIONS:
        _locations.clear()
    _locations[key] = location, code
    return location


def is_library(filename: str) -> bool:
    """Whether a file is funcgrad's, NumPy's or SciPy's."""
    known = _library_files.get(filename)
    if known is None:
        known = filename.startswith(_PACKAGES)
        _library_files[filename] = known
    return known
