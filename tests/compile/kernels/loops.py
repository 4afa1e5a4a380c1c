"""A kernel in the loop that the compiler puts around it, compiled for this machine, and its error in ulps."""

import ctypes
from functools import cache

import llvmlite.binding as llvm
import mpmath as mp
import numpy as np

from funcgrad.compile.kernels import library

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

TWO_ARGUMENTS = {"arctan2", "power", "hypot", "logaddexp", "logaddexp2"}


def features() -> str:
    """Return this CPU's features, with whole 512-bit vectors where it has them."""
    table = llvm.get_host_cpu_features()
    table["prefer-256-bit"] = False
    return table.flatten()


def loop_text(name: str, dtype: str) -> str:
    """Return LLVM for `for i in range(n): y[i] = kernel(a[i], ...)`."""
    kind = "double" if dtype == "float64" else "float"
    arity = 2 if name in TWO_ARGUMENTS else 1
    arrays = "".join(f", ptr noalias %a{k}" for k in range(arity))
    loads = "".join(
        f"  %p{k} = getelementptr {kind}, ptr %a{k}, i64 %i\n  %x{k} = load {kind}, ptr %p{k}\n" for k in range(arity)
    )
    inputs = ", ".join(f"{kind} %x{k}" for k in range(arity))
    symbol = library.symbol(name, dtype)
    return library.definitions([symbol]) + f"""
define void @loop(i64 %n, ptr noalias %y{arrays}) {{
entry:
  br label %body
body:
  %i = phi i64 [0, %entry], [%next, %body]
{loads}  %v = call {kind} @{symbol}({inputs})
  %q = getelementptr {kind}, ptr %y, i64 %i
  store {kind} %v, ptr %q
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %body, label %exit
exit:
  ret void
}}
"""


@cache
def machine() -> llvm.TargetMachine:
    """Return the code generator for this CPU."""
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features(), opt=3)


@cache
def engine() -> llvm.ExecutionEngine:
    """Return the engine that holds every loop."""
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())


def optimized(name: str, dtype: str) -> llvm.ModuleRef:
    """Return the module of the loop after inlining and vectorization."""
    module = llvm.parse_assembly(loop_text(name, dtype))
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine(), options)
    builder.getModulePassManager().run(module, builder)
    return module


@cache
def loop(name: str, dtype: str):
    """Return the kernel as a function of arrays; the assembly is its `assembly`."""
    module = optimized(name, dtype)
    assembly = machine().emit_assembly(module)
    for function in module.functions:
        if function.name == "loop":
            function.name = f"loop_{name}_{dtype}"
    engine().add_module(module)
    engine().finalize_object()
    address = engine().get_function_address(f"loop_{name}_{dtype}")
    arity = 2 if name in TWO_ARGUMENTS else 1
    native = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (1 + arity))(address)

    def call(*arrays, out=None):
        arrays = [np.ascontiguousarray(a, dtype) for a in arrays]
        out = np.empty_like(arrays[0]) if out is None else out
        native(out.size, out.ctypes.data, *[a.ctypes.data for a in arrays])
        return out

    call.assembly, call.native = assembly, native
    return call


def ulps(result: np.ndarray, exact: list) -> np.ndarray:
    """Return |result - exact| in units of the last place of `exact`, rounded to the format of `result`.

    Beyond the largest float the exact value counts as infinity where it would round to it.
    """
    info = np.finfo(result.dtype)
    errors = np.zeros(result.size)
    largest, least = mp.mpf(float(info.max)), info.minexp - info.nmant
    for k, (got, want) in enumerate(zip(result.tolist(), exact, strict=True)):
        if mp.isnan(want) or np.isnan(got):
            errors[k] = 0 if mp.isnan(want) and np.isnan(got) else np.inf
        elif abs(want) >= largest * (1 + mp.mpf(2) ** (-info.nmant - 2)):
            errors[k] = 0 if np.isinf(got) and (got > 0) == (want > 0) else np.inf
            if errors[k] and not np.isinf(got) and not mp.isinf(want):
                errors[k] = abs(mp.mpf(got) - want) / mp.mpf(2) ** (info.maxexp - 1 - info.nmant)
        elif np.isinf(got):
            errors[k] = abs(2 * mp.mpf(2) ** (info.maxexp - 1) - abs(want)) / mp.mpf(2) ** (info.maxexp - 1 - info.nmant)
        else:
            exponent = least if want == 0 else max(int(mp.floor(mp.log(abs(want), 2))) - info.nmant, least)
            errors[k] = abs(mp.mpf(got) - want) / mp.mpf(2) ** exponent
    return errors
