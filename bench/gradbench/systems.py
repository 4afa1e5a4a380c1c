"""Who answers GradBench's evals: from a system's name to how one of its evaluations is had."""

import importlib
import importlib.util
from collections.abc import Callable

from bench.gradbench.protocol import EVALS, Evaluation

__all__ = ["SYSTEMS"]


def funcgrad(module: str, function: str) -> Evaluation | None:
    if module not in EVALS:
        return None
    return importlib.import_module(f"bench.gradbench.evals.{module}").FUNCTIONS.get(function)


def _peer(name: str) -> Callable[[str, str], Evaluation | None]:
    """Return how the evaluations of a library are had that is imported only then, if it is installed."""

    def evaluation(module, function):
        if importlib.util.find_spec(name) is None:
            return None
        peer = importlib.import_module(f"bench.gradbench.peers.{name}")
        return peer.FUNCTIONS.get(module, {}).get(function)

    return evaluation


# Each gives the evaluation of (module, function), or None where the system has none or is not installed; why a peer
# has none is in its REASONS.
SYSTEMS: dict[str, Callable[[str, str], Evaluation | None]] = {
    "funcgrad": funcgrad,
    "JAX": _peer("jax"),
    "PyTorch": _peer("torch"),
}
