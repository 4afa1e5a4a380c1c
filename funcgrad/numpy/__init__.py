"""NumPy's namespace for plain and traced arrays, for what NumPy itself cannot dispatch."""

from funcgrad.numpy import array_methods as _array_methods
from funcgrad.numpy.products import *  # noqa: F403
from funcgrad.numpy.reductions import *  # noqa: F403
from funcgrad.numpy.shaping import *  # noqa: F403
from funcgrad.numpy.ufuncs import *  # noqa: F403
