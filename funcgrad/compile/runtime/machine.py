"""Machine code: LLVM text to an object file for this machine's CPU, and an object file to functions."""

import sys
import threading
from functools import cache
from typing import Any

from funcgrad.heavy import llvm
from funcgrad.locks import held_around_fork

__all__ = ["Loaded", "assembly", "compile_object", "identity", "optimized"]

# LLVM's contexts are not made for several threads at once.
_lock = threading.RLock()


def _lock_of_llvmlite() -> Any:
    """Return the lock that Numba, too, holds while it is in LLVM; None where LLVM has not been loaded."""
    loaded = sys.modules.get("llvmlite.binding.ffi")
    return None if loaded is None else loaded.lib._lock


held_around_fork(_lock_of_llvmlite)
held_around_fork(lambda: _lock)


@cache
def _host() -> tuple[str, str]:
    """Return the name and the features of this CPU, vectors of full width allowed."""
    binding = llvm()
    features = binding.get_host_cpu_features()
    features["prefer-256-bit"] = False
    return binding.get_host_cpu_name(), features.flatten()


def identity() -> str:
    """Return what machine code depends on beside its source: the compiler's version and the CPU."""
    cpu, features = _host()
    return f"{'.'.join(map(str, llvm().llvm_version_info))} {cpu} {features}"


def _machine() -> Any:
    binding = llvm()
    cpu, features = _host()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="default", codemodel="jitdefault"
    )


def optimized(text: str) -> tuple[Any, Any]:
    """Return the module that `text` is, optimized, and its target machine."""
    binding = llvm()
    machine = _machine()
    module = binding.parse_assembly(text)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    options.slp_vectorization = True
    options.loop_unrolling = False  # done where it pays, in `codegen.nest`: here it would double the time
    builder = binding.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    try:
        passes.run(module, builder)
    finally:
        # llvmlite's own close() of pass managers finds a method that does nothing (0.50), and each takes 100 KiB.
        binding.newpassmanagers.NewPassManager._dispose(passes)
        passes.detach()
    return module, machine


def compile_object(text: str) -> bytes:
    """Return the object file of an LLVM module given as text."""
    with _lock:
        module, machine = optimized(text)
        return machine.emit_object(module)


def assembly(text: str) -> str:
    """Return the machine code of an LLVM module, as text."""
    with _lock:
        module, machine = optimized(text)
        return machine.emit_assembly(module)


class Loaded:
    """An object file in memory; its functions live as long as this does."""

    def __init__(self, code: bytes):
        binding = llvm()
        with _lock:
            self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
            self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return where a function or a global is."""
        return self._engine.get_function_address(name) or self._engine.get_global_value_address(name)
