"""Whether operations are recorded, and random numbers drawn: the modes, each per thread."""

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, ClassVar

__all__ = [
    "MODE",
    "compiling",
    "detect_anomaly",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_draws",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


class _Mode(threading.local):
    grad = True
    inference = False
    anomaly = False
    compiling = False
    no_draws = ""  # the error where random numbers may not be drawn


MODE = _Mode()


class _Setting:
    """Set attributes of MODE for a `with` block, or for each call of a decorated function."""

    def __init__(self, **settings: Any):
        self._settings = settings
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self._before.append({name: getattr(MODE, name) for name in self._settings})
        for name, value in self._settings.items():
            setattr(MODE, name, value)

    def __exit__(self, *error: object) -> None:
        for name, value in self._before.pop().items():
            setattr(MODE, name, value)

    def __call__(self, function: Callable) -> Any:
        settings = self._settings
        if inspect.isgeneratorfunction(function):
            # The block is left at each yield: the caller's mode is its own.
            @functools.wraps(function)
            def generated(*args, **kwargs):
                with _Setting(**settings):
                    run = function(*args, **kwargs)
                sent = None
                while True:
                    try:
                        with _Setting(**settings):
                            value = run.send(sent)
                    except StopIteration as stop:
                        return stop.value
                    sent = yield value

            return generated

        @functools.wraps(function)
        def called(*args, **kwargs):
            with _Setting(**settings):
                return function(*args, **kwargs)

        return called


class _Decorator(_Setting):
    """A setting without arguments, which may decorate without parentheses."""

    settings: ClassVar[dict[str, bool]] = {}

    def __new__(cls, function: Callable | None = None) -> Any:
        made = object.__new__(cls)
        if function is None:
            return made
        _Setting.__init__(made, **cls.settings)
        return made(function)

    def __init__(self, function: Callable | None = None):
        super().__init__(**self.settings)


class no_grad(_Decorator):
    """Do not record operations: results do not require gradients.

    >>> from funcgrad import torch
    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> with torch.no_grad():
    ...     print((x * 2).requires_grad)
    False
    """

    settings: ClassVar[dict[str, bool]] = {"grad": False}


class enable_grad(_Decorator):
    """Record operations, also inside `no_grad`."""

    settings: ClassVar[dict[str, bool]] = {"grad": True}


class inference_mode(_Setting):
    """Do not record operations, in a block or a decorated function; as `no_grad`, and named."""

    def __new__(cls, mode: Any = True) -> Any:
        made = object.__new__(cls)
        if callable(mode):
            _Setting.__init__(made, grad=False, inference=True)
            return made(mode)
        return made

    def __init__(self, mode: Any = True):
        if mode:
            super().__init__(grad=False, inference=True)
        else:
            super().__init__(inference=False)


class set_grad_enabled(_Setting):
    """Switch recording on or off: at once, and for a `with` block, after which it is as before."""

    def __init__(self, mode: bool):
        super().__init__(grad=bool(mode))
        self._at_once = MODE.grad
        MODE.grad = bool(mode)

    def __enter__(self) -> None:
        self._before.append({"grad": self._at_once})
        MODE.grad = self._settings["grad"]

    def __call__(self, function: Callable) -> Callable:
        MODE.grad = self._at_once  # a decorator sets nothing before the function is called
        return super().__call__(function)


class detect_anomaly(_Setting):
    """Check each cotangent for nan, and name the forward operation that a failing one belongs to.

    Args:
        check_nan: raise where a backward function gives nan.
    """

    def __init__(self, check_nan: bool = True):
        super().__init__(anomaly=bool(check_nan))


class set_detect_anomaly(_Setting):
    """Switch anomaly detection on or off: at once, and for a `with` block."""

    def __init__(self, mode: bool, check_nan: bool = True):
        super().__init__(anomaly=bool(mode and check_nan))
        self._at_once = MODE.anomaly
        MODE.anomaly = bool(mode and check_nan)

    def __enter__(self) -> None:
        self._before.append({"anomaly": self._at_once})
        MODE.anomaly = self._settings["anomaly"]


class compiling(_Setting):
    """Refuse tensors that require gradients and are no arguments: they would become constants."""

    def __init__(self) -> None:
        super().__init__(compiling=True)


class no_draws(_Setting):
    """Raise where a random number is drawn: what is traced once would give each call the same ones.

    Args:
        error: what to say.
    """

    def __init__(self, error: str):
        super().__init__(no_draws=error)


def is_grad_enabled() -> bool:
    """Whether operations are recorded now, on this thread."""
    return MODE.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on, on this thread."""
    return MODE.inference
