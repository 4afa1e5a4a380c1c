"""GradBench's test vectors, through the tool's protocol."""

import io
import json
import math

import numpy as np
import pytest

from bench.gradbench.protocol import EVALS, serve


def ask(*messages):
    """Return the tool's answers to messages, or to lines of text."""
    lines = [m if isinstance(m, str) else json.dumps({"id": n, **m}) for n, m in enumerate(messages)]
    out = io.StringIO()
    serve(io.StringIO("\n".join(lines) + "\n"), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def evaluate(module, function, given):
    if isinstance(given, dict):
        given = {**given, "min_runs": 2, "min_seconds": 0}
    (answer,) = ask({"kind": "evaluate", "module": module, "function": function, "input": given})
    assert answer["success"], answer
    times = [t["nanoseconds"] for t in answer["timings"] if t["name"] == "evaluate"]
    assert len(times) == (2 if isinstance(given, dict) else 1)
    assert all(isinstance(t, int) and t >= 0 for t in times)
    return answer["output"]


def agree(got, want, tolerance=1e-11):
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for key in want:
            agree(got[key], want[key], tolerance)
        return
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


DET = {"A": [2, -1, 0.5, 1, 3, -2, 0.25, 4, 1.5], "ell": 3}
GMM = {
    "d": 3, "k": 2, "n": 2, "m": 2, "gamma": 1.5, "x": [[1, 2, 3], [0, -1, 0.5]], "alpha": [0.1, -0.2],
    "mu": [[0.5, 0, -0.5], [1, 1, 1]], "q": [[0.1, 0.2, -0.3], [0, 0.4, -0.1]],
    "l": [[0.3, -0.2, 0.5], [-0.4, 0.1, 0.2]],
}  # fmt: skip
BA = {
    "n": 2, "m": 3, "p": 16, "cam": [0.1, -0.2, 0.3, 1, 2, -3, 500, 10, -20, 0.01, -0.002], "x": [2, 1.5, 4],
    "w": 0.5, "feat": [100, -50],
}  # fmt: skip
KMEANS = {"points": [[0, 0], [1, 0.5], [4, 4], [5, 3], [0.5, 2]], "centroids": [[0, 1], [4, 3]]}
ODE = {"x": [1.5, -0.5, 2, 0.25], "s": 2}


@pytest.mark.parametrize(
    ("module", "function", "given", "want"),
    [
        ("hello", "square", 3.0, 9.0),
        ("hello", "double", 3.0, 6.0),
        ("det", "primal", DET, 28.625),
        ("det", "gradient", DET, [12.5, -2, 3.25, 3.5, 2.875, -8.25, 0.5, 4.5, 7]),
        ("gmm", "objective", GMM, -22.414839874365597),
        ("kmeans", "cost", KMEANS, 5.5),
        ("kmeans", "dir", KMEANS, [[-0.5, 0.16666666666666663], [-0.5, -0.5]]),
        ("llsq", "primal", {"x": [0.5, -1, 2], "n": 4}, 12.549382716049383),
        ("llsq", "gradient", {"x": [0.5, -1, 2], "n": 4}, [6.444444444444445, -4.888888888888888, 5.160493827160494]),
        ("llsq", "gradient", {"x": [0.5, -1, 2], "n": 3}, [5.5, -4, 5]),
        ("lse", "primal", {"x": [1, 2, 4]}, 4.169846019556286),
        ("lse", "gradient", {"x": [1, 2, 4]}, [0.04201006613406605, 0.11419519938459449, 0.8437947344813395]),
        ("ode", "primal", ODE, [3, -1.5, -2, -0.25]),
        ("ode", "gradient", ODE, [-0.16666666666666666, 0.5, -0.125, -1]),
        (
            "ba", "objective", BA,
            {"reproj_error": {"elements": [-51.30434439835971, -23.68699348192397], "repeated": 16},
             "w_err": {"element": 0.75, "repeated": 16}},
        ),
        (
            "ba", "objective", {**BA, "cam": [0, 0, 0, *BA["cam"][3:]]},
            {"reproj_error": {"elements": [-9.276649982150289, -2.8616750089248555], "repeated": 16},
             "w_err": {"element": 0.75, "repeated": 16}},
        ),
    ],
)  # fmt: skip
def test_vectors(module, function, given, want):
    agree(evaluate(module, function, given), want)


def test_gradient_of_the_mixture():
    want = {
        "alpha": [-0.18884172356375994, 0.18884172356375972],
        "mu": [[-1.0440003485224267, -1.4346957373064941, 0.2459653173328066],
               [-0.3977204839886842, 2.4556583949103414, 1.7798979932050267]],
        "q": [[-0.08126278251581509, -2.0117897486088756, 1.4693634257209864],
              [0.7484714062125705, -4.509447150406, -2.4513618841488083]],
        "l": [[-1.334236536018485, 0.6106700551171508, -0.8089990596285055],
              [0.7928165717833605, -0.2645113603713439, -2.5356255803454344]],
    }  # fmt: skip
    agree(evaluate("gmm", "jacobian", GMM), want)


def test_sparse_jacobian_of_bundle_adjustment():
    first = [39.31152234228644, 247.76054364300927, 23.609611790431945, -33.60318159624924, 10.75295614895886,
             5.5685228101040956, -0.012608688796719414, 0.5, 0, -0.15486514080099384, -0.0038051658088931847,
             33.60318159624924, -10.75295614895886, -5.5685228101040956, -102.60868879671942]  # fmt: skip
    second = [-251.1664007200667, 39.55660756998803, 17.73617113541452, -11.279946583558871, -34.33330169687539,
              -0.8409577521255474, -0.07737398696384795, 0, 0.5, -0.9503393714188779, -0.023350631809485614,
              11.279946583558871, 34.33330169687539, 0.8409577521255474, -47.373986963847955]  # fmt: skip
    row = [*range(11), 22, 23, 24, 31]
    got = evaluate("ba", "jacobian", BA)
    assert got["rows"] == [*range(0, 450, 15), 496]
    assert got["cols"] == [*row, *row, 46]
    agree(got["vals"], [*first, *second, -1])
    at_rest = evaluate("ba", "jacobian", {**BA, "cam": [0, 0, 0, *BA["cam"][3:]]})["vals"]
    agree(at_rest[:3], [2.6034559101649823, 255.27036194527793, 17.861675008924855])
    agree(at_rest[15:18], [-251.36517808003046, -2.6034559101649823, 35.723350017849704])


def test_lstm():
    given = {
        "main_params": [[round(0.1 * math.sin(1 + 8 * r + j), 3) for j in range(8)] for r in range(4)],
        "extra_params": [[0.5, -0.25], [1, 2], [0.1, -0.1]],
        "state": [[0.2, 0.4], [0.6, 0.8], [-0.3, 0.5], [0.7, -0.9]],
        "sequence": [[1, 0], [0, 1], [1, 1]],
    }
    agree(evaluate("lstm", "objective", given), 1.1817622262228888)
    got = evaluate("lstm", "jacobian", given)
    assert len(got) == 38
    agree(got[:2], [1.3511062765715217e-05, 1.538813697184923e-05])
    agree(
        got[16:20],
        [-3.2818684039410614e-05, 0.011934798989828944, 0.00011499182199931808, 0.000250570265356214],
    )
    agree(got[-6:], [-5.835523207189386e-07, -4.0322267755685916e-06, 0.0064777763827616975, 0.057648669709745734,
                     -0.01664237031532015, -0.36603696567050364])  # fmt: skip


def hand():
    bones, vertices = 22, 5
    parents = [-1, *[p for f in range(5) for p in (0, 4 * f + 1, 4 * f + 2, 4 * f + 3)], 0]
    relatives = []
    for b in range(bones):
        c, s = math.cos(0.1 * b), math.sin(0.1 * b)
        relatives.append([[c, -s, 0, 0.02 * b], [s, c, 0, 0.1], [0, 0, 1, -0.01 * b], [0, 0, 0, 1.0]])
    absolutes: list = []
    for b, p in enumerate(parents):
        own = np.array(relatives[b])
        absolutes.append(own if p < 0 else absolutes[p] @ own)
    weights = np.array(
        [[(i + b) % 3 + 1 if (i + b) % 5 == 0 else 0 for b in range(bones)] for i in range(vertices)], float
    )
    return {
        "bone_count": bones,
        "parents": parents,
        "base_relatives": relatives,
        "inverse_base_absolutes": [np.linalg.inv(a).tolist() for a in absolutes],
        "base_positions": [[0.1 * i, 0.2 - 0.05 * i, 0.03 * i, 1] for i in range(vertices)],
        "weights": (weights / weights.sum(1, keepdims=True)).tolist(),
        "triangles": [[0, 1, 2], [2, 4, 3]],
        "is_mirrored": False,
    }


def test_hand_tracking():
    theta = [round(0.3 * math.sin(i + 1), 3) for i in range(26)]
    points = [[0.1, 0.2, 0.3], [-0.1, 0.5, 0]]
    simple = {
        "theta": theta,
        "us": [],
        "data": {"correspondences": [4, 2], "points": points, "model": hand()},
    }
    agree(
        evaluate("ht", "objective", simple),
        [-0.07373675139808605, 0.47385901615485715, 0.3168451124914431, -0.05579357472772109, 0.6640133232007941,
         0.0853399994795851],
    )  # fmt: skip
    jacobian = np.array(evaluate("ht", "jacobian", simple))
    assert jacobian.shape == (6, 26)
    agree([jacobian.sum(), np.abs(jacobian).sum()], [-7.024255438051969, 10.601093565821252])
    complicated = {
        "theta": theta,
        "us": [[0.25, 0.5], [0.1, 0.2]],
        "data": {"correspondences": [1, 0], "points": points, "model": hand()},
    }
    agree(
        evaluate("ht", "objective", complicated),
        [0.0028003570249116316, 0.4306970145786317, 0.35581371213111845, -0.021338723142755395, 0.6555226288167222,
         0.08166802099319648],
    )  # fmt: skip
    jacobian = np.array(evaluate("ht", "jacobian", complicated))
    assert jacobian.shape == (6, 28)
    agree([jacobian.sum(), np.abs(jacobian).sum()], [-6.798236953314736, 11.012458408066696])
    agree(jacobian[4, :4], [-0.04127368, -0.02181663, 0.02205613, -0.0187773], 1e-6)


@pytest.mark.parametrize("modes", ["rr", "ff", "fr", "rf"])
def test_derivatives_nested_through_descents(modes):
    agree(evaluate("particle", modes, {"w": 0}), 0.20719187464, 1e-9)
    agree(evaluate("saddle", modes, {"start": [1, 1]}), [8.246324826140356e-06] * 4)


def test_the_session_goes_on_whatever_comes():
    bad = {"kind": "evaluate", "module": "det", "function": "primal"}
    answers = ask(
        {"kind": "start", "eval": "det"},
        {"kind": "define", "module": "det"},
        {"kind": "define", "module": "nothing"},
        "{not json",
        json.dumps({"kind": "start"}),
        {**bad, "function": "inverse", "input": {}},
        {**bad, "input": {"A": [1, 2, 3], "ell": 2, "min_runs": 1, "min_seconds": 0}},
        {**bad, "input": {"A": "text", "ell": 2, "min_runs": 1, "min_seconds": 0}},
        {**bad, "input": {**DET, "min_runs": 1, "min_seconds": 0}},
        {"kind": "analysis", "of": 8, "valid": True},
        {"kind": "unheard"},
    )
    assert answers[0] == {"id": 0, "tool": "funcgrad"}
    assert [a.get("success") for a in answers[1:9]] == [True, False, False, False, False, False, False, True]
    assert [a["id"] for a in answers] == [0, 1, 2, None, None, 5, 6, 7, 8, 9, 10]
    assert answers[9:] == [{"id": 9}, {"id": 10}]


def test_every_evaluation_is_there():
    answers = ask(*({"kind": "define", "module": name} for name in EVALS))
    assert all(a["success"] for a in answers)
