"""Laws of the package: derivatives by differences, deep graphs, and where formulas live."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import funcgrad.torch as torch
from tests.torch.cases import decompositions, neural, operations

PACKAGE = Path(torch.__file__).parent
# Steps and kinks, other precisions, complex results (whose differences are checked by recorded values), and what
# reads one triangle of a matrix and gives either its half of the gradient, as PyTorch does.
NOT_SMOOTH = re.compile(
    r"eigh|eigvalsh|round|trunc|ceil|floor|fix|frac|shrink|complex|sort|mode|dtype|\.float|\.half|z\b|\(f\b|\bcond|binary_cross_entropy\(u, t\)"
)


def function_of(module, code):
    """Return the expression as a function of its leaves, and the leaves; None where it has no gradient."""
    tensors = module.inputs(torch)
    names = [
        name
        for name, x in tensors.items()
        if isinstance(x, torch.Tensor) and x.requires_grad and re.search(rf"\b{name}\b", code)
    ]

    def function(*leaves):
        values = {**tensors, **dict(zip(names, leaves, strict=True))}
        out = eval(code, {"torch": torch, "F": torch.nn.functional, "inf": float("inf")}, values)
        return tuple(
            x
            for x in (out if isinstance(out, (list, tuple)) else [out])
            if isinstance(x, torch.Tensor) and x.requires_grad
        )

    leaves = [tensors[name] for name in names]
    try:
        useful = bool(leaves and function(*leaves))
    except (RuntimeError, TypeError, NotImplementedError, AttributeError):
        return None
    return (function, leaves) if useful else None


def differentiable():
    """The recorded expressions with a gradient by double-precision leaves: one for each function, within its domain."""
    seen = set()
    for module in (operations, neural, decompositions):
        for code in module.CASES:
            head = re.sub(r"[(\[].*", "", code) or code
            if head in seen or NOT_SMOOTH.search(code):
                continue
            found = function_of(module, code)
            if found is not None and _is_regular(*found):
                seen.add(head)
                yield pytest.param(*found, id=code)


def _is_regular(function, leaves):
    outs = function(*leaves)
    return all(
        x.isfinite().all() and x.grad_fn is not None and x.grad_fn.name() != "NotImplemented" for x in outs
    )


@pytest.mark.parametrize(("function", "leaves"), list(differentiable()))
def test_gradients_are_those_of_differences(function, leaves):
    assert torch.autograd.gradcheck(function, leaves)


@pytest.mark.parametrize(
    "code",
    [
        "torch.exp(x)", "torch.tanh(x)", "x ** 3", "x * y", "x / p", "torch.sigmoid(x)", "torch.softmax(x, 1)",
        "torch.logsumexp(x, 1)", "x @ y.t()", "torch.linalg.inv(A)", "torch.var(x, 1)", "torch.cumsum(x, 1)",
        "torch.where(x > 0, x * x, y)", "x[:, [0, 2]] ** 2", "torch.cat([x, y]) ** 2", "torch.einsum('ij,kj->ik', x, y)",
        "torch.prod(x, 0)", "torch.norm(x)", "torch.det(A)", "torch.sqrt(p)", "torch.log_softmax(x, 0)",
    ],
)  # fmt: skip
def test_second_derivatives_are_those_of_differences(code):
    function, leaves = function_of(operations, code)
    assert torch.autograd.gradgradcheck(function, leaves)


def backward_time(n):
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(n // 2):
        y = y * 1.00001 + 0.00001
    loss = y.sum()
    start = time.perf_counter()
    loss.backward()
    elapsed = time.perf_counter() - start
    assert x.grad is not None
    return elapsed


def test_a_graph_of_many_operations_takes_linear_time_and_no_recursion():
    backward_time(2_000)
    small = min(backward_time(10_000) for _ in range(3))
    assert backward_time(100_000) < 40 * small


def test_there_is_no_derivative_formula_in_the_package():
    rules = re.compile(
        r"custom_vjp|custom_jvp|def (vjp|jvp|partials|transpose_rule)\w*|partials=|defvjp|_rule\s*="
    )
    for path in sorted(PACKAGE.rglob("*.py")):
        found = rules.findall(path.read_text())
        if path.name == "traced.py":  # the user's own backward is handed on
            continue
        if path.relative_to(PACKAGE).as_posix() in (
            "func.py",
            "autograd/functional.py",
        ):  # the functions vjp and jvp
            found = [f for f in found if f not in ("vjp", "jvp")]
        assert not found, f"{path}: {found}"


def test_importing_funcgrad_does_not_import_the_shim():
    code = "import sys, funcgrad; assert not [m for m in sys.modules if m.startswith('funcgrad.torch')]"
    subprocess.run([sys.executable, "-c", code], check=True)
