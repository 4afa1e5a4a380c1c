"""Inputs for ba, ht and lstm, made to the description of the data that GradBench reads from files (GRADBENCH 3)."""

import numpy as np

__all__ = ["BA_SIZES", "HT_COUNTS", "bundle", "hand", "verse"]

SEED = 31337
# Cameras, points and observations of the twenty files.
BA_SIZES = (
    (49, 7776, 31843), (21, 11315, 36455), (161, 48126, 182072), (372, 47423, 204472), (257, 65132, 225911),
    (539, 65220, 277273), (93, 61203, 287451), (88, 64298, 383937), (810, 88814, 393775), (1197, 126327, 563734),
    (1723, 156502, 678718), (253, 163691, 899155), (245, 198739, 1091386), (356, 226730, 1255268),
    (1102, 780462, 4052340), (1544, 942409, 4750193), (1778, 993923, 5001946), (1936, 649673, 5213733),
    (4585, 1324582, 9125125), (13682, 4456117, 28987644),
)  # fmt: skip
# Points of the twelve files of each hand.
HT_COUNTS = (100, 192, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 100000)
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
TEXT = (
    "The river keeps no ledger of the rain.\n“What was it like,” she asked, “before the mill?”\n"
    "He turned a stone; the wheel began again,\nand all the evening’s errand lay there, still.\n"  # noqa: RUF001
    "“A field,” he said. “A gate that would not close,\na dog that knew the hour by the light.”\n"
    "She wrote it down, the way the water knows\nits bank – by leaning on it half the night.\n\n"  # noqa: RUF001
)


def _of_length(rng: np.random.Generator, size: int, length: float) -> np.ndarray:
    x = rng.standard_normal(size)
    return x * (length / np.linalg.norm(x))


def bundle(number: int, n: int, m: int, p: int) -> dict:
    """Return ba's input: one camera that turns by 1.6, 75 from the origin, with a focal length of some 420."""
    rng = np.random.default_rng((SEED, number))
    near = lambda x: x * rng.uniform(0.9, 1.1)
    camera = [
        *_of_length(rng, 3, 1.6), *_of_length(rng, 3, 75.0), near(420.0),
        *rng.uniform(-10, 10, 2), near(0.09), near(0.003),
    ]  # fmt: skip
    point, feature = _of_length(rng, 3, 8.0), rng.uniform(-500, 500, 2)
    return {"n": n, "m": m, "p": p, "cam": np.array(camera), "x": point, "w": near(0.4), "feat": feature}


def hand(c: int, vertices: int, complicated: bool) -> dict:
    """Return ht's input: c measured points of a hand of 22 rigid bones."""
    rng = np.random.default_rng((SEED, c, vertices, complicated))
    model = _hand_model(rng, vertices)
    data = {
        "correspondences": rng.integers(0, len(model["triangles"]) if complicated else vertices, c),
        "points": rng.uniform(-0.3, 0.3, (c, 3)),
        "model": model,
    }
    us = rng.uniform(0.0, 0.5, (c, 2)) if complicated else []
    return {"theta": rng.uniform(-3.1, 3.1, 26), "us": us, "data": data}


def _hand_model(rng: np.random.Generator, vertices: int) -> dict:
    parents = [-1, *(p for f in range(5) for p in (0, 4 * f + 1, 4 * f + 2, 4 * f + 3)), 0]
    relatives = np.stack([_rigid(rng) for _ in parents])
    absolutes: list[np.ndarray] = []
    for relative, parent in zip(relatives, parents, strict=True):
        absolutes.append(relative if parent < 0 else absolutes[parent] @ relative)
    return {
        "bone_count": len(parents),
        "bone_names": ["wrist", *(f"{finger}{k}" for finger in FINGERS for k in (1, 2, 3, 4)), "forearm"],
        "parents": parents,
        "base_relatives": relatives,
        "inverse_base_absolutes": np.linalg.inv(absolutes),
        "base_positions": np.hstack([rng.uniform(-0.3, 0.3, (vertices, 3)), np.ones((vertices, 1))]),
        "weights": _skin(rng, vertices, len(parents)),
        "triangles": rng.permuted(np.tile(np.arange(544), (1084, 1)), axis=1)[:, :3],
        "is_mirrored": False,
    }


def _rigid(rng: np.random.Generator) -> np.ndarray:
    """Return a rotation, and a translation of 2 to 11 cm, in homogeneous coordinates."""
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    transform = np.eye(4)
    transform[:3, :3] = rotation * np.linalg.det(rotation)  # proper: the determinant is 1 or -1
    transform[:3, 3] = _of_length(rng, 3, rng.uniform(0.02, 0.11))
    return transform


def _skin(rng: np.random.Generator, vertices: int, bones: int) -> np.ndarray:
    """Return weights[vertices, bones]: in each row one to four positive ones, of sum 1."""
    weights = rng.uniform(0.1, 1.0, (vertices, bones))
    ranks = rng.permuted(np.tile(np.arange(bones), (vertices, 1)), axis=1)
    weights[ranks >= rng.integers(1, 5, (vertices, 1))] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)


def verse(l: int, c: int) -> dict:
    """Return lstm's input: l layers, and c characters of verse as rows of bits."""
    stream = np.random.RandomState(SEED)
    codes = np.array([ord(character) for character in (TEXT * (c // len(TEXT) + 1))[:c]])
    bits = int(np.ceil(np.log2(max(map(ord, TEXT)))))
    return {
        "state": stream.random_sample((2 * l, bits)),
        "main_params": stream.random_sample((2 * l, 4 * bits)),
        "extra_params": stream.random_sample((3, bits)),
        "sequence": ((codes[:, None] >> np.arange(bits)[::-1]) & 1).astype(float),
    }
