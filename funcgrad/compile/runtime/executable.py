"""A compiled program: machine code, the addresses it needs, and a Python callable."""

import sys
import weakref
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from funcgrad.compile.codegen.entry import type_slots
from funcgrad.compile.codegen.module import Module
from funcgrad.compile.loopir.statement import HostCall, Operand
from funcgrad.compile.runtime import cache
from funcgrad.compile.runtime.errors import OutOfBounds, TooLarge
from funcgrad.compile.runtime.machine import Loaded, compile_object, identity
from funcgrad.compile.runtime.parallel import parallel_loop
from funcgrad.compile.target.abi import api_address
from funcgrad.core.types import ArrayType
from funcgrad.errors import DTypeError, TreeError
from funcgrad.heavy import blas_address, blas_threads, ctypes, fourier_address, hashlib

__all__ = ["Executable", "plain"]


# The arrays of a host call are remembered, by where they are, for so many places.
MOST_FRAMES = 8


class Executable:
    """A program as a native function of flat arguments.

    `call(*args)` takes arrays of the types the program was compiled for, in C order, and returns the result (a
    tuple of several). For arguments of another kind, and where an argument of a kernel is beyond its limit, it
    returns NotImplemented, and calling the executable itself does the rest.
    """

    def __init__(self, module: Module, careful: "Callable[[], Executable] | None"):
        """Load a module.

        Args:
            careful: makes what computes the same with nothing left out that is right for some arguments only; None where
                `module` does.
        """
        self.program = module.plan.program
        self.module = module
        self.code = _machine_code(module.text)
        self._keeper = _Keeper(Loaded(self.code))
        self._keeper.fill(module)
        self.call = self._keeper.callable(self.program.name)
        self._careful = careful

    def __call__(self, *args: Any) -> Any:
        """Return the result (a tuple of several) on flat arguments of the right shapes."""
        out = self.call(*args)
        if out is not NotImplemented:
            return out
        args = tuple(map(plain, args, self.program.in_types))
        out = self.call(*args)
        return self._carefully(args) if out is NotImplemented else out

    @property
    def host_calls(self) -> list[HostCall]:
        """What NumPy is called for, as there is no native code."""
        return self.module.host_calls

    @cached_property
    def _careful_one(self) -> "Executable":
        assert self._careful is not None
        return self._careful()

    def forget(self) -> None:
        """Free the memory kept for later calls."""
        self._keeper.memory.release()

    def _carefully(self, args):
        if self._careful is None:
            raise TreeError(f"{self.program.name}: expected arguments of the compiled types, got others.")
        return self._careful_one(*args)


def plain(x: Any, kind: ArrayType) -> Any:
    """Return an argument as native functions take it: in C order, in the machine's byte order, a copy if need be."""
    if kind.weak:
        number = {"i": int, "f": float, "c": complex}[kind.dtype.kind](x)
        if kind.dtype.kind == "i" and not -(2**63) <= number < 2**63:
            raise DTypeError(f"jit: expected Python ints within 64 bits, got {number}.", hint="pass a float.")
        return number
    dtype = np.dtype(kind.dtype.str)  # the one object that stands for it: not long long, and without metadata
    x = np.array(x, dtype) if kind.ndim == 0 else np.require(x, dtype, "CA").view(np.ndarray)
    return x if x.dtype is dtype else x.view(dtype)


def _machine_code(text: str) -> bytes:
    """Return the object file for a module: from the disk cache, or compiled now."""
    key = hashlib().sha256("\0".join([identity(), text]).encode()).hexdigest()
    code = cache.load(key)
    if code is None:
        code = compile_object(text)
        cache.store(key, code)
    return code


