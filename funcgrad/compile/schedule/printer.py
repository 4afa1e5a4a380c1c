"""Loop programs as text, in the words of Python and NumPy."""

import collections
from typing import Any

from funcgrad.compile.loopir.expression import Buffer, Expression
from funcgrad.compile.loopir.index import Counter, Data, Index, Remainder, split_index
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from funcgrad.compile.loopir.statement import (
    ControlCall,
    ForeignCall,
    HostCall,
    Info,
    MatrixProduct,
    Operand,
    Place,
)
from funcgrad.compile.schedule.parallel_sums import ThreadShare
from funcgrad.compile.schedule.storage_folding import FoldedBuffer, inner_offset

__all__ = ["format_loops"]

_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "equal": "==", "not_equal": "!=", "logical_and": "and", "logical_or": "or",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
}  # fmt: skip
_UPDATES = {"add": "+=", "multiply": "*=", "logical_or": "|=", "logical_and": "&="}
_COUNTERS = "ijklmnpq"


def format_loops(plan: Any) -> str:
    """Return the loop nests of a plan: what is computed, in which order, and where it is kept."""
    return _Printer(plan).text()


class _Printer:
    def __init__(self, plan: Any):
        self.plan = plan
        self.names: dict[Buffer, str] = {}
        self.lines: list[str] = []
        self.scratch = 0
        self.local = 0
        program = plan.program
        self.inputs = [name or f"x{k}" for k, name in enumerate(program.input_names)]
        self.inputs += [f"x{k}" for k in range(len(self.inputs), len(program.inputs))]

    def text(self) -> str:
        program = self.plan.program
        head = ", ".join(f"{name}: {v.type}" for name, v in zip(self.inputs, program.inputs, strict=True))
        out = ", ".join(str(t) for t in program.out_types)
        self.lines.append(f"{program.name}({head}) -> {out}:")
        for nodes in self.plan.steps:
            for node in nodes:
                self._node(node, 0)
        declared = [
            f"    {name} = empty({list(b.shape)}, {b.dtype})"
            for b, name in self.names.items()
            if b.kind == "scratch" and b not in self.plan.local
        ]
        self.lines[1:1] = declared
        return "\n".join(self.lines)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * (depth + 1) + text)

    def _name(self, buffer: Buffer) -> str:
        known = self.names.get(buffer)
        if known is None:
            if buffer.kind == "input":
                known = self.inputs[buffer.position]
            elif buffer.kind == "output":
                known = "out" if len(self.plan.program.outputs) == 1 else f"out{buffer.position}"
            elif buffer.kind == "constant":
                known = f"constant{buffer.position}"
            elif buffer in self.plan.local:
                known, self.local = f"t{self.local}", self.local + 1
            else:
                known, self.scratch = f"s{self.scratch}", self.scratch + 1
            self.names[buffer] = known
        return known

    def _node(self, node: Loop | Leaf, depth: int) -> None:
        if isinstance(node, Leaf):
            self._leaf(node, depth)
            return
        for leaf in leaves(node):
            for access in leaf.statement.accesses:
                local = self.plan.local.get(access.buffer)
                if (
                    local is not None
                    and local.size > 1
                    and local.shared == depth
                    and access.buffer not in self.names
                ):
                    self._line(
                        depth, f"{self._name(access.buffer)} = empty({local.size}, {access.buffer.dtype})"
                    )
        self._line(depth, f"for {_counter(depth)} in {_range(node, depth)}:")
        for child in node.children:
            self._node(child, depth + 1)

    def _leaf(self, leaf: Leaf, depth: int) -> None:
        call = leaf.statement.call
        if isinstance(call, ControlCall):
            self._control(call, depth)
        elif isinstance(call, HostCall):
            args = [self._name(x.buffer) if isinstance(x, Operand) else repr(x) for x in call.args]
            params = [f"{k}={v}" for k, v in call.params.items()]
            results = ", ".join(self._name(r.buffer) for r in call.results)
            self._line(depth, f"{results} = numpy: {call.primitive.name}({', '.join(args + params)})")
        elif isinstance(call, MatrixProduct):
            sides = []
            for buffer, offset, row, column in (call.z, call.x, call.y):
                sides.append(self._from(buffer, offset, leaf) + (".T" if row == 1 and column > 1 else ""))
            sizes = f"{call.rows.extent}x{call.inner.extent} by {call.inner.extent}x{call.columns.extent}"
            self._line(depth, f"{sides[0]} = {sides[1]} @ {sides[2]}  # BLAS, {sizes}")
        elif isinstance(call, ForeignCall):
            args = [self._argument(x, leaf) for x in call.arguments]
            self._line(depth, f"{call.routine}({', '.join(args)})")
        else:
            for effect in leaf.statement.effects:
                writer = _ExpressionText(self, leaf, depth)
                if effect.value.op == "definite":
                    element = writer.inline(effect.value.args[0].args[0])
                    self._line(depth, f"# where {element} is nan, all is made once more, with guards")
                    continue
                value = writer.statement(effect.value)
                target = self._place(effect.buffer, effect.offset, leaf)
                if effect.op is None:
                    self._line(depth, f"{target} = {value}")
                elif effect.op in _UPDATES:
                    self._line(depth, f"{target} {_UPDATES[effect.op]} {value}")
                else:
                    self._line(depth, f"{target} = {effect.op}({target}, {value})")

    def _operand(self, x: Operand) -> str:
        name, size = self._name(x.buffer), x.dtype.itemsize
        if not x.offset and x.step is None:
            return name
        step = "" if x.step is None else f":{x.step // size}"
        return f"{name}[{x.offset // size or ''}:{step}]"

    def _control(self, call: ControlCall, depth: int) -> None:
        """Write a loop or branch, and below it its bodies as programs of their own."""
        args = ", ".join(map(self._operand, call.args))
        results = ", ".join(self._name(x.buffer) for x in call.results)
        params = "".join(f", {name}={value}" for name, value in call.params.items())
        self._line(depth, f"{results} = {call.kind}({args}{params}):")
        for child in self.plan.children[id(call)]:
            for line in format_loops(child).splitlines():
                self._line(depth + 1, line)

    def _argument(self, x: Any, leaf: Leaf) -> str:
        if isinstance(x, Info):
            return "info"
        if not isinstance(x, Place):
            return repr(x) if isinstance(x, (str, int)) else repr(float(x))
        return self._from(x.buffer, x.offset, leaf)

    def _from(self, buffer: Buffer, offset: Index, leaf: Leaf) -> str:
        """Return memory from an offset on."""
        at = f"[{self._index(offset, leaf)}:]" if offset.terms or offset.constant else ""
        return self._name(buffer) + at

    def _place(self, buffer: Buffer, offset: Index, leaf: Leaf) -> str:
        name = self._name(buffer)
        local: FoldedBuffer | None = self.plan.local.get(buffer)
        if local is not None:
            if local.size == 1:
                return name
            return f"{name}[{self._index(inner_offset(offset, leaf, local.shared) + -local.low, leaf)}]"
        if not buffer.shape:
            return name
        if leaf.zero:  # one loop runs over several axes
            return f"{name}{'.flat' if len(buffer.shape) > 1 else ''}[{self._index(offset, leaf)}]"
        if offset.is_affine() and offset.bounds()[0] < 0:
            return f"{name}.flat[{self._index(offset, leaf)}]"
        place = split_index(offset, buffer.shape)
        if not offset.is_divided() and any(i.is_divided() for i in place):  # it crosses the ends of rows
            return f"{name}.flat[{self._index(offset, leaf)}]"
        return f"{name}[{', '.join(self._index(i, leaf) for i in place)}]"

    def _index(self, index: Index, leaf: Leaf) -> str:
        parts = []
        for atom, coefficient in index.terms.items():
            if type(atom) is Counter:
                if atom in leaf.zero:
                    continue
                text = _counter(leaf.counters.index(atom))
            elif type(atom) is Data:
                text = _ExpressionText(self, leaf, 0).inline(atom.expression)
            else:
                sign = "%" if type(atom) is Remainder else "//"
                text = f"(({self._index(atom.index, leaf)}) {sign} {atom.divisor})"
            if coefficient == 1:
                parts.append(f"+ {text}")
            elif coefficient == -1:
                parts.append(f"- {text}")
            else:
                parts.append(f"{'-' if coefficient < 0 else '+'} {abs(coefficient)}*{text}")
        if index.constant or not parts:
            parts.append(f"{'-' if index.constant < 0 else '+'} {abs(index.constant)}")
        text = " ".join(parts)
        return text[2:] if text.startswith("+ ") else "-" + text[2:]


