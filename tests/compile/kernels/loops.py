"""A kernel in the loop that the compiler puts around it, compiled for this machine."""

import ctypes
from functools import cache

import llvmlite.binding as llvm
import numpy as np

from funcgrad.compile.kernels import library
from tests.compile.kernels.references import REFERENCES

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()


def features() -> str:
    """Return this CPU's features, with whole 512-bit vectors where it has them."""
    table = llvm.get_host_cpu_features()
    table["prefer-256-bit"] = False
    return table.flatten()


def loop_text(name: str, dtype: str) -> str:
    """Return LLVM for `for i in range(n): y[i] = kernel(a[i], ...)`."""
    kind = "double" if dtype == "float64" else "float"
    arity = REFERENCES[name].arity
    arrays = "".join(f", ptr noalias %a{k}" for k in range(arity))
    loads = "".join(
        f"  %p{k} = getelementptr {kind}, ptr %a{k}, i64 %i\n  %x{k} = load {kind}, ptr %p{k}\n"
        for k in range(arity)
    )
    inputs = ", ".join(f"{kind} %x{k}" for k in range(arity))
    symbol = library.symbol(name, dtype)
    return (
        library.definitions([symbol])
        + f"""
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
    )


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
    arity = REFERENCES[name].arity
    native = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (1 + arity))(address)

    def call(*arrays, out=None):
        arrays = [np.ascontiguousarray(a, dtype) for a in arrays]
        out = np.empty_like(arrays[0]) if out is None else out
        native(out.size, out.ctypes.data, *[a.ctypes.data for a in arrays])
        return out

    call.assembly, call.native = assembly, native
    return call
