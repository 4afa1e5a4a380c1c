"""Random functions with Python's branches, as source: what a person might write in a loop over data."""

import linecache
from itertools import count

import numpy as np

import funcgrad.numpy as fnp

_numbers = count()


def function_of(source):
    """Return the function `f` that a source defines, so that its source is found."""
    name = f"<random branches {next(_numbers)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    module = {"np": np, "fnp": fnp}
    exec(compile(source, name, "exec"), module)
    return module["f"]


class Writer:
    """Writes `f(x, v)` of six numbers x and three numbers v."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.lines = []
        self.uncertain = 0

    def source(self):
        self.line(0, "def f(x, v):")
        self.line(1, "s, t, n = x[0], 0.5, 0")
        self.line(1, "w = v * 1.0")
        self.block(1, 3, "function")
        self.line(1, "return s + 2.0 * t + 0.1 * n + np.sum(w * v)")
        return "".join(self.lines)

    def line(self, depth, text):
        self.lines.append("    " * depth + text + "\n")

    def one(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def number(self):
        return f"{self.rng.normal():.2f}"

    def scalar(self):
        return self.one(
            *["s", "t", "x[1]", "x[2] * s", "np.sin(s + t)", "np.tanh(t)", "w[0]", "np.sum(w)", "w.max()"],
            f"max(s, {self.number()}, t)",
            "min(t, x[3])",
            f"(s if {self.test()} else t * 0.5)",
            f"({self.number()} if {self.test()} else x[4])",
            f"abs(s - {self.number()})",
        )

    def test(self):
        simple = f"{self.one('s', 't', 'x[5]', 'w[1]', 's - t', 'n')} {self.one('<', '>', '<=', '>=')} {self.number()}"
        kind = self.rng.integers(8) if len(self.lines) % 3 else 0
        if kind == 1:
            return f"not {simple}"
        if kind == 2:
            return f"{simple} and t > {self.number()}"
        if kind == 3:
            return f"x[1] < {self.number()} or {simple}"
        if kind == 4:
            return f"-1.0 < s < {self.number()}"
        if kind == 5:
            return f"np.any(w > {self.number()})"
        return simple

    def simple(self, depth):
        self.line(
            depth,
            self.one(
                f"s = {self.scalar()}",
                f"t = 0.3 * t + {self.scalar()}",
                f"s = {self.number()}",
                "s, t = t, s",
                f"t += {self.number()} * {self.scalar()}",
                "n = n + 1",
                "n += 1",
                f"w = 0.5 * w + {self.scalar()}",
                "w = np.cos(w)",
                "w = v",
                "t = 2",
                f"s *= {self.scalar()}",
            ),
        )

    def block(self, depth, size, place):
        for _ in range(self.rng.integers(1, size + 1)):
            kind = self.rng.integers(10)
            if depth > 4 or kind < 4 or (kind > 7 and depth > 3):
                self.simple(depth)
            elif kind < 8:
                self.line(depth, f"if {self.test()}:")
                self.block(depth + 1, 2, place)
                self.leave(depth + 1, place)
                if self.rng.integers(2):
                    if self.rng.integers(3) == 0:
                        self.line(depth, f"elif {self.test()}:")
                        self.block(depth + 1, 2, place)
                    self.line(depth, "else:")
                    self.block(depth + 1, 2, place)
            else:
                self.line(depth, self.one("for a in x:", "for k in range(3):", "for k, a in enumerate(v):"))
                self.line(depth + 1, self.one("s = 0.5 * s + 0.1 * t", "t = t * 0.9 - 0.1"))
                self.block(depth + 1, 2, "loop")

    def leave(self, depth, place):
        if self.rng.integers(4) == 0:
            if place == "function" or self.rng.integers(3) == 0:
                self.line(depth, f"return s * {self.scalar()} + x[5]")
            else:
                self.line(depth, self.one("continue", "continue", "break"))


def inputs(rng, number):
    """Yield arguments that a function's ways are taken by."""
    for _ in range(number):
        yield rng.normal(size=6), rng.normal(size=3)