class _ExpressionText:
    """One statement's expressions; operands used twice get a line and a name of their own."""

    def __init__(self, printer: _Printer, leaf: Leaf, depth: int):
        self.printer = printer
        self.leaf = leaf
        self.depth = depth
        self.known: dict[int, str] = {}

    def statement(self, root: Expression) -> str:
        uses: collections.Counter[int] = collections.Counter()
        nodes = list(root.walk())
        for node in nodes:
            uses.update(id(arg) for arg in node.args)
        shared = [
            n for n in reversed(nodes) if uses[id(n)] > 1 and n.op not in ("const", "load", "index", "cast")
        ]
        for node in sorted(shared, key=lambda n: n.size):
            name = chr(ord("a") + len(self.known)) if len(self.known) < 8 else f"a{len(self.known)}"
            self.printer._line(self.depth, f"{name} = {_bare(self.inline(node))}")
            self.known[id(node)] = name
        return _bare(self.inline(root))

    def inline(self, x: Expression) -> str:
        if id(x) in self.known:
            return self.known[id(x)]
        if x.op == "const":
            return repr(x.detail.item())
        if x.op == "load":
            buffer, offset = x.detail
            return self.printer._place(buffer, offset, self.leaf)
        if x.op == "index":
            return f"({self.printer._index(x.detail, self.leaf)})"
        args = [self.inline(a) for a in x.args]
        if x.op == "guard":
            tests = []
            for index, low, high in x.detail:
                text = self.printer._index(index, self.leaf)
                tests.append(f"{text} == {low}" if high == low + 1 else f"{low} <= {text} < {high}")
            return f"({args[0]} if {' and '.join(tests)} else {args[1]})"
        if x.op == "select":
            return f"({args[1]} if {args[0]} else {args[2]})"
        if x.op == "cast":
            return f"{x.dtype}({_bare(args[0])})"
        if x.op in ("checked", "fitted", "required"):
            return args[0]
        if x.op == "negative":
            return f"(-{args[0]})"
        if x.op == "square":
            return f"{args[0]}**2"
        if x.op in _INFIX:
            return f"({args[0]} {_INFIX[x.op]} {args[1]})"
        return f"{x.op}({', '.join(map(_bare, args))})"


def _range(node: Loop, depth: int) -> str:
    if not isinstance(node, ThreadShare):
        return f"range({node.extent})"
    first = f"{node.size}*{_counter(depth - 1)}"
    return f"range({first}, min({first} + {node.size}, {node.extent}))"


def _counter(level: int) -> str:
    """Return the name of the counter of a loop at this depth."""
    return _COUNTERS[level] if level < len(_COUNTERS) else f"i{level}"


def _bare(text: str) -> str:
    """Drop parentheses around the whole."""
    if not text.startswith("(") or not text.endswith(")"):
        return text
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1]
