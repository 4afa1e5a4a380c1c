"""funcgrad differentiates, batches, compiles and inspects ordinary NumPy functions.

>>> import numpy as np
>>> import funcgrad as fg
>>> fg.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
array([2., 4.])

`grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `vmap` and their kin take a function and
return a function; so does `jit`, whose function is one native call. `funcgrad.numpy` has NumPy's functions
for what NumPy cannot dispatch on traced values, `funcgrad.testing` checks derivatives, `funcgrad.extend` is
for adding primitives.
"""

from funcgrad import control, errors, numpy, primitives, scipy, testing, tree
from funcgrad.compile.jit import clear_caches, jit
from funcgrad.compile.runtime.parallel import get_num_threads, set_num_threads
from funcgrad.control import (
    associative_scan,
    checkpoint,
    checkpoint_name,
    cond,
    custom_fixed_point,
    custom_linear_solve,
    custom_root,
    debug,
    fori_loop,
    residuals,
    scan,
    switch,
    while_loop,
)
from funcgrad.control.debug import error_if
from funcgrad.core.program import Program
from funcgrad.core.staging import trace
from funcgrad.core.types import ArrayType
from funcgrad.errors import DerivativeWarning, RandomnessWarning
from funcgrad.transforms.callback import pure_callback
from funcgrad.transforms.collective import axis_index, pmax, pmean, psum
from funcgrad.transforms.custom import custom_jvp, custom_vjp, stop_gradient
from funcgrad.transforms.grad import grad, value_and_grad
from funcgrad.transforms.jacobian import hessian, hvp, jacfwd, jacobian, jacrev
from funcgrad.transforms.jvp import jvp, linear_transpose, linearize
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap

__version__ = "0.1.0"

__all__ = [
    "ArrayType",
    "DerivativeWarning",
    "Program",
    "RandomnessWarning",
    "associative_scan",
    "axis_index",
    "checkpoint",
    "checkpoint_name",
    "clear_caches",
    "cond",
    "control",
    "custom_fixed_point",
    "custom_jvp",
    "custom_linear_solve",
    "custom_root",
    "custom_vjp",
    "debug",
    "error_if",
    "errors",
    "fori_loop",
    "get_num_threads",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linear_transpose",
    "linearize",
    "numpy",
    "pmax",
    "pmean",
    "primitives",
    "psum",
    "pure_callback",
    "residuals",
    "scan",
    "scipy",
    "set_num_threads",
    "stop_gradient",
    "switch",
    "testing",
    "trace",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
