"""The core: types, programs, primitives, tracers, and the two ways of tracing.

The modules imported here give Program its running, its text and its files.
"""

from funcgrad.core import interpret, printer, serialize

__all__ = ["interpret", "printer", "serialize"]
