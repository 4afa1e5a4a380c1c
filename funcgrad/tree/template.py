"""Functions written for one structure: flattening and rebuilding without a walk.

Walking containers costs microseconds, more than a small compiled function takes. For arguments made of dicts,
lists and tuples, `adapted` writes the Python function a person would write for just these containers.
"""

from collections.abc import Callable
from typing import Any

from funcgrad.tree.flatten import LEAF, TreeDef
from funcgrad.tree.registry import Keys

__all__ = ["adapted"]

_PLAIN = (dict, list, tuple)


def adapted(function: Callable, arguments: TreeDef, result: TreeDef) -> Callable | None:
    """Return `function`, of flat leaves, as a function of positional arguments of one structure.

    Args:
        function: takes the leaves; returns one leaf, or a tuple of several, or NotImplemented.
        arguments: the structure of the tuple of arguments.
        result: that of what is returned.

    Returns:
        a function that returns NotImplemented for arguments of another structure, or with dicts in another order;
        None where there are containers other than dicts, lists and tuples.

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
        *writer.results,
        f"    return {out}",
    ]
    scope = {"function": function, **writer.keys}
    exec("\n".join(lines), scope)
    return scope["call"]


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.results: list[str] = []
        self.keys: dict[str, Any] = {}
        self._count = 0

    def _key(self, key: Any) -> str:
        name = f"k{len(self.keys)}"
        self.keys[name] = key
        return name

    def take_apart(self, name: str, treedef: TreeDef, leaves: list[str]) -> bool:
        """Write the checks and reads for a container in the variable `name`; False where it is of another kind.

        Containers nested deeper than calls may be are taken apart too: this is no recursion, nor what it writes.
        """
        waiting = [(name, treedef)]
        while waiting:
            name, treedef = waiting.pop()
            if treedef.node is None:
                leaves.append(name)
                continue
            kind = treedef.kind
            if kind not in _PLAIN:
                return False
            count = len(treedef.children)
            parts = [f"p{self._count + i}" for i in range(count)]
            self._count += count
            same = (
                f"[*{name}] == {self._key([*_order(treedef)])}" if kind is dict else f"len({name}) == {count}"
            )
            self.lines.append(
                f"    if type({name}) is not {kind.__name__} or not {same}: return NotImplemented"
            )
            if count:
                read = f"{name}.values()" if kind is dict else name
                self.lines.append(f"    {', '.join(_arranged(parts, treedef))}, = {read}")
            waiting += reversed([*zip(parts, treedef.children, strict=True)])
        return True

    def put_together(self, treedef: TreeDef, leaf: Callable[[], str]) -> str | None:
        """Return the expression that builds a container, of others built before; None where it is of another kind."""
        if treedef.node is None:
            return leaf()
        kind = treedef.kind
        if kind not in _PLAIN:
            return None
        parts = []
        for child in treedef.children:
            part = self.put_together(child, leaf)
            if part is None:
                return None
            parts.append(part)
        if kind is dict:
            pairs = zip(_order(treedef), _arranged(parts, treedef), strict=True)
            inner = ", ".join(f"{self._key(key)}: {part}" for key, part in pairs)
        else:
            inner = ", ".join(parts) + ("," if kind is tuple and parts else "")
        self._count += 1
        name = f"r{self._count}"
        start, end = {dict: "{}", list: "[]", tuple: "()"}[kind]
        self.results.append(f"    {name} = {start}{inner}{end}")
        return name


def _order(treedef):
    """Return a dict's keys in its own order."""
    return treedef.meta.order if type(treedef.meta) is Keys else treedef.meta


def _arranged(parts, treedef):
    """Return what stands for the children of a container, those of a dict in its own order."""
    if treedef.kind is not dict:
        return parts
    known = dict(zip(treedef.meta, parts, strict=True))
    return [known[key] for key in _order(treedef)]