class _Keeper:
    """Keeps machine code, and all it refers to, as long as its callable lives."""

    def __init__(self, loaded: Loaded):
        self._loaded = loaded
        self._alive: list[Any] = []

    def fill(self, module: Module) -> None:
        """Write the addresses into the module's table."""
        c = ctypes()
        names = module.table.names
        table = (c.c_void_p * max(len(names), 1)).from_address(self._loaded.address("fg_table"))
        kept: list[int] = []
        self.memory = _Memory(self._loaded, table, kept)
        weakref.finalize(self, self.memory.release).atexit = False
        things = type_slots()
        constants = module.constants
        hosts = [_host_function(call) for call in module.host_calls]
        loops = [
            parallel_loop(self._loaded.address(f"fg_chunk{k}"), extent)
            for k, extent in enumerate(module.parallel)
        ]
        self._alive += [constants, hosts, loops]
        for slot, name in enumerate(names):
            kind, _, rest = name.partition(" ")
            if name in things:
                table[slot] = id(things[name])
            elif kind == "dtype":
                dtype = np.dtype(rest)
                self._alive.append(dtype)
                table[slot] = id(dtype)
            elif kind == "scalar":
                table[slot] = id(np.dtype(rest).type)
            elif kind == "constant":
                table[slot] = constants[int(rest)].__array_interface__["data"][0]
            elif kind == "host":
                table[slot] = id(hosts[int(rest)])
            elif kind == "parallel":
                table[slot] = id(loops[int(rest)])
            elif kind == "routine":
                table[slot] = fourier_address(rest) if rest.startswith("numpy.") else blas_address(rest)
            elif kind == "threads":
                table[slot] = blas_threads()[rest == "set"]
            elif kind == "kept":
                kept.append(slot)
            elif name == "out of bounds":
                table[slot] = id(OutOfBounds)
            elif name == "too large":
                table[slot] = id(TooLarge)
            else:
                table[slot] = api_address(name)

    def callable(self, name: str) -> Any:
        """Return the entry as a Python function; it keeps this object alive."""
        c = ctypes()

        class MethodDef(c.Structure):  # type: ignore[name-defined]
            _fields_ = (
                ("name", c.c_char_p),
                ("function", c.c_void_p),
                ("flags", c.c_int),
                ("doc", c.c_char_p),
            )

        definition = MethodDef(name.encode(), self._loaded.address("fg_entry"), _FASTCALL, None)
        self._alive.append(definition)
        make = c.pythonapi.PyCFunction_NewEx
        make.restype, make.argtypes = c.py_object, [c.c_void_p, c.py_object, c.py_object]
        return make(c.addressof(definition), self, None)


class _Memory:
    """What a module's code has allocated: results it keeps for later ones, and scratch. Outlives whatever refers to
    it, so that it is there when they are collected in any order."""

    def __init__(self, loaded: Loaded, table: Any, kept: list[int]):
        self._loaded = loaded
        self._table = table
        self._kept = kept

    def release(self) -> None:
        """Free it all; the code allocates again when it is called again."""
        if sys.is_finalizing():
            return
        c = ctypes()
        drop = c.pythonapi.Py_DecRef
        drop.argtypes, drop.restype = [c.c_void_p], None
        for slot in self._kept:
            array, self._table[slot] = self._table[slot], None
            if array:
                drop(array)
        scratch = c.c_void_p.from_address(self._loaded.address("fg_scratch"))
        block, scratch.value = scratch.value, None
        if block:
            free = c.pythonapi.PyMem_RawFree
            free.argtypes, free.restype = [c.c_void_p], None
            free(block)


_FASTCALL = 0x80


def _host_function(call: HostCall) -> Any:
    """Return the Python function that evaluates a host call on the buffers a frame points to."""
    operands = [x for x in (*call.args, *call.results) if isinstance(x, Operand)]
    count = len(operands)
    inputs = sum(isinstance(x, Operand) for x in call.args)
    frames = ctypes().c_size_t * count
    places = [i for i, x in enumerate(call.args) if isinstance(x, Operand)]
    known: dict[tuple[int, ...], list[np.ndarray]] = {}

    def host(frame: int) -> int:
        addresses = tuple(frames.from_address(frame))
        arrays = known.get(addresses)
        if arrays is None:  # scratch is where it was, as long as no two threads are here at once
            if len(known) >= MOST_FRAMES:
                known.clear()
            arrays = known[addresses] = [_array_at(a, o) for a, o in zip(addresses, operands, strict=True)]
        args = list(call.args)
        for i, x in zip(places, arrays, strict=False):
            args[i] = x if x.ndim else x[()]  # as NumPy would pass it on
        out = call.primitive.eval_rule(*args, **call.params)
        for y, target in zip(out if call.primitive.multiple else (out,), arrays[inputs:], strict=True):
            target[...] = y
        return 0

    return host


def _array_at(address: int, operand: Operand) -> np.ndarray:
    dtype = operand.dtype
    size = operand.buffer.nbytes
    if not size:
        return np.empty(operand.shape, dtype)
    memory = (ctypes().c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(operand.shape)
