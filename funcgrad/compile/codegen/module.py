"""A plan as one LLVM module: its nests, the function that runs them in order, and the entry."""

import numpy as np

from funcgrad.compile.codegen.blas import ONE_THREAD
from funcgrad.compile.codegen.control import DECLARATIONS, write_control
from funcgrad.compile.codegen.driver import SUPPORT, Driver
from funcgrad.compile.codegen.entry import Table, write_entry
from funcgrad.compile.codegen.nest import NestWriter
from funcgrad.compile.codegen.wide_entry import WIDE_ARGUMENTS, write_wide_entry
from funcgrad.compile.kernels.library import definitions
from funcgrad.compile.kernels.shared import MOST_INLINED, kept_for_vectors, with_variants
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves, stands_alone
from funcgrad.compile.loopir.statement import ControlCall, HostCall
from funcgrad.compile.schedule.plan import PARALLEL_ADDITIONS, Plan

__all__ = ["Module"]

# A nest in the body of a loop, of so many points, may become a part of it.
INLINED_POINTS = 16
# Of more nests than this, equal ones are compiled once, for any numbers in them.
LEAST_SHARED_NESTS = 16


class Module:
    """A plan as LLVM text, and what the text refers to.

    Attributes:
        text: the module.
        table: the addresses that `text` refers to.
        constants, host_calls, parallel: in the order of the table's slots for them; of a parallel loop, the number of its
            iterations.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.table = Table()
        self.constants: list[np.ndarray] = []
        self.host_calls: list[HostCall] = []
        self.parallel: list[int] = []
        self._first_constants: dict[int, int] = {}
        self._bodies = 0  # how many functions loops and branches have
        self._keep_constants(plan)
        self.text = self._text()

    def _keep_constants(self, plan: Plan) -> None:
        self._first_constants[id(plan)] = len(self.constants)
        self.constants += [
            np.ascontiguousarray(value, np.asarray(value).dtype.newbyteorder("="))
            for _, value in plan.program.constants
        ]
        for bodies in plan.children.values():
            for body in bodies:
                self._keep_constants(body)

    def constant(self, plan: Plan, position: int) -> int:
        """Return the number, among all constants, of one of a plan."""
        return self._first_constants[id(plan)] + position

    def _write(self, plan: Plan, run: Driver, parts: "_Parts") -> None:
        """Write the nests of a plan, and the function that runs them."""
        for nodes in plan.steps:
            if stands_alone(nodes[0]):
                call = nodes[0].statement.call
                if isinstance(call, ControlCall):
                    run.control(call, self._control(plan, call, parts))
                else:
                    run.host_call(call)
                continue
            chunked = plan.whole and _is_parallel(nodes)
            general = len(plan.steps) > LEAST_SHARED_NESTS
            writer = NestWriter(nodes, plan.local, careful=plan.careful, general=general, chunked=chunked)
            # Of a short iteration LLVM is to see the whole.
            short = all(leaf.statement.points <= INLINED_POINTS for node in nodes for leaf in leaves(node))
            name = parts.nest(writer, within=not plan.whole and short)
            if chunked:
                run.parallel(name, writer, nodes[0].extent)
            else:
                run.call(name, writer)

    def _control(self, plan: Plan, call: ControlCall, parts: "_Parts") -> str:
        """Write the function of a loop or branch, and those of its bodies; return its name."""
        names = []
        children = plan.children[id(call)]
        for child in children:
            name = f"fg_body{self._bodies}"
            self._bodies += 1
            run = Driver(self, child, name)
            self._write(child, run, parts)
            parts.alone = parts.alone or run.alone
            parts.controls.append(run.text())
            names.append(name)
        name = f"fg_loop{self._bodies}"
        self._bodies += 1
        work = sum(child.work for child in children)
        parts.controls.append(write_control(name, call, names, [child.in_place for child in children], work))
        parts.declared |= DECLARATIONS
        return name

    def _text(self) -> str:
        parts = _Parts()
        run = Driver(self, self.plan, "fg_run")
        self._write(self.plan, run, parts)
        outputs = self.plan.program.out_types
        inputs = self.plan.program.in_types
        write = write_entry if len(inputs) + len(outputs) < WIDE_ARGUMENTS else write_wide_entry
        entry = write(self.table, inputs, outputs, len(outputs) == 1)
        run_text = run.text()
        nests = parts.nests()
        kernels, declarations = _kernels(parts.symbols, [*nests, *parts.controls])
        known = {line for line in SUPPORT.splitlines() if line.startswith("declare ")}
        known |= {line for line in entry.splitlines() if line.startswith("declare ")}
        declared = (parts.declared | declarations) - known
        return "\n".join(
            [
                f"@fg_table = global [{max(len(self.table.names), 1)} x ptr] zeroinitializer",
                "@fg_scratch = global ptr null",
                "@fg_zero = global i64 0",
                *nests,
                *parts.controls,
                run_text,
                *run.chunks,
                *([ONE_THREAD] if run.alone or parts.alone else []),
                SUPPORT,
                entry,
                *sorted(declared),
                *kernels,
                "",
            ]
        )


class _Parts:
    """The functions of a module, apart from the one that runs them."""

    def __init__(self) -> None:
        self.functions: dict[str, tuple[str, str]] = {}  # name and signature by body
        self.controls: list[str] = []
        self.symbols: set[str] = set()
        self.declared: set[str] = set()
        self.alone = False

    def nest(self, writer: NestWriter, *, within: bool) -> str:
        """Write a nest; equal ones, as a loop unrolled in Python leaves them, are one function. Return its name."""
        body = writer.write()
        self.declared |= writer.out.intrinsics
        self.symbols |= writer.out.kernels
        if body not in self.functions:
            name = f"fg_nest{len(self.functions)}"
            self.functions[body] = name, writer.signature(name, within=within)
        return self.functions[body][0]

    def nests(self) -> list[str]:
        """Return the text of each nest."""
        return [f"{signature} {{\n{body}\n}}" for body, (_, signature) in self.functions.items()]


def _is_parallel(nodes: list[Loop | Leaf]) -> bool:
    """Whether a nest is worth several threads, and its outermost iterations do not depend on one another."""
    (node, *more) = nodes
    if more or not isinstance(node, Loop) or node.extent < 64:
        return False
    work = 0
    for leaf in leaves(node):
        statement = leaf.statement
        if statement.call is not None or leaf.counters[0] in statement.sequential:
            return False
        work += statement.work
    return work > PARALLEL_ADDITIONS


def _kernels(symbols: set[str], functions: list[str]) -> tuple[list[str], set[str]]:
    """Return the definitions of the kernels that functions call, and the declarations these need."""
    if not symbols:
        return [], set()
    often = [s for s in sorted(symbols) if sum(f.count(f"@{s}(") for f in functions) > MOST_INLINED]
    found, shared, declared = [], [], set()
    for symbol in sorted(symbols):
        lines = definitions([symbol]).splitlines()
        declared |= {line for line in lines if line.startswith("declare ")}
        text = "\n".join(line for line in lines if not line.startswith("declare "))
        if symbol in often:
            shared.append(with_variants(text))
        else:
            found.append(text)
    return [*found, *shared, *([kept_for_vectors(shared)] if shared else [])], declared
