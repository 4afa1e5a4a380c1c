"""Record what PyTorch gives for the cases in tests/torch/cases: `python tests/data/torch/record.py [AREA ...]`.

Run it from the top of the repository, with a Python that has PyTorch (the recorded values are of 2.13). What
PyTorch has no kernel for (NotImplementedError) is left out: there is nothing to agree with.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.torch import recorded


def main(areas: list[str]) -> None:
    folder = Path(recorded.__file__).parent / "cases"
    for area in areas or sorted(path.stem for path in folder.glob("[a-z]*.py")):
        outcomes = {name: recorded.outcome(case, torch) for name, case in recorded.cases(area).items()}
        outcomes = {k: v for k, v in outcomes.items() if not _without_kernel(v)}
        lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in outcomes.items())
        (recorded.DATA / f"{area}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
        failed = sum(isinstance(v, dict) and "error" in v for v in outcomes.values())
        print(f"{area}: {len(outcomes)} cases, {failed} of which raise")


def _without_kernel(outcome: object) -> bool:
    return (
        isinstance(outcome, dict)
        and outcome.get("error") == "NotImplementedError"
        and "not implemented for" in outcome["text"]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
