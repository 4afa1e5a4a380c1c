"""Saved Programs of every kind, and what happens to files: the cases of test_mutated_files."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import funcgrad as fg

__all__ = ["files", "mutated", "programs"]

X = np.linspace(0.5, 2.0, 4)


def _newton(x):
    return fg.while_loop(
        lambda c: c[1] < 3, lambda c: (c[0] - (c[0] ** 2 - x) / (2 * c[0]), c[1] + 1), (x, 0)
    )


def _nested(x):
    def inner(c, y):
        return fg.cond(c > 1.0, lambda: c * 0.5, lambda: c + np.sum(x)), c * y

    def outer(c, y):
        c, ys = fg.scan(inner, c, x[:3])
        return c, (ys, fg.jit(lambda z: np.sin(z) + x)(y))

    return fg.scan(outer, 1.0, x)


@fg.custom_vjp
def _clipped(x):
    return np.tanh(x)


_clipped.defvjp(lambda x: (np.tanh(x), x), lambda x, bar: (bar * np.clip(x, 0, 1),))


def programs() -> dict[str, Any]:
    """Return Programs by name, each with arguments."""
    matrix = np.arange(16.0).reshape(4, 4) + 5 * np.eye(4)
    scanned = lambda x: np.sum(fg.scan(lambda c, y: (np.sin(c) * y, c), x, x)[1])
    cases: dict[str, tuple[Callable, tuple]] = {
        "elementwise": (lambda x: {"y": np.tanh(x) * 2 + np.arange(4.0), "n": x.astype(np.float32)}, (X,)),
        "indexing": (
            lambda x, i: (x[i], x[1:3], x[::-1], np.take(x, [0, 2]), np.sort(x)),
            (X, np.array([1, 2])),
        ),
        "writes": (_written, (X,)),
        "shapes": (
            lambda a: (a.T.reshape(2, 8), np.concatenate([a, a]), np.pad(a[:2], 1), a[None].sum((0, 2))),
            (matrix,),
        ),
        "products": (lambda a, x: (a @ x, np.linalg.solve(a, x), np.einsum("ij,kj->ik", a, a)), (matrix, X)),
        "scan": (lambda x: fg.scan(lambda c, y: (c * y, {"c": c, "y": y + x}), 1.0, x), (X,)),
        "scan's gradient": (fg.grad(scanned), (X,)),
        "scan's second derivative": (fg.hessian(scanned), (X,)),
        "while": (_newton, (X,)),
        "while's gradient": (fg.grad(lambda x: np.sum(_newton(x)[0])), (X,)),
        "fori": (lambda x: fg.fori_loop(0, 5, lambda i, c: c * x[i % 4] + i, x), (X,)),
        "switch": (lambda i, x: fg.switch(i, [np.sin, lambda x: x * x, np.flip], x), (1, X)),
        "switch's gradient": (fg.grad(lambda x: fg.cond(x[0] > 1, np.sum, lambda x: x @ x, x)), (X,)),
        "checkpoint": (fg.grad(lambda x: np.sum(fg.checkpoint(lambda x: np.sin(np.exp(x)))(x))), (X,)),
        "jit": (lambda x: fg.vmap(fg.jit(lambda y: (np.cumsum(x * y), y)))(x), (X,)),
        "custom": (fg.grad(lambda x: np.sum(_clipped(x))), (X,)),
        "nested": (_nested, (X,)),
        "dtypes": (
            lambda z, k: (np.fft.fft(z), z.conj(), k // 3, k % 3, k << 1, k > 2),
            (X * 1j, np.arange(4)),
        ),
    }
    return {name: (fg.trace(f)(*args), args) for name, (f, args) in cases.items()}


def _written(x):
    y = np.zeros_like(x)
    y[1:3] = x[:2] * 2
    y[x > 1] = 1.0
    y[np.array([0, 0])] = x[2]
    return y


def files(program: Any) -> dict[str, bytes]:
    """Return the members of the archive a Program is saved as."""
    buffer = io.BytesIO()
    program.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def mutation(members: dict[str, bytes], seed: Any) -> bytes:
    """Return an archive with one to three things changed."""
    rng = random.Random(seed)
    text = json.loads(members["program.json"])
    others = {name: bytearray(data) for name, data in members.items() if name != "program.json"}
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _mutate(text, rng)
    if others and rng.random() < 0.1:
        data = rng.choice(list(others.values()))
        for _ in range(rng.choice([1, 1, 4])):
            data[rng.randrange(min(len(data), 140))] = rng.randrange(256)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("program.json", json.dumps(text))
        for name, data in others.items():
            archive.writestr(name, bytes(data))
    data = bytearray(buffer.getvalue())
    if rng.random() < 0.02:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _places(value: Any, found: list) -> list:
    """Return every (container, key) of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found.append((value, key))
        _places(inner, found)
    return found


_NUMBERS = [-(2**63), -1, 0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 2**31, 2**53, 2**63, 2**70, 0.5, 1e308, True, False]
_DTYPES = [
    "<f8",
    "<f4",
    "<f2",
    "<i8",
    "<i4",
    "|i1",
    "|u1",
    "<u8",
    "|b1",
    "<c16",
    "<c8",
    ">f8",
    "|O",
    "<U3",
    "<M8[s]",
    "|V8",
    "<f16",
]
_STRANGE = [
    None,
    "",
    "x",
    [],
    {},
    [0],
    {"tuple": []},
    {"float": "nan"},
    {"ellipsis": True},
    {"dtype": "<f4"},
    {"literal": 1},
]


def _mutate(text: Any, rng: random.Random) -> None:
    places = _places(text, [])
    container, key = rng.choice(places)
    old = container[key]
    kind = rng.random()
    if kind < 0.15:  # a place of a like kind takes the value
        container[key] = _copy(_like(old, places, rng))
    elif kind < 0.25:
        if isinstance(container, list):
            rng.choice([lambda: container.pop(key), lambda: container.insert(key, _copy(old))])()
        else:
            del container[key]
    elif kind < 0.35 and isinstance(container, list):
        other = rng.randrange(len(container))
        container[key], container[other] = container[other], container[key]
    elif isinstance(old, bool):
        container[key] = rng.choice([not old, 1, 0])
    elif isinstance(old, int):
        container[key] = rng.choice(
            [old + rng.choice([-2, -1, 1, 2, 3]), rng.choice(_NUMBERS), rng.randrange(40)]
        )
    elif isinstance(old, str) and old[:1] in "<|>":
        container[key] = rng.choice(_DTYPES)
    elif isinstance(old, str):
        container[key] = _like(old, places, rng)
    elif kind > 0.9:
        container[key] = rng.choice(_STRANGE)
    else:
        container[key] = _copy(_like(old, places, rng))


def _like(old: Any, places: list, rng: random.Random) -> Any:
    same = [c[k] for c, k in places if type(c[k]) is type(old)]
    return rng.choice(same)


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def mutated(numbers: Iterable[int], seed: int) -> Iterator[tuple[int, str, bytes]]:
    """Yield the files of these numbers, of all programs in turn: the number, the program's name, and the file."""
    sources = [(name, files(program)) for name, (program, _) in programs().items()]
    for i in numbers:
        name, members = sources[i % len(sources)]
        yield i, name, mutation(members, f"{seed} {i}")
