"""torch.save and torch.load: tensors and plain containers in a file that runs nothing when it is read.

The file is a zip archive: `contents.json` describes the object, and `memory/0.npy`, `memory/1.npy` …
hold the elements (`numpy.load` reads them). Tensors that overlap in memory are laid out in one
memory, and overlap again when they are loaded.
"""

import json
import math
import os
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.torch.devices import checked_device
from funcgrad.torch.dtypes import DTYPES, dtype, is_floating
from funcgrad.torch.nn.parameter import Buffer, Parameter
from funcgrad.torch.size import Size
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["load", "save"]

_FORMAT, _VERSION = "funcgrad.torch", 1
_CONTENTS = "contents.json"
_CLASSES = {cls.__name__: cls for cls in (Tensor, Parameter, Buffer)}
_SEQUENCES = {"list": list, "tuple": tuple, "Size": Size}
_MAPPINGS = {"dict": dict, "OrderedDict": OrderedDict}
_Numbered = dict[int, tuple[int, Tensor]]  # tensors met so far, by id
_PLAIN = (type(None), bool, int, str)  # as JSON has them


def save(obj: Any, f: Any) -> None:
    """Write an object to a file.

    It may consist of tensors and parameters, numbers, strings, None, dtypes, and of lists, tuples,
    dicts and OrderedDicts of these. Memory that tensors share, and `requires_grad`, are kept;
    gradients and histories are not.

    Args:
        f: a path, or a file opened for writing bytes.

    Raises:
        TypeError: for anything else, naming where in the object it stands.
        RuntimeError: when the folder does not exist.

    >>> import io
    >>> from funcgrad import torch
    >>> file = io.BytesIO()
    >>> torch.save({"w": torch.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'w': tensor([1., 1.]), 'epoch': 3}
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    numbered: _Numbered = {}
    described = _described(obj, "obj", numbered, ())
    tensors = [x for _, x in numbered.values()]
    memories, places = _laid_out([x._array for x in tensors])
    contents = {
        "format": _FORMAT,
        "version": _VERSION,
        "object": described,
        "tensors": [
            {"class": type(x).__name__, "requires_grad": x.requires_grad, "dtype": x.dtype.name}
            | place
            | ({"persistent": x.persistent} if isinstance(x, Buffer) else {})
            for x, place in zip(tensors, places, strict=True)
        ],
    }
    if isinstance(f, (str, os.PathLike)):
        folder = os.path.dirname(os.fspath(f))
        if folder and not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
    with zipfile.ZipFile(f, "w") as archive:  # type: ignore[arg-type]
        # A ZipInfo of its own has a fixed date: the same object gives the same bytes.
        archive.writestr(zipfile.ZipInfo(_CONTENTS), json.dumps(contents))
        for i, memory in enumerate(memories):
            with archive.open(zipfile.ZipInfo(_member(i)), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, memory, allow_pickle=False)


def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Return the object that `save` wrote to a file.

    Args:
        f: a path, or a file opened for reading bytes.
        map_location: the device for the tensors; there is the CPU.
        weights_only: must be true; nothing else can be in a file of this package.

    Raises:
        NotImplementedError: for `weights_only=False`, and for files of PyTorch's, which are pickles.
        RuntimeError: when the file is damaged, or none that `save` wrote.
    """
    if not weights_only:
        raise NotImplementedError(
            "load: weights_only=False would unpickle the file, which can run any code in it. funcgrad.torch writes and "
            "reads tensors, numbers, strings and plain containers only.\n"
            "Hint: leave weights_only out; of a module, save and load the state_dict()."
        )
    if map_location is not None:
        checked_device(map_location)
    name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else "the file"
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _read(file, name)
    return _read(f, name)


def _member(i: int) -> str:
    return f"memory/{i}.npy"


# Writing


def _described(x: Any, where: str, tensors: _Numbered, around: tuple[int, ...]) -> Any:
    """Return what JSON holds for a part of the object: itself, or {kind: content}; tensors are collected.

    Args:
        where: how to reach it from the object.
        around: the ids of the containers it stands in.
    """
    kind = type(x)
    if kind in _PLAIN:
        return x
    if kind is float:
        return x if math.isfinite(x) else {"float": str(x)}
    if kind is complex:
        return {"complex": [str(x.real), str(x.imag)]}
    if kind is dtype:
        return {"dtype": x.name}
    if kind in _CLASSES.values():
        if type(x._array) is not np.ndarray:
            raise TypeError(f"save: {where} is a traced tensor: it has no values before the program runs.")
        number, _ = tensors.setdefault(id(x), (len(tensors), x))
        return {"tensor": number}
    if id(x) in around:
        raise TypeError(f"save: {where} contains itself.")
    around = (*around, id(x))
    if kind in _SEQUENCES.values():
        return {kind.__name__: [_described(y, f"{where}[{i}]", tensors, around) for i, y in enumerate(x)]}
    if kind in _MAPPINGS.values():
        return {
            kind.__name__: [
                [
                    _described(k, f"{where}, key {k!r},", tensors, around),
                    _described(v, f"{where}[{k!r}]", tensors, around),
                ]
                for k, v in x.items()
            ]
        }
    raise TypeError(
        f"save: {where} must be a tensor, number, string, None, dtype, list, tuple, dict or OrderedDict, got "
        f"{kind.__module__}.{kind.__qualname__}.\nHint: {_edit(x)}"
    )


