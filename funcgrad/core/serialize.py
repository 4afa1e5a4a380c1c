"""Programs in files: a zip archive of one JSON text and the constants as .npy files.

    program.json    {"format": "funcgrad program", "version": 1, "program": {...}}
    0.npy, 1.npy    the captured constants, in order

A program is `{"name", "input_names", "inputs": [type], "constants": [type], "equations", "outputs",
"in_tree", "out_tree"}`. A type is `[shape, dtype, weak]`; an equation `[primitive, params, inputs, [type
of each output], source]`; an atom is a number (the variable: inputs, constants and outputs of equations
count from 0 in that order) or `{"literal": value}`. Parameters are JSON values, and tagged objects for
what JSON lacks: `{"tuple": [...]}`, `{"keys": [...]}` (of a dict, in their order), `{"dtype": name}`, `{"slice": [...]}`,
`{"ellipsis": true}`, `{"complex": [re, im]}`, `{"float": "inf"}`, `{"program": {...}}`.

Loading looks primitives and containers up by name among those registered, and never executes code of the file.
What it gives keeps the laws of `core.check`, or is an error: machine code trusts them.
"""

import io
import math
import zlib
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.check import check
from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Equation, Literal, Program, Var
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType
from funcgrad.errors import ProgramError
from funcgrad.heavy import json, zipfile
from funcgrad.source import Location

__all__ = ["FORMAT", "VERSION", "load", "save"]

FORMAT = "funcgrad program"
VERSION = 1

_WEAK = (np.dtype(int), np.dtype(float), np.dtype(complex))

# A file may expand to so many times its size, or to so many bytes if that is more: beyond, it is no file of ours.
EXPANSION = 100
FREE = 1 << 25

# Parameter classes of the layers above, by tag: (class, to JSON, from JSON).
_codecs: dict[str, tuple[type, Any, Any]] = {}


def register_parameter(tag: str, cls: type, encode: Any, decode: Any) -> None:
    """Let parameters of class `cls` be saved: as `{tag: encode(value)}`, read back by `decode`."""
    _codecs[tag] = (cls, encode, decode)


def save(program: Program, file: Any) -> None:
    """Write a program to a path or a binary file.

    Raises:
        ProgramError: when it holds what has no place in a file, such as the Python functions of custom
            derivatives and callbacks: it names the operation.
    """
    arrays: list[np.ndarray] = []
    text = {"format": FORMAT, "version": VERSION, "program": _encode_program(program, arrays)}
    with zipfile().ZipFile(file, "w", zipfile().ZIP_DEFLATED) as archive:
        archive.writestr("program.json", json().dumps(text, allow_nan=False))
        for i, array in enumerate(arrays):
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            data = buffer.getvalue()
            # (An array of one number, say, is left as it is, or it would expand beyond what is read.)
            small = len(data) > FREE // 4 and len(zlib.compress(data, 1)) * EXPANSION < 2 * len(data)
            how = zipfile().ZIP_STORED if small else zipfile().ZIP_DEFLATED
            archive.writestr(f"{i}.npy", data, how)


def load(file: Any) -> Program:
    """Read a program that `Program.save` wrote.

    Args:
        file: a path or a binary file.

    Raises:
        ProgramError: when the file is damaged, of another format or a newer version, or names a
            primitive or container that is not registered; or when it expands to more than 32 MiB and
            100 times its size, which no saved program does.
        OSError: when it cannot be read.
    """
    try:
        with zipfile().ZipFile(file) as archive:
            _check_expansion(archive)
            text = json().loads(_member(archive, "program.json"))
            arrays = _Arrays(archive)
            if not isinstance(text, dict) or text.get("format") != FORMAT:
                raise ProgramError("load: expected a funcgrad program, got another file.")
            if text.get("version") != VERSION:
                raise ProgramError(
                    f"load: expected format version {VERSION}, got {text.get('version')!r}.",
                    hint="save the program again with this version of funcgrad.",
                )
            return check(_decode_program(text["program"], arrays))
    except (ProgramError, OSError):
        raise
    except (
        Exception
    ) as error:  # zip's, JSON's, NumPy's and the type rules' words for what is not as it should be
        raise ProgramError(
            f"load: expected a funcgrad program, got a damaged or foreign file ({error})."
        ) from error


