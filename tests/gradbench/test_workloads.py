"""The workloads are always the same, of the sizes that they name, and read alike from arrays and from JSON."""

import json

import numpy as np
import pytest

from bench.gradbench import inputs, synthetic, workloads
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import EVALS
from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import CLASSES, FUNCTIONS, WORKLOADS, of_class

SMALL = pytest.mark.parametrize("workload", of_class("small"), ids=lambda w: f"{w.module}-{w.label}")


def leaves(x):
    if isinstance(x, dict):
        return [leaf for name in sorted(x) for leaf in leaves(x[name])]
    return [leaf for part in x for leaf in leaves(part)] if isinstance(x, tuple) else [x]


def same(x, y):
    return all(np.array_equal(a, b) for a, b in zip(leaves(x), leaves(y), strict=True))


@SMALL
def test_made_twice_they_are_the_same(workload):
    assert same(workload.make(), workload.make())


@SMALL
def test_lists_are_read_as_arrays_are(workload):
    given = workload.make()
    read = getattr(inputs, workload.module)
    from_json = read(json.loads(json.dumps(listed(given))))
    assert same(from_json, read(given))
    for x in leaves(from_json):
        assert np.asarray(x).dtype in (np.float64, np.int64)


def test_every_eval_has_its_functions_and_classes():
    assert tuple(WORKLOADS) == tuple(FUNCTIONS) == EVALS
    for module, functions in FUNCTIONS.items():
        assert all(SYSTEMS["funcgrad"](module, function) for function in functions)
        assert any(w.size == "small" for w in WORKLOADS[module])
        assert len({w.label for w in WORKLOADS[module]}) == len(WORKLOADS[module])
        assert all(w.module == module and w.size in (*CLASSES, "") for w in WORKLOADS[module])
    many = set(EVALS) - {"hello", "particle", "saddle"}
    for size in ("middle", "large"):
        assert {w.module for w in of_class(size)} == many
    assert of_class() == []
    assert of_class("small", "middle") == [
        w for module in EVALS for w in WORKLOADS[module] if w.size in ("small", "middle")
    ]


def test_the_labels_are_those_of_the_evals():
    labels = {module: [w.label for w in ws] for module, ws in WORKLOADS.items()}
    assert labels["det"] == ["5", "6", "7", "8", "9", "10", "11"]
    assert labels["gmm"][:3] == ["2_5_1000", "2_10_1000", "2_25_1000"]
    assert labels["gmm"][-3:] == ["64_100_10000", "128_200_1000", "128_200_10000"]
    assert labels["ba"][0] == "ba1_n49_m7776_p31843"
    assert labels["ba"][19] == "ba20_n13682_m4456117_p28987644"
    assert labels["ht"][-12] == "hand1_t26_c100"
    assert labels["kmeans"][:2] == ["k=10,n=1000,d=8", "k=10,n=1000,d=16"]
    assert labels["llsq"][-1] == "n=16392,m=128"
    assert labels["lse"][-1] == "n=1280000"
    assert labels["lstm"][0] == "l=2,c=1024"
    assert labels["ode"][0] == "n=1000,s=1"


def test_random_numbers_are_those_of_the_evals():
    """Each workload draws from where the one before it stopped (GRADBENCH 1.6 and 4)."""
    five, six = (w.make()["A"] for w in WORKLOADS["det"][:2])
    assert np.round(five[:2], 8).tolist() == [0.72185211, 0.9664408]
    stream = np.random.RandomState(31337)
    assert np.array_equal(np.concatenate([five, six]), stream.rand(25 + 36))
    first, second = (w.make() for w in WORKLOADS["kmeans"][:2])
    stream = np.random.RandomState(31337)
    assert np.array_equal(first["points"], stream.rand(1000, 8))
    assert np.array_equal(second["points"], stream.rand(1000, 16))
    assert np.array_equal(first["centroids"], first["points"][-10:])
    rng = np.random.default_rng(31337)
    mixture = workloads.gmm(2, 5, 1000)
    assert np.array_equal(mixture["x"], rng.standard_normal((1000, 2)))
    assert np.array_equal(mixture["alpha"], rng.standard_normal(5))
    assert np.array_equal(mixture["mu"], rng.random((5, 2)))


@pytest.mark.parametrize(("d", "k", "n"), [(2, 1, 1), (3, 2, 5), (10, 5, 7)])
def test_sizes_of_the_mixture(d, k, n):
    params, x = inputs.gmm(workloads.gmm(d, k, n))
    shapes = {name: part.shape for name, part in params.items()}
    assert x.shape == (n, d)
    assert shapes == {"alpha": (k,), "mu": (k, d), "q": (k, d), "l": (k, d * (d - 1) // 2)}


def test_bundles_are_copies_of_one_observation():
    cameras, points, weights, features = inputs.ba(synthetic.bundle(1, 3, 4, 5))
    assert [x.shape for x in (cameras, points, weights, features)] == [(3, 11), (4, 3), (5,), (5, 2)]
    assert np.linalg.norm(cameras[0, :3]) == pytest.approx(1.6)
    assert np.linalg.norm(points[0]) == pytest.approx(8.0)
    assert (cameras == cameras[0]).all()
    assert synthetic.bundle(1, 3, 4, 5)["w"] != synthetic.bundle(2, 3, 4, 5)["w"]


@pytest.mark.parametrize(("complicated", "vertices"), [(False, 544), (True, 544), (True, 10000)])
def test_hands_have_the_shape_described(complicated, vertices):
    given = synthetic.hand(7, vertices, complicated)
    model = given["data"]["model"]
    parents, theta, us, points, chosen, arrays = inputs.ht(given)
    assert parents[:6] == (-1, 0, 1, 2, 3, 0)
    assert (theta.shape, points.shape) == ((26,), (7, 3))
    assert us.shape == ((7, 2) if complicated else (0, 2))
    assert chosen.shape == ((7, 3) if complicated else (7,))
    assert chosen.max() < (544 if complicated else vertices)
    assert len(model["bone_names"]) == model["bone_count"] == 22
    weights = arrays["weights"]
    assert np.allclose(weights.sum(axis=1), 1.0)
    assert set((weights > 0).sum(axis=1)) == {1, 2, 3, 4}
    assert (model["triangles"].max() < 544) and model["triangles"].shape == (1084, 3)
    rotations = arrays["base_relatives"][:, :3, :3]
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3))
    absolute = np.linalg.inv(arrays["inverses"])
    for bone, parent in enumerate(parents):
        before = np.eye(4) if parent < 0 else absolute[parent]
        assert np.allclose(absolute[bone], before @ arrays["base_relatives"][bone])


@pytest.mark.parametrize(("l", "c"), [(1, 2), (2, 1024), (3, 700)])
def test_verse_is_rows_of_bits(l, c):
    main, extra, state, sequence = inputs.lstm(synthetic.verse(l, c))
    assert [x.shape for x in (main, extra, state, sequence)] == [(2 * l, 56), (3, 14), (2 * l, 14), (c, 14)]
    assert set(np.unique(sequence)) == {0.0, 1.0}
    codes = (sequence @ 2.0 ** np.arange(14)[::-1]).astype(int)
    assert "".join(map(chr, codes[:4])) == synthetic.TEXT[:4][:c]
