"""NumPy's namespace for plain and traced arrays, for what NumPy itself cannot dispatch."""

from funcgrad.numpy import array_methods as _array_methods
from funcgrad.numpy import fft, linalg
from funcgrad.numpy.assignment import *  # noqa: F403
from funcgrad.numpy.calculus import *  # noqa: F403
from funcgrad.numpy.creation import *  # noqa: F403
from funcgrad.numpy.functional import *  # noqa: F403
from funcgrad.numpy.joining import *  # noqa: F403
from funcgrad.numpy.nanfunctions import *  # noqa: F403
from funcgrad.numpy.padding import *  # noqa: F403
from funcgrad.numpy.parts import *  # noqa: F403
from funcgrad.numpy.places import *  # noqa: F403
from funcgrad.numpy.plain import *  # noqa: F403
from funcgrad.numpy.polynomials import *  # noqa: F403
from funcgrad.numpy.products import *  # noqa: F403
from funcgrad.numpy.queries import *  # noqa: F403
from funcgrad.numpy.rearranging import *  # noqa: F403
from funcgrad.numpy.reductions import *  # noqa: F403
from funcgrad.numpy.selection import *  # noqa: F403
from funcgrad.numpy.sets import *  # noqa: F403
from funcgrad.numpy.shaping import *  # noqa: F403
from funcgrad.numpy.sorting import *  # noqa: F403
from funcgrad.numpy.statistics import *  # noqa: F403
from funcgrad.numpy.subscripts import *  # noqa: F403
from funcgrad.numpy.ufuncs import *  # noqa: F403
