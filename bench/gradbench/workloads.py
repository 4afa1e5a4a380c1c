"""The workloads of each eval: a label, a size class, and a function that makes the input, always the same.

Inputs are as they come over the protocol, but with arrays for lists; `outputs.listed` turns them to lists. Random
numbers come from the same streams as the evals', drawn in the same order (GRADBENCH 1.6). What cannot be had, the
hand models, the cameras and the verse, is made to their description in `synthetic`.

Of each eval one or two workloads are small, middle and large; the huge ones are the largest of the original suite,
which take minutes or many gigabytes; the others have no class.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from bench.gradbench import synthetic

__all__ = ["CLASSES", "FUNCTIONS", "WORKLOADS", "Workload", "gmm", "of_class"]

SEED = 31337
CLASSES = ("small", "middle", "large", "huge")
NESTED = ("rr", "ff", "fr", "rf")
# Of each eval the function and its derivative; of particle and saddle the four ways to nest derivatives.
FUNCTIONS = {
    "hello": ("square", "double"),
    "det": ("primal", "gradient"),
    "gmm": ("objective", "jacobian"),
    "ba": ("objective", "jacobian"),
    "ht": ("objective", "jacobian"),
    "kmeans": ("cost", "dir"),
    "llsq": ("primal", "gradient"),
    "lse": ("primal", "gradient"),
    "lstm": ("objective", "jacobian"),
    "ode": ("primal", "gradient"),
    "particle": NESTED,
    "saddle": NESTED,
}


class Workload(NamedTuple):
    """One input of an eval.

    Attributes:
        module: the eval's name.
        label: what the eval calls the workload.
        size: one of `CLASSES`, or "" for none.
        make: from nothing to the input.
    """

    module: str
    label: str
    size: str
    make: Callable[[], Any]


def _series(
    module: str, sizes: list[dict], drawn: Callable, classes: dict[str, str], label: str = ""
) -> tuple:
    """Return the workloads of an eval that draws from one stream, one workload after the other.

    Args:
        sizes: of each workload.
        drawn: from the stream and sizes to the input.
        classes: of labels.
        label: a template, `n=...` for each size by default.
    """
    ordered = sorted(sizes, key=lambda size: np.prod(list(size.values())))

    def nth(n):
        stream = np.random.RandomState(SEED)  # the one behind np.random.seed
        for size in ordered[:n]:
            drawn(stream, **size)
        return drawn(stream, **ordered[n])

    labels = [
        label.format(**size) if label else ",".join(f"{k}={v}" for k, v in size.items()) for size in ordered
    ]
    return tuple(
        Workload(module, name, classes.get(name, ""), lambda n=n: nth(n)) for n, name in enumerate(labels)
    )


def _all(**options: list[int]) -> list[dict]:
    return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def _kmeans(stream, k, n, d):
    points = stream.rand(n, d)
    return {"points": points, "centroids": points[-k:].copy()}


def gmm(d: int, k: int, n: int, m: int = 0, gamma: float = 1.0) -> dict:
    rng = np.random.default_rng(SEED)
    return {
        "d": d, "k": k, "n": n, "m": m, "gamma": gamma,
        "x": rng.standard_normal((n, d)), "alpha": rng.standard_normal(k), "mu": rng.random((k, d)),
        "q": rng.standard_normal((k, d)), "l": rng.standard_normal((k, d * (d - 1) // 2)),
    }  # fmt: skip


def _gmm_workloads():
    sizes = sorted(product([2, 10, 20, 32, 64], [5, 10, 25, 50, 100], [1000]), key=np.prod)
    sizes += [(64, 100, 10000), (128, 200, 1000), (128, 200, 10000)]
    classes = {
        (2, 5, 1000): "small", (10, 10, 1000): "small", (32, 25, 1000): "middle", (64, 100, 1000): "large",
        (64, 100, 10000): "huge", (128, 200, 1000): "huge", (128, 200, 10000): "huge",
    }  # fmt: skip
    for size in sizes:
        yield Workload("gmm", "_".join(map(str, size)), classes.get(size, ""), lambda size=size: gmm(*size))


def _ba_workloads():
    classes = {1: "small", 4: "middle", 9: "large", 14: "huge", 20: "huge"}
    for number, (n, m, p) in enumerate(synthetic.BA_SIZES, 1):
        label = f"ba{number}_n{n}_m{m}_p{p}"
        make = lambda number=number: synthetic.bundle(number, *synthetic.BA_SIZES[number - 1])
        yield Workload("ba", label, classes.get(number, ""), make)


def _ht_workloads():
    """Yield the big model's complicated workloads, which are the default, and a few of the others."""
    classes = {5: "middle", 9: "large", 12: "huge"}
    for number, c in ((1, 100), (5, 800)):
        for complicated in (False, True):
            folder = "complicated_small" if complicated else "simple_small"
            make = lambda c=c, complicated=complicated: synthetic.hand(c, 544, complicated)
            size = "small" if number == 1 else ""
            yield Workload("ht", f"{folder}/hand{number}_t26_c{c}", size, make)
    for number, c in enumerate(synthetic.HT_COUNTS, 1):
        make = lambda c=c: synthetic.hand(c, 10000, True)
        yield Workload("ht", f"hand{number}_t26_c{c}", classes.get(number, ""), make)


