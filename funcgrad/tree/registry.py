"""Which Python types are containers, and how each is taken apart and put together."""

import dataclasses
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from funcgrad.errors import TreeError

__all__ = [
    "Keys",
    "Node",
    "has_attributes",
    "node_for",
    "node_named",
    "node_of",
    "register_dataclass",
    "register_node",
]


class Node(NamedTuple):
    """How one container type is flattened.

    `flatten(x)` returns `(children, meta)`, `unflatten(meta, children)` the container, and
    `entries(meta, n)` the text that leads to each child in a key path. In memory containers are told apart by
    their class, for one that is defined again has the old name; files know it by `name`.
    """

    cls: type
    name: str
    flatten: Callable[[Any], tuple[Iterable[Any], Hashable]]
    unflatten: Callable[[Any, Iterable[Any]], Any]
    entries: Callable[[Any, int], list[str]]


class Keys(tuple):
    """The keys of a dict as sorted, in the order of its leaves; equal whatever their `order` in the dict itself.

    So a dict is rebuilt with its keys where they were, while dicts of the same keys have the same structure. Keys
    that are in order already are a plain tuple.
    """

    order: tuple

    @classmethod
    def of(cls, order: tuple) -> "Keys":
        keys = cls(_sorted(order))
        keys.order = tuple(order)
        return keys

    def __reduce__(self):
        return Keys.of, (self.order,)


_nodes: dict[type, Node | None] = {}  # None for the types seen to be leaves
_by_name: dict[str, Node] = {}


def register_node(
    cls: type,
    flatten: Callable[[Any], tuple[Iterable[Any], Hashable]],
    unflatten: Callable[[Any, Iterable[Any]], Any],
    *,
    name: str | None = None,
    entries: Callable[[Any, int], list[str]] | None = None,
) -> None:
    """Register `cls` as a container, so that its instances pass through every transformation.

    Args:
        cls: the class; instances of exactly this class are taken apart.
        flatten: `flatten(x)` returns `(children, meta)`, with `meta` hashable.
        unflatten: `unflatten(meta, children)` rebuilds the instance.
        name: what saved Programs call it; the qualified name by default.
        entries: `entries(meta, n)` gives the key-path text of each of `n` children.

    Raises:
        TreeError: when `cls` is registered already, or `name` is that of a built-in container.

    >>> import funcgrad as fg
    >>> class Pair:
    ...     def __init__(self, a, b): self.a, self.b = a, b
    >>> fg.tree.register_node(Pair, lambda p: ((p.a, p.b), None), lambda _, ab: Pair(*ab))
    >>> fg.grad(lambda p: p.a * p.b)(Pair(2.0, 3.0)).a
    np.float64(3.0)
    """
    if _nodes.get(cls) is not None:
        raise TreeError(f"register_node: a class is registered once, got {cls.__qualname__} again.")
    name = name or f"{cls.__module__}.{cls.__qualname__}"
    if name in _BUILTIN:
        raise TreeError(f"register_node: expected a name that no built-in container has, got {name!r}.")
    _nodes[cls] = _by_name[name] = Node(cls, name, flatten, unflatten, entries or _indices)


def register_dataclass(cls: type, meta_fields: Iterable[str] = ()) -> type:
    """Register a dataclass whose `meta_fields` are static: hashable, and not differentiated.

    Dataclasses need no registration; this is for those that carry configuration beside arrays.
    Returns `cls`, so that it can be used as a decorator.
    """
    meta_fields = tuple(meta_fields)
    names = [f.name for f in dataclasses.fields(cls)]
    unknown = [name for name in meta_fields if name not in names]
    if unknown:
        raise TreeError(
            f"register_dataclass: meta_fields must be fields of {cls.__qualname__}, got {unknown[0]!r}.",
            hint=f"its fields are {', '.join(names)}.",
        )
    flatten, unflatten = _dataclass_functions(cls, meta_fields)
    register_node(cls, flatten, unflatten, entries=_attribute_entries)
    return cls


def node_for(x: Any) -> Node | None:
    """Return how `x` is taken apart, or None when `x` is a leaf."""
    try:
        return _nodes[type(x)]
    except KeyError:
        return node_of(type(x))


