"""SciPy's own functions called on traced values: what to call in their place."""

import sys
from types import FrameType, ModuleType

__all__ = ["calls_from_library", "edit_for_scipy", "offer"]

# funcgrad.scipy's modules by the names of SciPy's, once they are there.
_OFFERED: dict[str, ModuleType] = {}


def offer(name: str, module: ModuleType) -> None:
    """Say that a module has functions in place of those of `scipy.{name}`."""
    _OFFERED[name] = module


def calls_from_library(depth: int) -> bool:
    """Whether the frame so far above the caller is NumPy's or SciPy's own code."""
    return _package(sys._getframe(depth + 1)) in ("numpy", "scipy")


def edit_for_scipy() -> str:
    """Return the edit where a function of SciPy's, called by the user, came here; else nothing."""
    frame: FrameType | None = sys._getframe(1)
    called = None
    while frame is not None:
        package = _package(frame)
        if package == "scipy":
            called = _called(frame) or called
        elif called is not None and package not in ("numpy", "funcgrad"):
            break
        frame = frame.f_back
    return "" if called is None else _edit(*called)


def _called(frame):
    """Return the module and the name of SciPy's function that runs in a frame, or that it wraps."""
    module, name = frame.f_globals["__name__"], frame.f_code.co_name
    if module.startswith("scipy._"):
        wrapped = next(
            (frame.f_locals[k] for k in ("f", "fun", "func", "function") if k in frame.f_locals), None
        )
        module, name = getattr(wrapped, "__module__", None) or "", getattr(wrapped, "__name__", "")
    return (module, name) if module.startswith("scipy.") and not module.startswith("scipy._") else None


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]


def _edit(path, name):
    space = path.split(".")[1]
    module = _OFFERED.get(space)
    if module is not None and name in module.__all__:
        return f"use fg.scipy.{space}.{name} in place of scipy.{space}.{name}, which takes plain arrays only."
    there = f" (fg.scipy.{space} has {', '.join(module.__all__)})" if module is not None else ""
    return (
        f"funcgrad has nothing in place of scipy.{space}'s {name}{there}: write it with NumPy's functions, or call it "
        "by fg.pure_callback, in a function with a derivative of its own (fg.custom_jvp, fg.custom_vjp)."
    )
