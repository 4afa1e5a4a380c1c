"""Record random numbers of PyTorch's: run with PyTorch installed, writes random.json beside this file.

Each case is [code, sums, some]: `code` is expressions over `torch` separated by `; `, run one after
another from seed 7; `some` holds at most 24 evenly spaced elements of each tensor they give, and
`sums` the sum of all its elements. Errors are recorded as [code, type, first line of the text].
"""

import json
from pathlib import Path

import torch

SIZES = [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 5000]
CASES = [
    f"torch.{name}({n}{dtype}); torch.rand(2)"
    for name in ("rand", "randn")
    for dtype in ("", ", dtype=torch.float64", ", dtype=torch.float16", ", dtype=torch.complex64")
    for n in SIZES
] + [f"torch.randperm({n}); torch.rand(2)" for n in SIZES]
CASES += """
torch.randn(1); torch.rand(1); torch.randn(1); torch.randn(1); torch.randn(20); torch.randn(3); torch.randn(2)
torch.randn(3); torch.randn(3, dtype=torch.float64); torch.randn(3, dtype=torch.complex128)
torch.randn(3); torch.manual_seed(7).initial_seed(); torch.randn(3)
torch.randn(31, 33); torch.empty(1000).normal_(3.3, 0.02); torch.randn(50, dtype=torch.complex64); torch.randn(2)
torch.nn.Linear(40, 50).weight.detach(); torch.nn.Embedding(40, 50).weight.detach(); torch.nn.init.xavier_normal_(torch.empty(30, 40)); torch.rand(1)
torch.nn.Embedding.from_pretrained(torch.ones(3, 2)).weight; torch.rand(3)
torch.nn.init.trunc_normal_(torch.empty(30, 40)); torch.rand(1)
torch.nn.init.trunc_normal_(torch.empty(30, 40), std=0.02); torch.rand(1)
torch.nn.init.trunc_normal_(torch.empty(5, 3), 0.5, 2.0, -1.0, 1.5); torch.rand(1)
torch.nn.init.trunc_normal_(torch.empty(30, 40), 0.0, 1.0, 1.0, 2.0); torch.rand(1)
torch.nn.init.trunc_normal_(torch.empty(7, dtype=torch.float64), 0.0, 5.0, -0.5, 0.5); torch.rand(1)
torch.nn.init.trunc_normal_(torch.empty(4, 6).t(), 3.0, 1.0); torch.rand(1)
torch.randn_like(torch.ones(4, 5).t()); torch.rand_like(torch.ones(2, 3, 4).permute(2, 0, 1)); torch.rand(1)
torch.randn(3, 4, 5); torch.randn((2, 3)); torch.randn([7]); torch.randn(torch.Size([2, 2])); torch.randn(())
torch.rand(3, 4, 5); torch.rand((2, 3)); torch.rand([7]); torch.rand(()); torch.rand(size=(2,))
torch.randint(10, (5,)); torch.randint(3, 9, (2, 3)); torch.randint(-5, 5, (4,), dtype=torch.int8); torch.rand(1)
torch.randint(0, 2**28 - 1, (5,)); torch.randint(0, 2**28, (5,)); torch.randint(0, 2**31, (5,)); torch.rand(1)
torch.randint(-(2**40), 2**40, (5,)); torch.randint(-(2**63), 2**63 - 1, (5,)); torch.randint(0, 2**63 - 1, (5,))
torch.randint(0, 10, (5,), dtype=torch.float32); torch.randint(0, 2, (9,), dtype=torch.bool); torch.rand(1)
torch.randint(low=2, high=5, size=(3,)); torch.randint(high=5, size=(3,))
torch.rand_like(torch.ones(3)); torch.randn_like(torch.ones(2, 3, dtype=torch.float64)); torch.rand_like(torch.ones(2, dtype=torch.int64), dtype=torch.float64)
torch.randint_like(torch.ones(3), 5); torch.randint_like(torch.ones(3, dtype=torch.float64), 2, 5)
torch.randperm(10, dtype=torch.int32); torch.randperm(5, dtype=torch.float32); torch.randperm(200, dtype=torch.uint8)
torch.empty(5).uniform_(); torch.empty(5).uniform_(-1, 2); torch.empty(5).uniform_(3, 3); torch.empty(20).uniform_(-0.3, 0.7)
torch.empty(5, dtype=torch.float64).uniform_(-1, 2); torch.empty(3000, dtype=torch.float16).uniform_(-1, 2)
torch.empty(4, 5).t().uniform_(); torch.empty(4, 6)[:, ::2].uniform_(); torch.empty(2, 3, 4).permute(2, 0, 1).uniform_()
torch.empty(5).normal_(); torch.empty(20).normal_(3, 2); torch.empty(4, 5).t().normal_(); torch.empty(40)[::2].normal_()
torch.empty(4, 5).normal_(std=0.02); torch.empty(3, dtype=torch.complex64).normal_()
torch.empty(5).random_(); torch.empty(5, dtype=torch.float64).random_(); torch.empty(5, dtype=torch.float16).random_()
torch.empty(5, dtype=torch.int64).random_(); torch.empty(5, dtype=torch.int32).random_(); torch.empty(5, dtype=torch.uint8).random_()
torch.empty(5, dtype=torch.int16).random_(); torch.empty(5, dtype=torch.int8).random_(); torch.empty(5, dtype=torch.bool).random_()
torch.empty(5).random_(10); torch.empty(5, dtype=torch.int64).random_(-3, 10); torch.empty(5, dtype=torch.int64).random_(-(2**63), None)
torch.empty(9).bernoulli_(); torch.empty(9).bernoulli_(0.3); torch.empty(9, dtype=torch.int64).bernoulli_(0.7); torch.rand(1)
torch.empty(9).bernoulli_(torch.full((9,), 0.3)); torch.empty(3, 4).bernoulli_(torch.tensor([0.1, 0.9, 0.5, 0.5], dtype=torch.float64)); torch.rand(1)
torch.bernoulli(torch.full((20,), 0.4)); torch.bernoulli(torch.full((20,), 0.4, dtype=torch.float64)); torch.bernoulli(torch.zeros(9), 0.5); torch.rand(1)
torch.empty(5).exponential_(); torch.empty(5, dtype=torch.float64).exponential_(2.5); torch.empty(40).exponential_(); torch.rand(1)
torch.normal(0.0, 1.0, (3,)); torch.normal(2, 3, (20,)); torch.normal(torch.arange(3.0), 2.0); torch.normal(torch.arange(20.0)); torch.rand(1)
torch.normal(1.0, torch.arange(1.0, 4)); torch.normal(torch.zeros(3, 1), torch.ones(2)); torch.normal(torch.zeros(20), torch.arange(20.0)); torch.rand(1)
torch.multinomial(torch.arange(1.0, 11), 8); torch.multinomial(torch.arange(1.0, 11), 20, True); torch.multinomial(torch.arange(10.0), 1, True); torch.rand(1)
torch.multinomial(torch.ones(3, 4), 2); torch.multinomial(torch.ones(3, 4, dtype=torch.float64), 5, replacement=True); torch.multinomial(torch.tensor([1.0, 0.0]), 2)
torch.poisson(torch.full((50,), 0.5)); torch.poisson(torch.full((50,), 8.0, dtype=torch.float64)); torch.rand(1)
torch.poisson(torch.full((500,), 10.0)); torch.poisson(torch.full((500,), 1234.5)); torch.poisson(torch.zeros(3)); torch.rand(1)
torch.manual_seed(-1).initial_seed(); torch.rand(2); torch.manual_seed(2**40 + 3).initial_seed(); torch.rand(2); torch.manual_seed(1.7).initial_seed(); torch.rand(2)
torch.Generator().initial_seed(); torch.rand(2, generator=torch.Generator()); torch.rand(2); torch.rand(2, generator=torch.Generator().manual_seed(7))
torch.get_rng_state(); torch.randn(3); torch.get_rng_state(); torch.rand(620); torch.get_rng_state()
torch.empty(3).uniform_(2, 1)
torch.empty(3, dtype=torch.int64).uniform_()
torch.rand(2, dtype=torch.bool)
torch.rand(-1)
torch.randn(2, dtype=torch.int64)
torch.empty(3).normal_(0, -1)
torch.empty(3).exponential_(0)
torch.empty(3, dtype=torch.int64).exponential_()
torch.empty(3).bernoulli_(1.5)
torch.bernoulli(torch.tensor([1]))
torch.bernoulli(torch.tensor([1.5]))
torch.randint(5, 5, (2,))
torch.randint(0, 300, (2,), dtype=torch.uint8)
torch.randint(-1, 3, (2,), dtype=torch.uint8)
torch.randint(0, 3, (2,), dtype=torch.bool)
torch.randint(0, 10, (2,), requires_grad=True)
torch.randint(10)
torch.randint(0, 10)
torch.randint(0.5, 10, (2,))
torch.empty(2).random_(0)
torch.empty(2).random_(2.5)
torch.randperm(-1)
torch.randperm(300, dtype=torch.uint8)
torch.multinomial(torch.tensor([1.0, -1]), 1)
torch.multinomial(torch.tensor([0.0, 0]), 1)
torch.multinomial(torch.tensor([1.0, 0]), 3)
torch.multinomial(torch.tensor([1.0, 0]), 0)
torch.multinomial(torch.tensor([1, 1]), 1)
torch.multinomial(torch.ones(2, 2, 2), 1)
torch.multinomial(torch.tensor([1.0, float("nan")]), 1, True)
torch.poisson(torch.tensor([-1.0]))
torch.poisson(torch.tensor([1]))
torch.normal(torch.zeros(3), torch.ones(2))
torch.normal(torch.zeros(3), -1)
torch.normal(torch.zeros(3), torch.tensor([1.0, -1, 1]))
torch.normal(0.0, 1.0)
torch.normal(torch.zeros(2, dtype=torch.int64), 1.0)
torch.ones(3, requires_grad=True).uniform_()
torch.manual_seed(2**64)
torch.set_rng_state(torch.zeros(3, dtype=torch.uint8))
torch.set_rng_state(torch.zeros(5056))
""".strip().splitlines()


def numbers_of(value) -> list[float]:
    """Return the numbers of a tensor or a number as floats; complex ones as two."""
    if not isinstance(value, torch.Tensor):
        return [value]
    flat = value.reshape(-1).tolist()
    return [part for z in flat for part in (z.real, z.imag)] if value.is_complex() else [x + 0 for x in flat]


def recorded(code: str) -> list:
    torch.manual_seed(7)
    try:
        values = [numbers_of(eval(expression)) for expression in code.split("; ")]
    except Exception as error:
        return [code, type(error).__name__, str(error).split("\n")[0]]
    return [code, [sum(v) for v in values], [v[:: max(1, len(v) // 24)] for v in values]]


if __name__ == "__main__":
    table = [recorded(code) for code in CASES]
    lines = ",\n".join(json.dumps(row) for row in table)
    Path(__file__).with_name("random.json").write_text(f"[\n{lines}\n]\n")
    print(len(table), "cases, PyTorch", torch.__version__)
