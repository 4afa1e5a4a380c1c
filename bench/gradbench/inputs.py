"""The input of each eval, from what JSON has to checked NumPy arrays; every system reads it here.

An array that comes as an array, as `workloads` makes them, is taken as it is.
"""

from typing import Any

import numpy as np

from bench.gradbench.fields import array, field, indices, integer, number, object_of

__all__ = ["ba", "det", "gmm", "hello", "ht", "kmeans", "llsq", "lse", "lstm", "ode", "particle", "saddle"]


def hello(given: Any) -> tuple:
    return (np.float64(number(given)),)


def det(given: Any) -> tuple:
    """Return the matrix's elements, row by row; the expansion of one beyond 16 x 16 would take days."""
    return (array(given, "A", integer(given, "ell", most=16) ** 2),)


def gmm(given: Any) -> tuple:
    """Return the parameters alpha[k], mu[k, d], q[k, d] and l[k, d(d-1)/2] by name, and x[n, d]."""
    d, k, n = integer(given, "d", 2), integer(given, "k"), integer(given, "n")
    integer(given, "m", 0)
    if number(field(given, "gamma"), "gamma") <= 0:
        raise ValueError(f"expected 'gamma' to be above zero, got {given['gamma']}")
    shapes = {"alpha": (k,), "mu": (k, d), "q": (k, d), "l": (k, d * (d - 1) // 2)}
    return {name: array(given, name, *shape) for name, shape in shapes.items()}, array(given, "x", n, d)


def ba(given: Any) -> tuple:
    """Return cameras[n, 11], points[m, 3], weights[p] and features[p, 2]: copies, to be treated as different."""
    n, m, p = (integer(given, size) for size in "nmp")
    camera, point, feature = array(given, "cam", 11), array(given, "x", 3), array(given, "feat", 2)
    weight = number(field(given, "w"), "w")
    return np.tile(camera, (n, 1)), np.tile(point, (m, 1)), np.full(p, weight), np.tile(feature, (p, 1))


def ht(given: Any) -> tuple:
    """Return the parents of the bones, and theta[26], us[c, 2] or us[0, 2], points[c, 3], the vertices and the model.

    The vertices are those of each point, int[c], or where there are us those of its triangle, int[c, 3].
    """
    data = object_of(field(given, "data"), "'data'")
    model = object_of(field(data, "model"), "'model'")
    bones = integer(model, "bone_count")
    arrays = {
        "base_relatives": array(model, "base_relatives", bones, 4, 4),
        "inverses": array(model, "inverse_base_absolutes", bones, 4, 4),
        "positions": array(model, "base_positions", "V", 4),
    }
    vertices = arrays["positions"].shape[0]
    arrays["weights"] = array(model, "weights", vertices, bones)
    parents = indices(model, "parents", bones, below=bones, least=-1)
    if (parents >= np.arange(bones)).any():
        raise ValueError(f"expected every parent before its bone, got {parents.tolist()}")
    points = array(data, "points", "c", 3)
    count = points.shape[0]
    us = field(given, "us")
    if isinstance(us, (list, np.ndarray)) and len(us) == 0:
        us, chosen = np.zeros((0, 2)), indices(data, "correspondences", count, below=vertices)
    else:
        us, triangles = array(given, "us", count, 2), indices(model, "triangles", "t", 3, below=vertices)
        chosen = triangles[indices(data, "correspondences", count, below=len(triangles))]
    return tuple(parents.tolist()), array(given, "theta", 26), us, points, chosen, arrays


def kmeans(given: Any) -> tuple:
    """Return centroids[k, d] and points[n, d]."""
    points = array(given, "points", "n", "d")
    return array(given, "centroids", "k", points.shape[1]), points


def llsq(given: Any) -> tuple:
    """Return the coefficients x[m] and the count of the points, 0 to n - 1."""
    return array(given, "x", "m"), np.arange(integer(given, "n", 2), dtype=float)


def lse(given: Any) -> tuple:
    return (array(given, "x", "n"),)


def lstm(given: Any) -> tuple:
    """Return main[2l, 4b], extra[3, b], state[2l, b] and sequence[c, b]."""
    extra = array(given, "extra_params", 3, "b")
    bits = extra.shape[1]
    main, sequence = array(given, "main_params", "2l", 4 * bits), array(given, "sequence", "c", bits)
    if len(main) % 2:
        raise ValueError(f"expected 'main_params' to have two rows for each layer, got {len(main)} rows")
    if len(sequence) < 2:
        raise ValueError("expected 'sequence' to have a row to predict, got one row")
    return main, extra, array(given, "state", len(main), bits), sequence


def ode(given: Any) -> tuple:
    integer(given, "s")
    return (array(given, "x", "n"),)


def particle(given: Any) -> tuple:
    return (np.float64(number(field(given, "w"), "w")),)


def saddle(given: Any) -> tuple:
    return (array(given, "start", 2),)
