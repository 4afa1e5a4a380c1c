"""Cases that run alike with PyTorch and with funcgrad.torch, and the comparison of what they give.

A case is a function of the module `torch`. `python tests/data/torch/record.py AREA` runs those of
`tests/torch/cases/AREA.py` with PyTorch itself, and writes what they give to `tests/data/torch/AREA.json`;
the tests run them with funcgrad.torch.
"""

import functools
import importlib
import json
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "torch"
TOLERANCES = {"torch.float16": 2e-3, "torch.float32": 3e-6, "torch.complex64": 3e-6}


def cases(area: str) -> dict[str, Callable]:
    """Return the cases of an area by name."""
    return importlib.import_module(f"tests.torch.cases.{area}").CASES


@functools.cache
def expected(area: str) -> dict[str, Any]:
    """Return what PyTorch gave."""
    return json.loads((DATA / f"{area}.json").read_text())


def outcome(case: Callable, torch: Any) -> Any:
    """Run a case; return a description of what it gives, or of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return described(case(torch), torch)
        except Exception as error:
            return {"error": type(error).__name__, "text": str(error).partition("\n")[0]}


def described(x: Any, torch: Any) -> Any:
    """Return a value in terms of JSON: of tensors the elements, the dtype and the history."""
    if isinstance(x, torch.Tensor):
        dtype = str(x.dtype)
        elements = torch.view_as_real(x.detach() + 0) if x.is_complex() else x.detach()
        out = {"dtype": dtype, "shape": list(x.shape), "elements": elements.reshape(-1).tolist()}
        if x.grad_fn is not None:
            out["grad_fn"] = x.grad_fn.name()
        elif x.requires_grad:
            out["leaf"] = True
        return out
    if isinstance(x, (str, bool, int, float)) or x is None:
        return x
    if isinstance(x, complex):
        return [x.real, x.imag]
    if isinstance(x, dict):
        return {str(k): described(v, torch) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [described(v, torch) for v in x]
    return str(x)


def assert_same(got: Any, want: Any, path: str = "result", tolerance: float = 1e-9) -> None:
    """Compare two descriptions; numbers to the precision of their dtype."""
    if isinstance(want, dict):
        assert isinstance(got, dict), f"{path}: {got} instead of {want}"
        assert sorted(got) == sorted(want), f"{path}: {got} instead of {want}"
        tolerance = TOLERANCES.get(want.get("dtype"), tolerance) if "elements" in want else tolerance
        for key, value in want.items():
            assert_same(got[key], value, f"{path}.{key}", tolerance)
    elif isinstance(want, list):
        assert isinstance(got, list) and len(got) == len(want), f"{path}: {got} instead of {want}"
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert_same(a, b, f"{path}[{i}]", tolerance)
    elif isinstance(want, float) and isinstance(got, float):
        same = math.isclose(got, want, rel_tol=tolerance, abs_tol=tolerance) or (got != got and want != want)
        assert same, f"{path}: {got!r} instead of {want!r}"
    else:
        assert type(got) is type(want) and got == want, f"{path}: {got!r} instead of {want!r}"


def check(area: str, name: str, tolerance: float = 1e-9) -> None:
    """Run a case with funcgrad.torch, and compare with what PyTorch gave."""
    torch = importlib.import_module("funcgrad.torch")
    assert_same(outcome(cases(area)[name], torch), expected(area)[name], tolerance=tolerance)


def weights(torch: Any, x: Any) -> Any:
    """Return cotangents for a result: numbers that differ from each other."""
    numbers = [math.cos(1.0 + 0.7 * i) for i in range(x.numel())]
    return torch.tensor(numbers, dtype=torch.float64).reshape(x.shape).to(x.dtype)


def with_gradients(torch: Any, out: Any, leaves: dict[str, Any]) -> Any:
    """Return a result together with the gradients it gives the leaves."""
    outs = [x for x in (out if isinstance(out, (list, tuple)) else [out]) if isinstance(x, torch.Tensor)]
    roots = [x for x in outs if x.requires_grad]
    if not roots:
        return out
    torch.autograd.backward(roots, [weights(torch, x) for x in roots])
    return {"out": out, "grads": {name: x.grad for name, x in leaves.items()}}


def expression(code: str, inputs: Callable) -> Callable:
    """Return the case of an expression in `torch`, `F` and named tensors; those that require gradients get them."""

    def case(torch):
        tensors = inputs(torch)
        out = eval(
            code, {"torch": torch, "F": torch.nn.functional, "inf": math.inf, "nan": math.nan}, tensors
        )
        leaves = {
            name: x
            for name, x in tensors.items()
            if isinstance(x, torch.Tensor) and x.requires_grad and re.search(rf"\b{name}\b", code)
        }
        return with_gradients(torch, out, leaves)

    return case


def program(source: str) -> Callable:
    """Return the case of a short program; its result is what it binds to `out`."""

    def case(torch):
        names = {"torch": torch, "F": torch.nn.functional, "nn": torch.nn}
        exec(source, names)
        return names["out"]

    return case
