"""The call of a compiled program as a primitive, so that jit works under every transformation.

A call differentiates, batches and stages by transforming its Program, and calling the result: so the derivative
of a compiled function is a compiled function. In a program that is itself compiled, it is written out.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.compiler import compiler
from funcgrad.compile.target.abi import verified
from funcgrad.core.check import check_body
from funcgrad.core.interpret import run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.programs.batch import batched_program
from funcgrad.programs.dataflow import activity
from funcgrad.programs.differentiate import forward_and_backward, inexact_inputs, pushforward_program
from funcgrad.programs.optimize import optimized
from funcgrad.programs.trim import only
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear

__all__ = ["callable_of", "closed", "jit_call", "restored"]


def callable_of(program: Program, backend: str) -> Callable:
    """Return what runs a program on flat arguments and returns the result (a tuple of several)."""
    if backend == "numpy" or not verified():
        return partial(_by_numpy, optimized(program))
    return compiler().executable_of(program)


def _by_numpy(program, *args):
    """Run a program by NumPy, with native code's manners: no warnings, and results of their own memory."""
    with np.errstate(all="ignore"):
        out = [np.array(y) if isinstance(y, np.ndarray) and y.ndim else y for y in run(program, args)]
    return out[0] if len(out) == 1 else tuple(out)


def restored(program: Program, out: Any) -> Any:
    """Return what `callable_of` returns in the containers that the traced function returned."""
    assert program.out_tree is not None
    return tree.unflatten(program.out_tree, (out,) if len(program.outputs) == 1 else out)


def closed(program: Program) -> Program:
    """Return the program with the traced values it closes over as further inputs."""
    captured = [var for var, value in program.constants if type(value) is Tracer]
    plain = tuple(pair for pair in program.constants if type(pair[1]) is not Tracer)
    return program.replaced(inputs=(*program.inputs, *captured), constants=plain).flat


class JitCall(Primitive):
    """The outputs of a compiled program on flat arguments; `backend` is "native" or "numpy"."""

    name = "jit_call"
    multiple = True
    residuals_in_reverse_only = True

    def type_rule(self, *types, program, backend):
        return check_body("jit_call", program, types)

    def eval_rule(self, *args, program, backend):
        out = callable_of(program, backend)(*args)
        return out if len(program.outputs) != 1 else (out,)

    def decompose_rule(self, *args, program, backend):
        return tuple(run(program, args))

    def jvp_rule(self, x_dots, ys, *xs, program, backend):
        active = tuple(d is not None and is_inexact(dtype_of(x)) for d, x in zip(x_dots, xs, strict=True))
        tangent = pushforward_program(program, active)
        return bind(
            self,
            *xs,
            *(d for d, a in zip(x_dots, active, strict=True) if a),
            program=tangent,
            backend=backend,
        )

    def forward_rule(self, *xs, program, backend):
        forward, _ = forward_and_backward(program, inexact_inputs(program))
        out = bind(self, *xs, program=forward, backend=backend)
        count = len(program.outputs)
        return tuple(out[:count]), (out[:count], out[count:])

    def result_types(self, saved, *xs, program, backend):
        return [ArrayType(shape_of(y), dtype_of(y)) for y in saved[0]]

    def vjp_rule(self, needs, y_bars, saved, *xs, program, backend):
        active = inexact_inputs(program)
        _, backward = forward_and_backward(program, active)
        wanted = tuple(bool(needs[i]) for i in active)
        bars = [
            as_derivative(bar, t)
            for bar, t in zip(y_bars, program.out_types, strict=True)
            if is_inexact(t.dtype)
        ]
        out = iter(bind(self, *xs, *saved[1], *bars, program=only(backward, wanted), backend=backend))
        chosen = {i for i, want in zip(active, wanted, strict=True) if want}
        return [next(out) if i in chosen else None for i in range(len(xs))]

    def activity_rule(self, active, *, program, backend):
        return activity(program, active)

    def linear_rule(self, given, *types, program, backend):
        return is_linear(program, given)

    def batch_rule(self, size, batched, *xs, program, backend):
        batch = batched_program(program, size, tuple(batched))
        ys = bind(self, *xs, program=batch, backend=backend)
        return ys, True

    def samples(self):
        square = stage_flat(lambda x: [x * x], [ArrayType((2, 3), float)], "battery")
        return [Sample((box((2, 3)).array(),), {"program": square, "backend": "native"})]


jit_call = JitCall()