class _Arrays:
    """The constants of an archive, read in order."""

    def __init__(self, archive):
        self._archive = archive
        self._next = 0

    def pop(self):
        data = _member(self._archive, f"{self._next}.npy")
        self._next += 1
        return _array(data)


def _check_expansion(archive: Any) -> None:
    size = archive.fp.seek(0, io.SEEK_END)
    expanded = sum(info.file_size for info in archive.infolist())
    if expanded > max(FREE, EXPANSION * size):
        raise ProgramError(
            f"load: expected a file that expands to at most {EXPANSION} times its size, got {expanded} bytes "
            f"in one of {size}."
        )


def _member(archive: Any, name: str) -> bytes:
    """Return a member, of which no more is expanded than it says it has."""
    info = archive.getinfo(name)
    with archive.open(info) as member:
        return member.read(info.file_size)


def _array(data: bytes) -> np.ndarray:
    """Return the array of a .npy file. Unlike NumPy's own, this reader takes no memory before it has seen the data."""
    text = io.BytesIO(data)
    if np.lib.format.read_magic(text) != (1, 0):
        raise ProgramError("load: expected arrays in version 1.0 of NumPy's format, got another.")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(text)
    flat = np.frombuffer(data, _numeric(dtype), offset=text.tell())
    return np.array(flat.reshape(shape, order="F" if fortran else "C"), order="C")


def _encode_program(program, arrays):
    numbers: dict[Var, int] = {}

    def define(var):
        numbers[var] = len(numbers)
        return _encode_type(var.type)

    def read(atom):
        return {"literal": _encode(atom.value, arrays)} if isinstance(atom, Literal) else numbers[atom]

    out = {"name": program.name, "input_names": list(program.input_names)}
    out["inputs"] = [define(v) for v in program.inputs]
    out["constants"] = []
    for var, value in program.constants:
        if type(value) is Tracer:
            raise ProgramError("save: expected constants with values, got a traced one.")
        out["constants"].append(define(var))
        arrays.append(np.asarray(value))
    out["equations"] = [
        [
            e.primitive.name,
            _encode_params(e, arrays),
            [read(a) for a in e.inputs],
            [define(v) for v in e.outputs],
            list(e.source) if e.source else None,
        ]
        for e in program.equations
    ]
    out["outputs"] = [read(a) for a in program.outputs]
    out["in_tree"] = _encode_tree(program.in_tree, arrays)
    out["out_tree"] = _encode_tree(program.out_tree, arrays)
    return out


def _encode_params(equation, arrays):
    try:
        return {key: _encode(value, arrays) for key, value in equation.params.items()}
    except _NotPlain as error:
        name = equation.primitive.name
        raise ProgramError(
            f"save: expected operations whose parameters are plain data, got {name} with a {error}.",
            hint="a Python function (of a custom derivative, a callback, or an equation to solve) has no place in a "
            "file: save the program of what does not use it, or of its derivative.",
            at=equation.source,
        ) from None


class _NotPlain(Exception):
    """A value that has no place in a file."""


def _decode_program(text, arrays):
    variables: list[Var] = []

    def define(encoded):
        variables.append(Var(_decode_type(encoded)))
        return variables[-1]

    def read(atom):
        if isinstance(atom, dict):
            return Literal(_decode(atom["literal"], arrays))
        if isinstance(atom, bool) or not isinstance(atom, int) or atom < 0:
            raise ProgramError(f"load: expected the number of a variable, got {atom!r}.")
        return variables[atom]

    inputs = [define(t) for t in text["inputs"]]
    constants = [(define(t), arrays.pop()) for t in text["constants"]]
    constants = [(v, x if x.ndim else x[()]) for v, x in constants]
    equations = []
    for name, params, atoms, types, source in text["equations"]:
        try:
            primitive = primitive_named(name)
        except KeyError:
            raise ProgramError(
                f"load: expected primitives that are registered, got {name!r}.",
                hint="import the module that defines it first.",
            ) from None
        decoded = {key: _decode(value, arrays) for key, value in params.items()}
        read_atoms = tuple(map(read, atoms))
        outputs = tuple(map(define, types))
        equations.append(
            Equation(primitive, read_atoms, decoded, outputs, Location(*source) if source else None)
        )
    return Program(
        tuple(inputs),
        tuple(constants),
        tuple(equations),
        tuple(map(read, text["outputs"])),
        _decode_tree(text["in_tree"], arrays),
        _decode_tree(text["out_tree"], arrays),
        str(text["name"]),
        tuple(map(str, text["input_names"])),
    )


