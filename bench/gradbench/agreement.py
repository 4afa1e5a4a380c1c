"""`python -m bench.gradbench.agreement`: are the tool's answers right? A table, in bench/results.

Every workload goes to the tool through the protocol, in a process of its own; each answer is compared with plain NumPy
(`reference`), a derivative with complex steps of that, and with the peers that are installed.
"""

import argparse
import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.gradbench.differences import apart, judge
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import timed
from bench.gradbench.session import Session
from bench.gradbench.systems import SYSTEMS
from bench.gradbench.workloads import CLASSES, FUNCTIONS, Workload, of_class

__all__ = ["Row", "rows", "table"]

RESULT = Path(__file__).parents[1] / "results" / "gradbench-agreement.md"
TOLERANCE = 1e-8  # GradBench's own is 1e-4, and absolute for numbers below 1
PEERS = tuple(name for name in SYSTEMS if name != "funcgrad")


class Row(NamedTuple):
    """How far one answer is from others.

    Attributes:
        errors: by what it is compared with, max|a - b| / max|b| of the worst part of the output; None for none.
    """

    workload: Workload
    function: str
    errors: dict[str, float | None]

    @property
    def right(self) -> bool:
        return all(error is None or error <= TOLERANCE for error in self.errors.values())


def rows(workloads: list[Workload]) -> Iterator[Row]:
    """Yield the row of each function of workloads; RuntimeError where the tool gives no answer."""
    ids = count()
    with Session() as tool:
        for workload in workloads:
            given = workload.make()
            error = judge(workload.module, given)
            for function in FUNCTIONS[workload.module]:
                message = {
                    "id": next(ids),
                    "kind": "evaluate",
                    "module": workload.module,
                    "function": function,
                }
                asked = listed(given)
                if isinstance(asked, dict):
                    asked |= {"min_runs": 1, "min_seconds": 0}
                answer = tool.ask({**message, "input": asked})
                if not answer["success"] or answer["id"] != message["id"]:
                    raise RuntimeError(f"{workload.module} {workload.label} {function}: {answer}")
                errors = {"NumPy": error(function, answer["output"])}
                for name in PEERS:
                    peer = SYSTEMS[name](workload.module, function)
                    errors[name] = None if peer is None else apart(answer["output"], timed(peer, given)[0])
                yield Row(workload, function, errors)


def _shown(error: float | None) -> str:
    return "" if error is None else "0" if error == 0 else f"{error:.0e}"


def table(found: list[Row]) -> str:
    versions = [f"{name} {_version(name)}" for name in ("numpy", "jax", "torch") if _version(name)]
    lines = [
        "# GradBench: do the answers agree?",
        "",
        "Each answer came through the protocol; `python -m bench.gradbench.agreement` makes this table. Given is",
        "max|a - b| / max|b|, of the worst of an output's parts; 0 where all digits agree, or both are zero, as ode's",
        "gradient is at GradBench's sizes (hence the shorter ones). *NumPy*: against a reference in plain NumPy, and",
        "for a derivative against complex steps of it, or for kmeans' Hessian differences of those. Empty: the peer",
        f"has none. All are to be below {TOLERANCE:.0e}; GradBench asks for 1e-04.",
        "",
        f"Python {platform.python_version()}, {', '.join(versions)}.",
        "",
        f"| Eval | Workload | Function | NumPy | {' | '.join(PEERS)} |",
        f"| --- | --- | --- |{' ---: |' * (1 + len(PEERS))}",
    ]
    for workload, function, errors in found:
        shown = " | ".join(_shown(error) for error in errors.values())
        lines.append(f"| {workload.module} | {workload.label} | {function} | {shown} |")
    return "\n".join(lines) + "\n"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _short_chain(n: int, s: int) -> Workload:
    """Return a workload of ode whose result is not zero yet (GRADBENCH 3.10)."""
    return Workload("ode", f"n={n},s={s}", "", lambda: {"x": np.random.RandomState(31337).rand(n), "s": s})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("classes", nargs="*", help=f"of workloads, among {', '.join(CLASSES)}")
    classes = parser.parse_args().classes or CLASSES[:3]
    if unknown := set(classes) - set(CLASSES):
        parser.error(f"expected classes among {', '.join(CLASSES)}, got {', '.join(unknown)}")
    found = []
    for row in rows([*of_class(*classes), _short_chain(4, 2), _short_chain(20, 10)]):
        found.append(row)
        errors = ", ".join(
            f"{name} {_shown(error)}" for name, error in row.errors.items() if error is not None
        )
        print(row.workload.module, row.workload.label, row.function, errors, file=sys.stderr, flush=True)
    found.sort(key=lambda row: list(FUNCTIONS).index(row.workload.module))
    RESULT.write_text(table(found))
    print(table(found))
    wrong = [row for row in found if not row.right]
    for row in wrong:
        print(f"above {TOLERANCE}: {row}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