def _edit(x: Any) -> str:
    if hasattr(x, "state_dict"):
        return "save its state_dict()."
    if isinstance(x, np.ndarray):
        return "save torch.from_numpy(array)."
    if isinstance(x, np.generic):
        return "save its item()."
    return "convert it to one of these."


def _laid_out(arrays: list[np.ndarray]) -> tuple[list[np.ndarray], list[dict]]:
    """Return memories that hold the arrays, and the place of each; arrays that overlap are in one memory.

    Bytes between the elements of arrays are zero: what else was in their memory is not written.
    """
    bounds = [np.lib.array_utils.byte_bounds(a) if a.size else (0, 0) for a in arrays]
    groups: list[list[int]] = []
    end = -1
    for i in sorted(range(len(arrays)), key=lambda i: bounds[i]):
        low, high = bounds[i]
        if low < end:
            groups[-1].append(i)
        else:
            groups.append([i])
        end = max(end, high)
    memories: list[np.ndarray] = []
    places: list[dict] = [{} for _ in arrays]
    for number, group in enumerate(groups):
        start = bounds[group[0]][0]
        buffer = np.zeros(max(bounds[i][1] for i in group) - start, np.uint8)
        for i in group:
            a = arrays[i]
            place = {"memory": number, "shape": a.shape, "offset": bounds[i][0] - start, "strides": a.strides}
            places[i] = place
            _placed(buffer, a.dtype, place)[...] = a
        kinds = {arrays[i].dtype for i in group}
        whole = len(kinds) == 1 and not buffer.size % arrays[group[0]].itemsize
        memories.append(buffer.view(kinds.pop()) if whole else buffer)
    return memories, places


def _placed(memory: np.ndarray, kind: np.dtype, place: dict) -> np.ndarray:
    """Return the array at a place of a memory."""
    shape, strides, offset = tuple(place["shape"]), tuple(place["strides"]), place["offset"]
    if any(s < 0 for s in strides):
        raise ValueError("a stride is negative")
    if 0 in shape:
        return np.empty(shape, kind)
    return np.ndarray(shape, kind, memory, offset, strides)  # which checks that it fits


# Reading


def _read(file: Any, name: str) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
            if _CONTENTS not in members:
                raise _foreign(name, any(m.endswith("data.pkl") for m in members))
            contents = json.loads(archive.read(_CONTENTS))
            if contents["format"] != _FORMAT:
                raise ValueError(f"the format is {contents['format']!r}")
            if contents["version"] != _VERSION:
                raise RuntimeError(
                    f"load: {name} has version {contents['version']} of the format, and this funcgrad reads {_VERSION}.\n"
                    "Hint: install a newer funcgrad."
                )
            return _object_of(contents, lambda i: _memory(archive, i))
    except zipfile.BadZipFile as error:
        file.seek(0)
        start = file.read(2)
        if start == b"PK":
            raise _damaged(name, error) from None
        raise _foreign(name, start[:1] == b"\x80") from None
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        EOFError,
        RecursionError,
        MemoryError,
    ) as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> RuntimeError:
    return RuntimeError(f"load: {name} is damaged: {type(error).__name__}: {error}")


def _foreign(name: str, pickled: bool) -> Exception:
    if pickled:
        return NotImplementedError(
            f"load: {name} was written by PyTorch, as a pickle, and reading one can run any code in it.\n"
            "Hint: in PyTorch, write arrays: numpy.savez(path, **{k: v.numpy() for k, v in state_dict.items()}); here, "
            "make tensors of what numpy.load gives."
        )
    return RuntimeError(f"load: {name} is not a file that funcgrad.torch.save wrote.")


def _memory(archive: zipfile.ZipFile, i: int) -> np.ndarray:
    with archive.open(_member(i)) as member:
        memory = np.lib.format.read_array(member, allow_pickle=False)
        # To the end: the checksum is compared there.
        if member.read(1):
            raise ValueError(f"{_member(i)} is longer than it says")
    return memory


def _object_of(contents: dict, read: Callable[[int], np.ndarray]) -> Any:
    """Return the object that the contents describe.

    Args:
        read: gives the memory of a number.
    """
    memories: dict[int, np.ndarray] = {}
    tensors = []
    for entry in contents["tensors"]:
        i = entry["memory"]
        if i not in memories:
            memories[i] = read(i)
        kind = np.dtype(entry["dtype"])
        if kind not in DTYPES:
            raise ValueError(f"there are no tensors of {kind}")
        x = wrap(_placed(memories[i], kind, entry), _CLASSES[entry["class"]])
        x._leaf_grad = bool(entry["requires_grad"])
        if x._leaf_grad and not is_floating(kind):
            raise ValueError(f"a tensor of {kind} requires gradients")
        if isinstance(x, Buffer):
            x.persistent = entry["persistent"]
        tensors.append(x)
    return _restored(contents["object"], tensors)


def _restored(x: Any, tensors: list[Tensor]) -> Any:
    if not isinstance(x, dict):
        if isinstance(x, list):
            raise ValueError("a list without a kind")
        return x
    ((kind, content),) = x.items()
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_restored(y, tensors) for y in content)
    if kind in _MAPPINGS:
        return _MAPPINGS[kind]((_restored(k, tensors), _restored(v, tensors)) for k, v in content)
    if kind == "tensor":
        return tensors[content]
    if kind == "float":
        return float(content)
    if kind == "complex":
        return complex(*map(float, content))
    if kind == "dtype":
        return DTYPES[np.dtype(content)]
    raise ValueError(f"an object of kind {kind!r}")
