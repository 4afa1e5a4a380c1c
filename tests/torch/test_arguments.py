"""No function drops an argument it takes: what is asked is done, or refused."""

import ast
import inspect
import types
from pathlib import Path

import pytest

import funcgrad.torch as torch

PACKAGE = Path(torch.__file__).parent
NOTHING_TO_CHOOSE = {
    "stable": "sorting keeps the order of equals always",
    "sorted": "the results are in order always",
    "non_blocking": "a copy is there when copy_ returns",
    "masked": "there are no sparse tensors",
    "nondet_tol": "a gradient is the same each time",
    "check_undefined_grad": "there are no undefined gradients",
    "check_grad_dtypes": "a gradient has its tensor's dtype",
    "fast_mode": "each element is checked",
    "gen_non_contig_grad_outputs": "the numbers are the same",
    "vectorize": "tells how; the numbers are the same",
    "strategy": "tells how; the numbers are the same",
    "outer_jacobian_strategy": "tells how; the numbers are the same",
}
COMPILING = {name: "tunes PyTorch's compiler" for name in ("fullgraph", "dynamic", "mode", "options", "name")}
DROPPED = {
    "torch/bridge.py compile": COMPILING,
    "torch/random.py fork_rng": {"devices": "those of CUDA, and there is none"},
    "torch/operations/conversion.py cuda": {"device": "which of them, and there is none"},
    "torch/nn/module.py forward": {"input": "each module writes its own"},
    "torch/nn/modules/linear.py __init__": {
        "args": "Identity takes anything",
        "kwargs": "Identity takes anything",
    },
    "torch/autograd/traced.py passed": {"xs": "its rule reads them", "others": "its rule reads them"},
    "torch/modes.py __init__": {"function": "decorated in __new__"},
    "torch/formatting.py __init__": {"options": "one kind of text has no options"},
}
PROTOCOLS = (
    "__exit__",
    "_reduce",
    "pull_tensors",
    "as_arguments",
    "in_columns",
    "in_order",
    "node_class_of",
    "lambda",
    "seen",
)  # called with more than each needs


def functions():
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name not in PROTOCOLS:
                yield path.relative_to(PACKAGE.parent).as_posix(), node


def is_left_to_others(function):
    """Whether the body is text, `...`, or the raising of an error alone."""
    return all(
        isinstance(s, (ast.Raise, ast.Expr, ast.Pass)) and not isinstance(getattr(s, "value", None), ast.Call)
        for s in function.body
    )


def test_each_argument_is_read():
    for path, function in functions():
        if is_left_to_others(function):
            continue
        a = function.args
        names = {x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if x is not None}
        read = {n.id for s in function.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        known = {**NOTHING_TO_CHOOSE, **DROPPED.get(f"{path} {function.name}", {})}
        dropped = names - read - {"self", "cls"} - set(known)
        assert not dropped, f"{path}:{function.lineno} {function.name} takes {sorted(dropped)}, and drops it"


def callables():
    """The public functions, classes and methods of the package, by name."""
    seen = set()

    def walk(space, name):
        for key, value in sorted(vars(space).items()):
            value = getattr(value, "__func__", value)
            if key.startswith("_") or id(value) in seen:
                continue
            if isinstance(value, types.ModuleType):
                if value.__name__.startswith("funcgrad.torch"):
                    seen.add(id(value))
                    yield from walk(value, f"{name}.{key}")
            elif callable(value) and getattr(value, "__module__", "").startswith("funcgrad.torch"):
                seen.add(id(value))
                yield f"{name}.{key}", value
                if isinstance(value, type):
                    yield from walk(value, f"{name}.{key}")

    return dict(walk(torch, "torch"))


CALLABLES = callables()
# Their keywords are those of what they are given, or of what overrides them.
OPEN = {
    "applied",
    "Function",
    "Function.forward",
    "Identity",
    "Module.to",
    "BackwardHookFunction",
    "in_place",
    "operators",
    "operation",
}


def test_there_are_many_callables():
    assert len(CALLABLES) > 700


@pytest.mark.parametrize("name", CALLABLES)
def test_unknown_keywords_are_refused(name):
    function = CALLABLES[name]
    if any(name.endswith(f".{end}") for end in OPEN) or function is torch.linalg.LinAlgError:
        return
    parameters = inspect.signature(function).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        return  # Python refuses them
    needed = [torch.ones(2) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    needed += [torch.ones(2)] * len(getattr(function, "signature", inspect.Signature()).parameters)
    with pytest.raises(TypeError, match="not_a_keyword"):
        function(*needed, not_a_keyword=1)


@pytest.mark.parametrize("device", ["meta", "cuda"])
def test_each_layer_asks_for_its_device(device):
    layers = {
        "Linear": (2, 2), "Bilinear": (2, 2, 2), "Embedding": (2, 2), "Conv1d": (1, 1, 1), "Conv2d": (1, 1, 1),
        "ConvTranspose1d": (1, 1, 1), "ConvTranspose2d": (1, 1, 1), "BatchNorm1d": (2,), "BatchNorm2d": (2,),
        "BatchNorm3d": (2,), "LayerNorm": (2,), "RMSNorm": (2,), "GroupNorm": (1, 2), "PReLU": (),
    }  # fmt: skip
    for name, args in layers.items():
        assert getattr(torch.nn, name)(*args, device="cpu").state_dict()
        with pytest.raises((NotImplementedError, AssertionError), match=r"device|CUDA"):
            getattr(torch.nn, name)(*args, device=device)
    with pytest.raises((NotImplementedError, AssertionError), match=r"device|CUDA"):
        torch.Tensor(2, device=device)