def _encode_type(t):
    return [list(t.shape), t.dtype.str, t.weak]


def _decode_type(encoded):
    shape, dtype, weak = encoded
    kind = ArrayType(shape, _numeric(np.dtype(dtype)), weak)
    if type(weak) is not bool or (weak and (shape or kind.dtype not in _WEAK)):
        raise ProgramError(f"load: expected a Python number or an array, got the type {encoded}.")
    return kind


def _numeric(dtype: np.dtype) -> np.dtype:
    if dtype.kind not in "biufc" or not dtype.isnative:
        raise ProgramError(f"load: expected arrays of numbers in this machine's byte order, got {dtype}.")
    return dtype


def _encode_tree(treedef, arrays):
    if treedef is None:
        return None
    if treedef.node is None:
        return "leaf"
    children = [_encode_tree(child, arrays) for child in treedef.children]
    try:
        meta = _encode(treedef.meta, arrays)
    except _NotPlain as error:
        raise ProgramError(
            f"save: expected containers that are described by plain data, got a {treedef.name} with a {error}.",
            hint="its keys and static fields must be numbers, strings, or tuples of them.",
        ) from None
    return {"node": treedef.name, "meta": meta, "children": children}


def _decode_tree(encoded, arrays):
    if encoded is None:
        return None
    if encoded == "leaf":
        return tree.LEAF
    node = tree.node_named(encoded["node"])
    if node is None:
        raise ProgramError(
            f"load: expected containers of registered classes, got {encoded['node']!r}.",
            hint="import its class and use it once, or register it with fg.tree.register_node.",
        )
    children = tuple([_decode_tree(child, arrays) for child in encoded["children"]])
    meta = _decode(encoded["meta"], arrays)
    again, same = node.flatten(node.unflatten(meta, [0.0] * len(children)))
    if len(list(again)) != len(children) or same != meta:
        raise ProgramError(f"load: expected a {node.name} of {len(children)} children, got {meta!r}.")
    return tree.TreeDef(node, meta, children)


def _encode(value: Any, arrays: list) -> Any:
    for tag, (cls, encode, _) in _codecs.items():
        if type(value) is cls:
            return {tag: _encode(encode(value), arrays)}
    if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, np.generic)):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is complex:
        return {"complex": [_encode(value.real, arrays), _encode(value.imag, arrays)]}
    if isinstance(value, np.generic):
        return {"scalar": [value.dtype.str, value.tobytes().hex()]}
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if isinstance(value, slice):
        return {"slice": [_encode(v, arrays) for v in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if type(value) is tuple:
        return {"tuple": [_encode(v, arrays) for v in value]}
    if isinstance(value, Program):
        return {"program": _encode_program(value, arrays)}
    if isinstance(value, tree.TreeDef):
        return {"tree": _encode_tree(value, arrays)}
    if isinstance(value, Location):
        return {"location": list(value)}
    raise _NotPlain(type(value).__name__.lstrip("_"))


def _decode(encoded: Any, arrays: Any) -> Any:
    if not isinstance(encoded, dict):
        return encoded
    ((tag, body),) = encoded.items()
    if tag in _codecs:
        return _codecs[tag][2](_decode(body, arrays))
    if tag == "tuple":
        return tuple([_decode(v, arrays) for v in body])
    if tag == "float":
        return float(body)
    if tag == "complex":
        return complex(*[_decode(v, arrays) for v in body])
    if tag == "scalar":
        dtype, data = body
        return np.frombuffer(bytes.fromhex(data), np.dtype(dtype))[0]
    if tag == "dtype":
        return np.dtype(body)
    if tag == "slice":
        return slice(*[_decode(v, arrays) for v in body])
    if tag == "ellipsis":
        return Ellipsis
    if tag == "program":
        return _decode_program(body, arrays)
    if tag == "tree":
        return _decode_tree(body, arrays)
    if tag == "location":
        return Location(*body)
    raise ProgramError(f"load: expected a known kind of parameter, got {tag!r}.")


register_parameter("keys", tree.Keys, lambda keys: keys.order, tree.Keys.of)
Program._save = staticmethod(save)
Program.load = staticmethod(load)
