"""Record how PyTorch prints tensors: run with PyTorch installed, writes printed.json beside this file.

Each case is [code, text]: `code` is an expression over `torch`, or statements that end in one,
separated by `; `. The default dtype and the print options are as at the start before each case.
"""

import json
from pathlib import Path

import torch

CASES = """
torch.tensor(1.0)
torch.tensor(1.5)
torch.tensor(-0.0)
torch.tensor(1e-10)
torch.tensor(12345678.0)
torch.tensor(123456789.0)
torch.tensor(1234567.5)
torch.tensor(3)
torch.tensor(True)
torch.tensor(float("nan"))
torch.tensor(float("-inf"))
torch.tensor(1 + 2j)
torch.tensor(1.5 - 2.25j)
torch.tensor(2.0, dtype=torch.float64)
torch.tensor(2, dtype=torch.int32)
torch.tensor(2.0, requires_grad=True)
torch.tensor(2.0, dtype=torch.float64, requires_grad=True) * 2
torch.tensor([1.0, 2.0, 3.0])
torch.tensor([1.0, -2.0, 3.0])
torch.tensor([1.0, 2.5, 3.0])
torch.tensor([0.1, 0.01, 0.001])
torch.tensor([0.1, 0.01, 0.0001])
torch.tensor([0.1, 0.01, 0.00001])
torch.tensor([1.0, 1000.0])
torch.tensor([1.0, 1001.0])
torch.tensor([1.0, 10000.0])
torch.tensor([1.5, 1500.0])
torch.tensor([1.5, 1501.0])
torch.tensor([100000000.0])
torch.tensor([200000000.0])
torch.tensor([0.00009])
torch.tensor([0.0001])
torch.tensor([0.00011])
torch.tensor([1e-5, 2e-5])
torch.tensor([1e-5, 1.0])
torch.tensor([1e30, 1e-30])
torch.tensor([1e300, 1e-300], dtype=torch.float64)
torch.tensor([1e100], dtype=torch.float64)
torch.tensor([-1e-6, 1e6, 0.0])
torch.tensor([0.0, 0.0])
torch.tensor([0.0, -0.0, 1.0])
torch.tensor([float("nan"), 1.0])
torch.tensor([float("nan"), 1.5])
torch.tensor([float("inf"), 1.0])
torch.tensor([float("-inf"), 1.0])
torch.tensor([float("-inf"), 1.5])
torch.tensor([float("inf"), float("nan"), 0.0])
torch.tensor([float("inf"), float("-inf"), 1e-7])
torch.tensor([float("nan")])
torch.tensor([1, 2, 3])
torch.tensor([1, -20, 300])
torch.tensor([-1])
torch.tensor([2**62, 1])
torch.tensor([1, 200], dtype=torch.uint8)
torch.tensor([1, -100], dtype=torch.int8)
torch.tensor([1, -100], dtype=torch.int16)
torch.tensor([[1, -100], [20, 3]], dtype=torch.int32)
torch.tensor([True, False])
torch.tensor([[True, False], [True, True]])
torch.tensor([1.0, 2.0], dtype=torch.float16)
torch.tensor([0.1, 2.3], dtype=torch.float16)
torch.tensor([0.1, 60000.0], dtype=torch.float16)
torch.tensor([0.1, 2.3], dtype=torch.float64)
torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)
torch.tensor([1 + 1j, 2 - 2j])
torch.tensor([1.5 + 1j, 2 - 2.25j])
torch.tensor([1 + 1j, 2e5 - 2e-5j])
torch.tensor([0j, 1j])
torch.tensor([[1 + 1j, 2 - 2j], [3.5 + 0j, 1j]])
torch.tensor([1 + 1j], dtype=torch.complex128)
torch.tensor([complex(float("nan"), 1), complex(1, float("-inf"))])
torch.tensor([1 + 1j, 2 - 2j], requires_grad=True)
torch.arange(12).reshape(3, 4) * (0.5 + 1j)
torch.tensor([])
torch.tensor([], dtype=torch.int64)
torch.tensor([], dtype=torch.float64)
torch.tensor([], dtype=torch.bool)
torch.tensor([], requires_grad=True)
torch.zeros(0, 3)
torch.zeros(3, 0)
torch.zeros(2, 0, 3, dtype=torch.int32)
torch.zeros(2, 0, dtype=torch.complex64)
torch.zeros(2, 0, requires_grad=True) * 1
torch.tensor([[]])
torch.tensor([[1.0, 2.0], [3.0, 4.0]])
torch.tensor([[1.0, 2.5], [-3.0, 4.0]])
torch.tensor([[1.0, 20000.0], [3.0, 4.0]])
torch.arange(24).reshape(2, 3, 4)
torch.arange(24.0).reshape(2, 3, 4)
torch.arange(24.0).reshape(2, 3, 4) / 7
torch.arange(16).reshape(2, 2, 2, 2)
torch.arange(16).reshape(1, 2, 2, 2, 2)
torch.ones(1, 1, 1, 1)
torch.arange(10)
torch.arange(30)
torch.arange(30.0)
torch.arange(30.0) / 7
torch.arange(30.0) * 1000
torch.arange(100)
torch.arange(100.0).reshape(4, 25)
torch.arange(100.0).reshape(4, 25) / 3
torch.arange(1000)
torch.arange(1001)
torch.arange(1001.0)
torch.arange(1001.0) / 10
torch.arange(5000.0).reshape(5, 1000)
torch.arange(5000.0).reshape(1000, 5)
torch.arange(5000).reshape(50, 10, 10)
torch.arange(5040).reshape(6, 7, 120)
torch.arange(4096).reshape(8, 8, 8, 8)
torch.arange(4096.0).reshape(2, 2, 1024) / 3
torch.zeros(2000)
torch.ones(40, 40, dtype=torch.float64)
torch.ones(40, 40, requires_grad=True)
torch.arange(2000) % 2 == 0
torch.arange(2000) * (1 + 1j)
torch.ones(7, 200, dtype=torch.int32)
torch.tensor([1.0, 2.0], requires_grad=True)
torch.tensor([1.0, 2.0], requires_grad=True) * 2
torch.tensor([1.0, 2.0], requires_grad=True).sum()
torch.tensor([1.0, 2.0], requires_grad=True).exp()
torch.tensor([1.0, 2.0], requires_grad=True).detach()
torch.tensor([1.0, 2.0], requires_grad=True)[0]
torch.tensor([[1.0, 2.0]], requires_grad=True).t()
torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True) + 1
torch.arange(8.0, requires_grad=True) + 0.12345
torch.arange(7.0, requires_grad=True) + 0.12345
torch.arange(6.0, requires_grad=True) + 0.12345
torch.arange(5.0, requires_grad=True) + 0.12345
torch.arange(4.0, requires_grad=True) + 0.12345
torch.arange(6.0, dtype=torch.float64, requires_grad=True) + 0.12345
torch.arange(5.0, dtype=torch.float64, requires_grad=True) + 0.12345
torch.arange(4.0, dtype=torch.float64, requires_grad=True) + 0.12345
torch.arange(3.0, dtype=torch.float64, requires_grad=True) + 0.12345
torch.arange(9, dtype=torch.int32) * 100000
torch.arange(10.0, dtype=torch.float64)
torch.arange(12.0, dtype=torch.float64)
torch.arange(13.0, dtype=torch.float64)
torch.arange(14.0, dtype=torch.float64)
torch.arange(15.0, dtype=torch.float64)
torch.arange(16.0, dtype=torch.float64)
torch.arange(20.0, dtype=torch.float64, requires_grad=True).reshape(2, 10) * 1.1
torch.nn.Parameter(torch.tensor([1.0, 2.0]))
torch.nn.Parameter(torch.tensor([[1.0, 2.5]]), requires_grad=False)
torch.nn.Parameter(torch.tensor(3.0))
[torch.tensor(1.0), torch.tensor([2])]
torch.set_default_dtype(torch.float64); torch.tensor([1.0, 2.0])
torch.set_default_dtype(torch.float64); torch.tensor([1.0, 2.0], dtype=torch.float32)
torch.set_default_dtype(torch.float64); torch.tensor([1 + 2j])
torch.set_default_dtype(torch.float64); torch.tensor([1 + 2j], dtype=torch.complex64)
torch.set_default_dtype(torch.float64); torch.tensor([1 / 3], requires_grad=True)
torch.set_printoptions(precision=2); torch.tensor([1.23456, 2.0])
torch.set_printoptions(precision=8); torch.tensor([1 / 3], dtype=torch.float64)
torch.set_printoptions(precision=2); torch.tensor([1.23456e-6, 2.0])
torch.set_printoptions(precision=0); torch.tensor([1.5, 2.0])
torch.set_printoptions(threshold=5); torch.arange(10)
torch.set_printoptions(threshold=5, edgeitems=1); torch.arange(36.0).reshape(6, 6) / 2
torch.set_printoptions(threshold=5, edgeitems=5); torch.arange(20)
torch.set_printoptions(linewidth=40); torch.arange(30.0)
torch.set_printoptions(linewidth=40); torch.arange(4.0, requires_grad=True) * 2.5
torch.set_printoptions(linewidth=5); torch.arange(4.0)
torch.set_printoptions(linewidth=200); torch.arange(60.0)
torch.set_printoptions(profile="short"); torch.arange(2000.0) / 3
torch.set_printoptions(profile="short"); torch.tensor([1.23456])
torch.set_printoptions(profile="full"); torch.arange(1200)
torch.set_printoptions(profile="short", precision=5); torch.tensor([1.2345678])
torch.set_printoptions(precision=2); torch.set_printoptions(profile="default"); torch.tensor([1.23456])
torch.set_printoptions(sci_mode=True); torch.tensor([1.0, 2.0])
torch.set_printoptions(sci_mode=True); torch.tensor([1.5, 20.25])
torch.set_printoptions(sci_mode=True); torch.tensor([1.5 + 1j])
torch.set_printoptions(sci_mode=True); torch.tensor([1, 2])
torch.set_printoptions(sci_mode=False); torch.tensor([1e-6, 1.0])
torch.set_printoptions(sci_mode=False); torch.tensor([1e6, 1.0])
torch.set_printoptions(sci_mode=False); torch.tensor([1e6, 1.5])
torch.set_printoptions(sci_mode=False); torch.tensor([123456789.0])
torch.set_printoptions(sci_mode=True); torch.set_printoptions(precision=3); torch.tensor([1.5])
torch.set_printoptions(edgeitems=0); torch.ones(2)
torch.set_printoptions(edgeitems=0, threshold=3); torch.ones(4, requires_grad=True) * 2
torch.set_printoptions(edgeitems=0, threshold=3); torch.ones(4, 4)
torch.set_printoptions(sci_mode=True); torch.tensor([0.0, -0.0])
torch.set_printoptions(sci_mode=True); torch.tensor([2.5j])
str(torch.tensor([1.5]))
f"{torch.tensor(1.5)}"
f"{torch.tensor(1.23456):.3f}"
f"{torch.tensor(7):5d}|"
f"{torch.tensor([1.5, 2.0])}"
f"{torch.tensor(1.5, requires_grad=True):.1f}"
f"{torch.tensor(0.1)}"
f"{torch.tensor(1 + 2j):.2f}"
f"{torch.nn.Parameter(torch.tensor(3.0))}"
torch.tensor([1e-8, 1.0], dtype=torch.float16)
torch.tensor([1.0, 1e10])
torch.tensor([[1.0, float("nan")], [float("inf"), 2.0]])
torch.tensor([[0.5, float("nan")], [float("inf"), -2.0]])
torch.tensor([99999.0, 12345.0])
torch.tensor([99999.5, 12345.0])
torch.tensor([0.99999, 9.99999])
torch.tensor([1.0, 2.0]).reshape(2, 1, 1)
torch.ones(3, 1)
torch.eye(3)
torch.eye(3) * 1e-5
torch.linspace(0, 1, 11)
torch.linspace(-1, 1, 50)
torch.linspace(0, 1, 3).unsqueeze(0).expand(4, 3)
torch.tensor([1.0, 2.0, 3.0]).flip(0)
torch.tensor([1.0]).numpy().tolist()
""".strip().splitlines()


def text_of(code: str) -> str:
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")
    *statements, expression = code.split("; ")
    for statement in statements:
        exec(statement)
    return str(eval(expression))


if __name__ == "__main__":
    table = [[code, text_of(code)] for code in CASES]
    Path(__file__).with_name("printed.json").write_text(json.dumps(table, indent=1) + "\n")
    print(len(table), "cases, PyTorch", torch.__version__)
