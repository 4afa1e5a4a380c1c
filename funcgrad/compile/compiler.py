"""The door to the compiler: what makes machine code is imported where it is first needed, not with the package."""

from types import ModuleType

__all__ = ["compiler"]


def compiler() -> ModuleType:
    """Return `funcgrad.compile.pipeline`."""
    from funcgrad.compile import pipeline

    return pipeline
