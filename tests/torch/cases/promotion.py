"""Dtypes of results: tensors with and without axes, and Python numbers, in pairs."""

from tests.torch.recorded import expression

OPERANDS = {
    "f64": "[1.5, 2.5], dtype=torch.float64",
    "f32": "[1.5, 2.5], dtype=torch.float32",
    "f16": "[1.5, 2.5], dtype=torch.float16",
    "i64": "[1, 2], dtype=torch.int64",
    "i32": "[1, 2], dtype=torch.int32",
    "i16": "[1, 2], dtype=torch.int16",
    "i8": "[1, 2], dtype=torch.int8",
    "u8": "[1, 2], dtype=torch.uint8",
    "b": "[True, False]",
    "c64": "[1.5, 2.5], dtype=torch.complex64",
    "s64": "2.5, dtype=torch.float64",
    "s32": "2.5, dtype=torch.float32",
    "si": "2",
    "sb": "True",
}
NUMBERS = {"one": 1, "half": 0.5, "yes": True, "j": 1j}


def inputs(torch):
    made = {name: eval(f"torch.tensor({code})", {"torch": torch}) for name, code in OPERANDS.items()}
    return {**made, **NUMBERS}


CASES = {
    code: expression(code, inputs)
    for a in OPERANDS
    for b in [*OPERANDS, *NUMBERS]
    if (a, b) != ("f16", "j")  # complex32 is not there
    for code in (f"{a} + {b}", f"{a} / {b}", f"torch.result_type({a}, {b})")
}
for _name in ("exp", "abs", "sigmoid", "ceil", "sum", "square", "sign", "cumsum", "round", "neg"):
    for _a in OPERANDS:
        _code = f"torch.{_name}({_a}{', 0' if _name == 'cumsum' else ''})"
        if (_name, _a) not in {("ceil", "c64")}:
            CASES[_code] = expression(_code, inputs)
for _a in ("f32", "i64", "u8"):
    for _b in NUMBERS:
        for _op in ("*", "-", "//", "%", "**", "==", "<"):
            CASES[f"{_a} {_op} {_b}"] = expression(f"{_a} {_op} {_b}", inputs)
            CASES[f"{_b} {_op} {_a}"] = expression(f"{_b} {_op} {_a}", inputs)
