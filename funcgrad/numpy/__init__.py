"""NumPy's namespace for plain and traced arrays, for what NumPy itself cannot dispatch.

Each module of this package is one group of functions and lists its own in `__all__`; this one gathers
them. Everything here accepts plain arrays, traced values and nested lists of both.
"""

import sys

from funcgrad.numpy import (
    array_methods,
    assignment,
    averages,
    calculus,
    creation,
    elementwise,
    fft,
    functional,
    index_grids,
    joining,
    linalg,
    nanfunctions,
    padding,
    polynomials,
    products,
    queries,
    rearranging,
    reductions,
    reexported,
    selection,
    sets,
    shaping,
    sorting,
    statistics,
    subscripts,
    ufuncs,
)
from funcgrad.numpy.assignment import *  # noqa: F403
from funcgrad.numpy.averages import *  # noqa: F403
from funcgrad.numpy.calculus import *  # noqa: F403
from funcgrad.numpy.creation import *  # noqa: F403
from funcgrad.numpy.diagonals import *  # noqa: F403
from funcgrad.numpy.elementwise import *  # noqa: F403
from funcgrad.numpy.functional import *  # noqa: F403
from funcgrad.numpy.index_grids import *  # noqa: F403
from funcgrad.numpy.joining import *  # noqa: F403
from funcgrad.numpy.nanfunctions import *  # noqa: F403
from funcgrad.numpy.padding import *  # noqa: F403
from funcgrad.numpy.polynomials import *  # noqa: F403
from funcgrad.numpy.products import *  # noqa: F403
from funcgrad.numpy.quantiles import *  # noqa: F403
from funcgrad.numpy.queries import *  # noqa: F403
from funcgrad.numpy.ranges import *  # noqa: F403
from funcgrad.numpy.rearranging import *  # noqa: F403
from funcgrad.numpy.reductions import *  # noqa: F403
from funcgrad.numpy.reexported import *  # noqa: F403
from funcgrad.numpy.selection import *  # noqa: F403
from funcgrad.numpy.sets import *  # noqa: F403
from funcgrad.numpy.shaping import *  # noqa: F403
from funcgrad.numpy.sorting import *  # noqa: F403
from funcgrad.numpy.statistics import *  # noqa: F403
from funcgrad.numpy.subscripts import *  # noqa: F403
from funcgrad.numpy.ufuncs import *  # noqa: F403
from funcgrad.numpy.writable import *  # noqa: F403

# Tracers get their operators and methods once the functions behind them exist.
array_methods.attach(sys.modules[__name__])

_GROUPS = (
    assignment,
    averages,
    calculus,
    creation,
    functional,
    joining,
    nanfunctions,
    padding,
    elementwise,
    index_grids,
    reexported,
    polynomials,
    products,
    queries,
    rearranging,
    reductions,
    selection,
    sets,
    shaping,
    sorting,
    statistics,
    subscripts,
    ufuncs,
)

__all__ = ["fft", "linalg", *(name for group in _GROUPS for name in group.__all__)]
