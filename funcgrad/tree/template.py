"""Functions written for one structure: flattening and rebuilding without a walk.

Walking containers costs microseconds, more than a small compiled function takes. For arguments made of dicts,
lists and tuples, `adapted` writes the Python function a person would write for just these containers.
"""

from collections.abc import Callable
from typing import Any

from funcgrad.tree.flatten import LEAF, TreeDef

__all__ = ["adapted"]

_PLAIN = (dict, list, tuple)


def adapted(function: Callable, arguments: TreeDef, result: TreeDef) -> Callable | None:
    """Return `function`, of flat leaves, as a function of positional arguments of one structure.

    Args:
        function: takes the leaves; returns one leaf, or a tuple of several, or NotImplemented.
        arguments: the structure of the tuple of arguments.
        result: that of what is returned.

    Returns:
        a function that returns NotImplemented for arguments of another structure; None where there are containers
        other than dicts, lists and tuples.

    >>> from funcgrad import tree
    >>> f = adapted(lambda x, y: (x + y, x - y), tree.structure(({"a": 1, "b": 2},)), tree.structure([1, (2,)]))
    >>> f({"a": 5, "b": 3}), f({"a": 5}), f(5)
    ([8, (2,)], NotImplemented, NotImplemented)
    """
    writer = _Writer()
    names = [f"x{i}" for i in range(len(arguments.children))]
    leaves: list[str] = []
    for name, child in zip(names, arguments.children, strict=True):
        if not writer.take_apart(name, child, leaves):
            return None
    count = iter(range(result.size))
    out = writer.put_together(result, lambda: f"y[{next(count)}]" if result.size > 1 else "y")
    if out is None:
        return None
    given = ", ".join(names)
    lines = [
        "def call(*args):",
        f"    if len(args) != {len(names)}: return NotImplemented",
        *([f"    {given}, = args"] if names else []),
        *writer.lines,
        f"    y = function({', '.join(leaves)})",
        *(["    if y is NotImplemented: return y"] if result is not LEAF else []),
        f"    return {out}",
    ]
    scope = {"function": function, **writer.keys}
    exec("\n".join(lines), scope)
    return scope["call"]


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.keys: dict[str, Any] = {}
        self._count = 0

    def _key(self, key: Any) -> str:
        name = f"k{len(self.keys)}"
        self.keys[name] = key
        return name

    def take_apart(self, name: str, treedef: TreeDef, leaves: list[str]) -> bool:
        """Write the checks and reads for a container in the variable `name`; False where it is of another kind."""
        if treedef.node is None:
            leaves.append(name)
            return True
        kind = treedef.kind
        if kind not in _PLAIN:
            return False
        parts = []
        self.lines.append(
            f"    if type({name}) is not {kind.__name__} or len({name}) != {len(treedef.children)}: return NotImplemented"
        )
        for i, child in enumerate(treedef.children):
            self._count += 1
            part = f"p{self._count}"
            if kind is dict:
                key = self._key(treedef.meta[i])
                self.lines.append(f"    if {key} not in {name}: return NotImplemented")
                self.lines.append(f"    {part} = {name}[{key}]")
            else:
                self.lines.append(f"    {part} = {name}[{i}]")
            parts.append((part, child))
        return all(self.take_apart(part, child, leaves) for part, child in parts)

    def put_together(self, treedef: TreeDef, leaf: Callable[[], str]) -> str | None:
        """Return the expression that builds a container; None where it is of another kind."""
        if treedef.node is None:
            return leaf()
        kind = treedef.kind
        parts = [self.put_together(child, leaf) for child in treedef.children]
        if kind not in _PLAIN or None in parts:
            return None
        if kind is dict:
            return (
                "{"
                + ", ".join(f"{self._key(k)}: {p}" for k, p in zip(treedef.meta, parts, strict=True))
                + "}"
            )
        inner = ", ".join(map(str, parts))
        return f"[{inner}]" if kind is list else f"({inner}{',' if parts else ''})"
