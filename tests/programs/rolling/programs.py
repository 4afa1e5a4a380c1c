"""Random programs of Python loops, as people write them: nested, with writes, lags, literals, branches and ends of their own."""

from collections.abc import Callable

import numpy as np

import funcgrad as fg

__all__ = ["random_program"]

_UNARY = [
    "np.sin({a})",
    "np.tanh({a})",
    "({a}) * 0.5",
    "np.exp(-({a}) ** 2)",
    "({a}) + 0.1",
    "np.sqrt(1 + ({a}) ** 2)",
]
_BINARY = ["({a}) + ({b})", "({a}) * ({b}) * 0.3", "({a}) - 0.5 * ({b})", "np.maximum({a}, {b})", "np.where({a} > {b}, {a}, {b})"]  # fmt: skip


class _Writer:
    """Writes one program: `x` has n numbers, `W` is a list of rows, `data` plain numbers."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.lines: list[str] = []
        self.count = 0

    def program(self) -> str:
        rng = self.rng
        self.line(0, "n = len(x)")
        self.line(0, "s, v, p = x[0], x * 0.5, x[1]")
        self.line(0, "y = fg.numpy.zeros(n)" if rng.random() < 0.5 else "y = np.zeros_like(x)")
        self.line(0, "total, out = 0.0, []")
        for _ in range(rng.integers(1, 3)):
            self.loop(0, "t", int(rng.integers(17, 40)), depth=int(rng.integers(0, 2)))
        self.line(0, "return s, v, y, p, total, out[-1] if out else s, sum(out[::3], s)")
        return "def program(x, W):\n" + "\n".join(self.lines)

    def line(self, indent: int, text: str) -> None:
        self.lines.append("    " * (indent + 1) + text)

    def loop(self, indent: int, name: str, turns: int, depth: int) -> None:
        rng = self.rng
        span = [f"range({turns})", f"range(1, {turns + 1})", f"range({turns - 1}, -1, -1)"][rng.integers(3)]
        self.line(indent, f"for {name} in {span}:")
        for _ in range(rng.integers(2, 5)):
            self.statement(indent + 1, name)
        if depth:
            self.loop(indent + 1, "j", int(rng.integers(3, 20)), 0)
        if rng.random() < 0.4:
            self.line(indent + 1, f"if {name} > 2:")
            self.statement(indent + 2, name)
        if rng.random() < 0.3:
            self.line(indent + 1, f"if {name} % 2 == 0:")
            self.statement(indent + 2, name)

    def statement(self, indent: int, name: str) -> None:
        rng = self.rng
        kind = rng.integers(9)
        if kind == 0:
            self.line(indent, f"s = {self.scalar(name)}")
        elif kind == 1:
            self.line(indent, f"v = {self.vector(name)}")
        elif kind == 2:
            self.line(indent, f"y[{name} % n] = {self.scalar(name)}")
        elif kind == 3:
            self.line(indent, f"y[{name} % n] += {self.scalar(name)}")
        elif kind == 4:
            self.line(indent, f"total = total + ({self.scalar(name)}) ** 2")
        elif kind == 5:
            self.line(indent, f"s, p = {self.scalar(name)}, s")
        elif kind == 6:
            self.line(indent, f"out.append({self.scalar(name)})")
        elif kind == 7:
            self.line(indent, f"v = np.concatenate([v[1:], v[:1] * {rng.integers(1, 9)}e-1])")
        else:
            self.line(indent, f"v = np.tanh(W[{name} % len(W)] * v + s)")

    def scalar(self, name: str, depth: int = 2) -> str:
        rng = self.rng
        leaves = ["s", "p", f"x[{name} % n]", f"x[-1 - {name} % n]", f"0.1 * {name}", f"data[{name}]", "np.sum(v)", "v[0]",
                  f"y[{name} % n]", f"y[({name} + 1) % n]", f"x[{name} % (n - 2):{name} % (n - 2) + 3].sum()"]  # fmt: skip
        if depth == 0 or rng.random() < 0.3:
            return leaves[rng.integers(len(leaves))]
        if rng.random() < 0.4:
            return _UNARY[rng.integers(len(_UNARY))].format(a=self.scalar(name, depth - 1))
        return _BINARY[rng.integers(len(_BINARY))].format(
            a=self.scalar(name, depth - 1), b=self.scalar(name, depth - 1)
        )

    def vector(self, name: str) -> str:
        rng = self.rng
        leaves = [
            "v",
            "x",
            "np.roll(v, 1)",
            "v[::-1]",
            f"W[{name} % len(W)]",
            "y * 1.0",
            f"v * {self.scalar(name, 1)}",
        ]
        a, b = (leaves[rng.integers(len(leaves))] for _ in range(2))
        text = _BINARY[rng.integers(len(_BINARY))].format(a=a, b=b)
        return f"np.tanh({text})"


def random_program(seed: int) -> tuple[str, Callable]:
    """Return the text of a random program, and the function, of an array and a list of arrays."""
    text = _Writer(np.random.default_rng(seed)).program()
    scope = {"np": np, "fg": fg, "data": np.linspace(-1.0, 1.0, 60)}
    exec(compile(text, f"<program {seed}>", "exec"), scope)
    return text, scope["program"]
