"""The output of each eval, from arrays to what JSON has; every system writes it here."""

from typing import Any

import numpy as np

__all__ = ["ba_jacobian", "ba_objective", "listed"]


def listed(x: Any) -> Any:
    """Return arrays, of any library, in dictionaries and sequences as lists and numbers."""
    if isinstance(x, dict):
        return {name: listed(part) for name, part in x.items()}
    if isinstance(x, (list, tuple)):
        return [listed(part) for part in x]
    return np.asarray(x).tolist()


def ba_objective(result: tuple) -> dict:
    """Return the residuals errors[p, 2] and misses[p] as the eval wants them: the first, and how many."""
    errors, misses = result
    return {
        "reproj_error": {"elements": listed(errors[0]), "repeated": len(misses)},
        "w_err": {"element": listed(misses[0]), "repeated": len(misses)},
    }


def ba_jacobian(result: tuple) -> dict:
    """Return of each array of the sparse Jacobian its first 30 elements and its last."""
    parts = zip(("rows", "cols", "vals"), result, strict=True)
    return {name: [*listed(x[:30]), listed(x[-1])] for name, x in parts}
