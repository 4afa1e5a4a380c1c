"""The tool in a process of its own, spoken to as GradBench's intermediary does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Session"]


class Session:
    """A context in which the tool runs.

    Example:
        with Session() as tool:
            tool.ask({"id": 0, "kind": "start"})
    """

    def __init__(self, quiet: bool = False):
        self._errors = subprocess.DEVNULL if quiet else None

    def __enter__(self) -> "Session":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.gradbench"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        """End the input, at which the tool is to end."""
        self._process.stdin.close()
        status = self._process.wait(60)
        self._process.stdout.close()
        if status and error[0] is None:
            raise RuntimeError(f"the tool ended with status {status}")

    def say(self, line: str) -> None:
        """Send a line that may be anything."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def heard(self) -> dict[str, Any]:
        """Return the next answer."""
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the tool ended with status {self._process.wait()} instead of an answer")
        return json.loads(line)

    def ask(self, message: Any) -> dict[str, Any]:
        """Send a message and return its answer."""
        self.say(json.dumps(message))
        return self.heard()