def _lstm_workloads():
    classes = {(2, 1024): "small", (4, 4096): "middle", (4, 8192): "large", (6, 8192): "huge"}
    for l, c in sorted(product([2, 4, 6], [1024, 4096, 8192]), key=np.prod):
        make = lambda l=l, c=c: synthetic.verse(l, c)
        yield Workload("lstm", f"l={l},c={c}", classes.get((l, c), ""), make)


# By eval, its workloads in the order they are sent.
WORKLOADS: dict[str, tuple[Workload, ...]] = {
    "hello": (Workload("hello", "x=8", "small", lambda: 8.0),),
    "det": _series(
        "det",
        _all(ell=[5, 6, 7, 8, 9, 10, 11]),
        lambda stream, ell: {"A": stream.rand(ell * ell), "ell": ell},
        {"5": "small", "7": "small", "9": "middle", "11": "large"},
        "{ell}",
    ),
    "gmm": tuple(_gmm_workloads()),
    "ba": tuple(_ba_workloads()),
    "ht": tuple(_ht_workloads()),
    "kmeans": _series(
        "kmeans",
        _all(k=[10, 100, 1000], n=[1000, 10000], d=[8, 16]),
        _kmeans,
        {"k=10,n=1000,d=8": "small", "k=100,n=10000,d=16": "middle", "k=1000,n=10000,d=16": "large"},
    ),
    "llsq": _series(
        "llsq",
        _all(n=[16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8196, 16392], m=[128]),
        lambda stream, n, m: {"x": stream.rand(m), "n": n},
        {"n=16,m=128": "small", "n=1024,m=128": "middle", "n=16392,m=128": "large"},
    ),
    "lse": _series(
        "lse",
        _all(n=[2500 * 2**j for j in range(10)]),
        lambda stream, n: {"x": stream.rand(n)},
        {"n=2500": "small", "n=80000": "middle", "n=1280000": "large"},
    ),
    "lstm": tuple(_lstm_workloads()),
    "ode": _series(
        "ode",
        _all(n=[1000, 10000, 100000], s=[1, 10, 100]),
        lambda stream, n, s: {"x": stream.rand(n), "s": s},
        {
            "n=1000,s=1": "small",
            "n=1000,s=100": "small",
            "n=10000,s=100": "middle",
            "n=100000,s=100": "large",
        },
    ),
    "particle": (Workload("particle", "w=0", "small", lambda: {"w": 0.0}),),
    "saddle": (Workload("saddle", "w=0", "small", lambda: {"start": np.ones(2)}),),
}


def of_class(*classes: str) -> list[Workload]:
    """Return the workloads of some classes, in the order of the evals and of their workloads."""
    return [w for workloads in WORKLOADS.values() for w in workloads if w.size in classes]
