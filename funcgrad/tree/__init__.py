"""Containers of arrays ("pytrees"): dict, list, tuple, namedtuple, dataclass, None and registered classes."""

from funcgrad.tree.flatten import (
    LEAF,
    TreeDef,
    flatten,
    flatten_with_paths,
    leaves,
    map,
    structure,
    unflatten,
)
from funcgrad.tree.paths import (
    AttributeKey,
    DictKey,
    EntryKey,
    SequenceKey,
    flatten_with_path,
    keystr,
    map_with_path,
)
from funcgrad.tree.prefix import broadcast_prefix
from funcgrad.tree.registry import Keys, node_named, register_dataclass, register_node
from funcgrad.tree.template import adapted

__all__ = [
    "LEAF",
    "AttributeKey",
    "DictKey",
    "EntryKey",
    "Keys",
    "SequenceKey",
    "TreeDef",
    "adapted",
    "broadcast_prefix",
    "flatten",
    "flatten_with_path",
    "flatten_with_paths",
    "keystr",
    "leaves",
    "map",
    "map_with_path",
    "node_named",
    "register_dataclass",
    "register_node",
    "structure",
    "unflatten",
]
