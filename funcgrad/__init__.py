"""funcgrad: differentiate, batch and inspect ordinary NumPy functions."""

from funcgrad import errors, numpy, primitives, tree
from funcgrad.core import check as _check
from funcgrad.core import interpret as _interpret
from funcgrad.core import printer as _printer
from funcgrad.core import serialize as _serialize
from funcgrad.core.program import Program
from funcgrad.core.staging import trace
from funcgrad.core.types import ArrayType
from funcgrad.transforms.collective import axis_index, pmax, pmean, psum
from funcgrad.transforms.custom import custom_jvp, custom_vjp, stop_gradient
from funcgrad.transforms.grad import grad, value_and_grad
from funcgrad.transforms.jacobian import hessian, hvp, jacfwd, jacobian, jacrev
from funcgrad.transforms.jvp import jvp, linear_transpose, linearize
from funcgrad.transforms.vjp import vjp
from funcgrad.transforms.vmap import vmap
from funcgrad import testing  # isort: skip