def node_of(cls: type) -> Node | None:
    """Return how instances of `cls` are taken apart, or None when they are leaves."""
    if cls not in _nodes:
        node = _nodes[cls] = _automatic(cls)
        if node is not None:
            _by_name[node.name] = node
    return _nodes[cls]


def node_named(name: str) -> Node | None:
    """Return the node known as `name`, or None. Of classes defined one after the other it is the last one's."""
    node = _by_name.get(name)
    if node is None:
        return None
    current: Any = sys.modules.get(node.cls.__module__)
    for part in node.cls.__qualname__.split("."):
        current = getattr(current, part, None)
    return (node_of(current) if isinstance(current, type) else None) or node


def _automatic(cls: type) -> Node | None:
    name = f"{cls.__module__}.{cls.__qualname__}"
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        fields = cls._fields
        return Node(
            cls,
            name,
            lambda x: (tuple(x), fields),
            lambda meta, children: cls(*children),
            _attribute_entries,
        )
    if dataclasses.is_dataclass(cls):
        flatten, unflatten = _dataclass_functions(cls, ())
        return Node(cls, name, flatten, unflatten, _attribute_entries)
    return None


def _dataclass_functions(cls, meta_fields):
    names = tuple(f.name for f in dataclasses.fields(cls) if f.name not in meta_fields)

    def flatten(x):
        static = tuple(getattr(x, name) for name in meta_fields)
        return tuple(getattr(x, name) for name in names), (names, meta_fields, static)

    def unflatten(meta, children):
        # The fields are set directly: __init__ may take other arguments or check its values.
        x = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(x, name, child)
        for name, value in zip(meta[1], meta[2], strict=True):
            object.__setattr__(x, name, value)
        return x

    return flatten, unflatten


def _attribute_entries(meta, n):
    names = meta[0] if meta and isinstance(meta[0], tuple) else meta
    return [f".{name}" for name in names]


def has_attributes(node: Node) -> bool:
    """Whether the children of a container are its attributes."""
    return node.entries is _attribute_entries


def _sorted(keys: Iterable) -> list:
    try:
        return sorted(keys)
    except TypeError:  # keys of mixed types
        return sorted(keys, key=lambda key: (type(key).__qualname__, repr(key)))


def _keys_of(d: dict) -> tuple:
    keys = tuple(d)
    return keys if [*keys] == _sorted(keys) else Keys.of(keys)


def _indices(meta, n):
    return [f"[{i}]" for i in range(n)]


def _keys(meta, n):
    return [f"[{key!r}]" for key in meta]


def _flatten_dict(d):
    keys = _keys_of(d)
    return [d[k] for k in keys], keys


def _dict_of(keys, children):
    d = dict(zip(keys, children, strict=True))
    return {k: d[k] for k in keys.order} if type(keys) is Keys else d


def _flatten_defaultdict(d):
    children, keys = _flatten_dict(d)
    return children, (d.default_factory, keys)


def _register_builtin(cls, name, flatten, unflatten, entries):
    _nodes[cls] = _by_name[name] = Node(cls, name, flatten, unflatten, entries)


_BUILTIN = ("tuple", "list", "None", "dict", "OrderedDict", "defaultdict")
_register_builtin(tuple, "tuple", lambda x: (x, None), lambda _, c: tuple(c), _indices)
_register_builtin(list, "list", lambda x: (x, None), lambda _, c: list(c), _indices)
_register_builtin(type(None), "None", lambda x: ((), None), lambda _, c: None, _indices)
_register_builtin(dict, "dict", _flatten_dict, _dict_of, _keys)
_register_builtin(
    OrderedDict,
    "OrderedDict",
    lambda d: (list(d.values()), tuple(d)),
    lambda k, c: OrderedDict(zip(k, c, strict=True)),
    _keys,
)
_register_builtin(
    defaultdict,
    "defaultdict",
    _flatten_defaultdict,
    lambda meta, c: defaultdict(meta[0], _dict_of(meta[1], c)),
    lambda meta, n: _keys(meta[1], n),
)
