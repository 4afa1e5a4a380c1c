"""Python's branches as calls: the source of a function, written anew so that both sides of a choice can be traced.

    if s < c:                def then(s): s = c; return s,
        s = c        ->      def other(s): return s,
                             s, = choose(s < c, then, other, ...)

What `if` assigns goes in and comes out. Only what computes is written anew: an `if` with `raise`, `break` or a call for its
effect in it stays as it is, and what can only be seen in values (whether `x.append(1)` changes a list) is asked when the
function is traced. What is called are attributes of `CALLS`; control/python_branches.py has the functions.

The method is AutoGraph's (Moldovan et al. 2018, "AutoGraph: Imperative-style Coding with Graph-based Performance").
"""

import __future__

import ast
import linecache
from collections.abc import Sequence
from copy import deepcopy
from functools import reduce
from operator import or_
from types import CodeType
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

from funcgrad.core.branch_bodies import (
    always_assigned,
    assigned_in,
    computes,
    ends_in,
    is_plain,
    leaves,
    shared,
)

__all__ = ["CALLS", "rewritten"]


class _Calls:
    """What rewritten functions call, as attributes: a constant of theirs."""


CALLS = _Calls()
# The text that stands for it until they are compiled.
_CALLS = "funcgrad: what is called for branches"
# Iterables of these are made where they are used.
_FRESH = frozenset({"enumerate", "range", "reversed", "sorted", "zip"})

_Definition = ast.FunctionDef | ast.Lambda
# What follows an `if` that returns somewhere within is repeated on its sides, up to so many statements of a function.
MOST_REPEATED = 100
# What functions are called that are sides of branches.
_SIDES = ("<then ", "<else ")
_FUTURE = reduce(or_, [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names])

# By file, too: code is equal to the same code in another.
_known: WeakKeyDictionary[CodeType, dict[str, CodeType | None]] = WeakKeyDictionary()


def rewritten(code: CodeType) -> CodeType | None:
    """Return the code of a function whose branches are calls; None where its source is not at hand, or has none."""
    known = _known.setdefault(code, {})
    if code.co_filename not in known:
        known[code.co_filename] = _compiled(code)
    return known[code.co_filename]


def _compiled(code: CodeType) -> CodeType | None:
    try:
        module = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    definitions = [node for node in ast.walk(module) if _defines(node, code)]
    if len(definitions) != 1:
        return None  # changed since, or several lambdas of one line
    plain = _code_in(module, code)
    if plain is None or not _same(plain, code):
        return None
    (definition,) = definitions
    before = ast.dump(definition)
    _Rewriter(definition).function(definition)
    new = None if ast.dump(definition) == before else _code_in(module, code)
    return new if new is not None and new.co_freevars == code.co_freevars else None


def _defines(node: ast.AST, code: CodeType) -> TypeGuard[_Definition]:
    """Whether a function has the name and the line of a definition."""
    if isinstance(node, ast.Lambda):
        return (code.co_name, code.co_firstlineno) == ("<lambda>", node.lineno)
    if not isinstance(node, ast.FunctionDef):
        return False
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return (code.co_name, code.co_firstlineno) == (node.name, first)


def _code_in(module: ast.Module, code: CodeType) -> CodeType | None:
    """Return the function with the name and the line of another, as a module has it."""
    flags = code.co_flags & _FUTURE
    codes = [compile(ast.fix_missing_locations(module), code.co_filename, "exec", flags, dont_inherit=True)]
    for outer in codes:
        codes += [x for x in outer.co_consts if isinstance(x, CodeType)]
    name, line = code.co_name, code.co_firstlineno
    return next((_named(x, name) for x in codes if (x.co_name, x.co_firstlineno) == (name, line)), None)


def _named(code: CodeType, name: str) -> CodeType:
    """Return code with what it calls; its sides of branches have the name of the function, for messages."""
    constants = tuple(
        [_named(c, name) if isinstance(c, CodeType) else CALLS if c == _CALLS else c for c in code.co_consts]
    )
    own = name if code.co_name.startswith(_SIDES) else code.co_name
    return code.replace(co_consts=constants, co_name=own)


def _same(a: CodeType, b: CodeType) -> bool:
    """Whether two functions do the same, so that the source of one is that of the other."""
    alike = (a.co_code, a.co_names, a.co_varnames, a.co_freevars, a.co_cellvars) == (
        b.co_code, b.co_names, b.co_varnames, b.co_freevars, b.co_cellvars,
    )  # fmt: skip
    return (
        alike and len(a.co_consts) == len(b.co_consts) and all(map(_same_constant, a.co_consts, b.co_consts))
    )


def _same_constant(x: Any, y: Any) -> bool:
    if isinstance(x, CodeType) and isinstance(y, CodeType):
        return _same(x, y)
    return type(x) is type(y) and repr(x) == repr(y)


class _Rewriter(ast.NodeTransformer):
    """Writes the branches of one function anew."""

    def __init__(self, function: _Definition):
        self._shared = shared(function)
        self._depth = 0  # of sides of branches
        self._made = 0
        self._repeated = 0  # statements, on both sides of a branch that either may go on from

    def function(self, definition: _Definition) -> None:
        if isinstance(definition, ast.Lambda):
            definition.body = self.visit(definition.body)
        else:
            definition.body = self._block(definition.body, ast.Return)

    def _block(self, statements: Sequence[ast.stmt], end: type | None) -> list[ast.stmt]:
        """Return the statements of a block that ends as `end` would: a function's, a loop's; None for any other."""
        out: list[ast.stmt] = []
        for k, s in enumerate(statements):
            if not isinstance(s, ast.If):
                out += self._statement(s)
                continue
            rest = statements[k + 1 :]
            ways = leaves([s])
            if ways == {end} and end is not None:
                whole = self._with_rest(s, rest, end)
                made = None if whole is None else self._choice(whole, returns=end is ast.Return)
                if made is not None:
                    return out + made
            made = None if ways else self._choice(s, returns=False)
            if made is None:
                s.test = self._test(s.test)
                s.body = self._block(s.body, None if rest else end)
                s.orelse = self._block(s.orelse, None if rest else end)
                made = [s]
            out += made
        return out

    def _statement(self, s: ast.stmt) -> list[ast.stmt]:
        if isinstance(s, ast.FunctionDef):
            _Rewriter(s).function(s)
        elif isinstance(s, (ast.AsyncFunctionDef, ast.ClassDef)):
            pass
        elif isinstance(s, ast.For):
            s.iter = self._iterated(s.iter) if self._depth else self.visit(s.iter)
            s.body, s.orelse = self._block(s.body, ast.Continue), self._block(s.orelse, None)
        elif isinstance(s, ast.While):
            s.test = self._test(s.test)
            s.body, s.orelse = self._block(s.body, ast.Continue), self._block(s.orelse, None)
        elif isinstance(s, ast.With):
            s.body = self._block(s.body, None)
        elif isinstance(s, (ast.Try, ast.Match)):
            pass
        elif isinstance(s, ast.AugAssign) and self._depth:
            s.value = self.visit(s.value)
            assert isinstance(s.target, ast.Name)
            unshared = ast.copy_location(ast.Expr(_call("unshared", _name(s.target.id))), s)
            return [unshared, s]
        else:
            self.visit(s)
        return [s]

    def _choice(self, s: ast.If, *, returns: bool) -> list[ast.stmt] | None:
        """Return an `if` as a call; None where it has to stay what it is."""
        if not (computes(s.test) and is_plain([*s.body, *s.orelse], self._shared, returns=returns)):
            return None
        names = list(assigned_in([*s.body, *s.orelse]))
        if not names and not returns:
            return None
        sure = [always_assigned(side) for side in (s.body, s.orelse)]
        test = self._test(s.test)
        self._depth += 1
        self._made += 1
        sides = [
            self._side(f"{kind}{self._made}>", names, side, returns)
            for kind, side in zip(_SIDES, (s.body, s.orelse), strict=True)
        ]
        self._depth -= 1
        values = _tuple([_call("value", _lambda(_name(name))) for name in names])  # some may have none yet
        args = [test, *(_name(side.name) for side in sides), values]
        made: list[ast.stmt] = [*sides]
        if returns:
            made.append(ast.Return(_call("returned", *args)))
        else:
            targets = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
            always = _tuple([ast.Constant(all(name in side for side in sure)) for name in names])
            made.append(ast.Assign([targets], _call("chosen", *args, always)))
            if not self._depth:  # (a side returns what stands for no value)
                made += [_without_undefined(name) for name in names]
        return [ast.copy_location(x, s) for x in made]

    def _with_rest(self, s: ast.If, rest: Sequence[ast.stmt], end: type) -> ast.If | None:
        """Return an `if` with what follows it in the sides that go on; None where that would be too much."""
        if leaves(rest) - {end}:
            return None
        ends = [ends_in(side, end) for side in (s.body, s.orelse)]
        if not any(ends):
            self._repeated += sum(isinstance(node, ast.stmt) for x in rest for node in ast.walk(x))
            if self._repeated > MOST_REPEATED:
                return None
        body = s.body if ends[0] else [*s.body, *(rest if ends[1] else deepcopy(rest))]
        orelse = s.orelse if ends[1] else [*s.orelse, *rest]
        if end is ast.Continue:
            sides = self._without_continue(body), self._without_continue(orelse)
            if sides[0] is None or sides[1] is None:
                return None
            body, orelse = sides[0] or [ast.Pass()], sides[1]
        return ast.copy_location(ast.If(s.test, [*body], [*orelse]), s)

    def _without_continue(self, statements: Sequence[ast.stmt]) -> list[ast.stmt] | None:
        """Return the statements of a side at whose end a turn of the loop ends."""
        for k, s in enumerate(statements):
            if isinstance(s, ast.Continue):
                return [*statements[:k]]
            if ast.Continue in leaves([s]):
                rest = statements[k + 1 :]
                whole = self._with_rest(s, rest, ast.Continue) if isinstance(s, ast.If) else None
                return None if whole is None else [*statements[:k], whole]
        return [*statements]

    def _side(self, name: str, names: Sequence[str], statements: Sequence[ast.stmt], returns: bool):
        body = self._block(statements, ast.Return if returns else None) or [ast.Pass()]
        if not returns:
            body.append(ast.Return(_tuple([_name(n) for n in names])))
        arguments = _no_arguments()
        arguments.args = [ast.arg(n) for n in names]
        return ast.FunctionDef(name, arguments, body, [])

    def _test(self, x: ast.expr) -> ast.expr:
        """Return an expression that is asked whether it is true."""
        if isinstance(x, ast.BoolOp) and computes(x):
            name = "all" if isinstance(x.op, ast.And) else "any"
            return ast.copy_location(_call(name, *(_lambda(self._test(v)) for v in x.values)), x)
        if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.Not):
            return ast.copy_location(_call("negation", self._test(x.operand)), x)
        if isinstance(x, ast.Compare) and len(x.ops) > 1 and all(map(_is_simple, x.comparators[:-1])):
            ends = [x.left, *x.comparators]
            pairs: list[ast.expr] = [
                ast.Compare(a, [op], [b]) for a, op, b in zip(ends[:-1], x.ops, ends[1:], strict=True)
            ]
            return self._test(ast.copy_location(ast.BoolOp(ast.And(), pairs), x))
        return self.visit(x)

    def _iterated(self, x: ast.expr) -> ast.expr:
        """Return what a loop within a branch goes over, which must not be used up by that."""
        if isinstance(x, ast.Call) and isinstance(x.func, ast.Name) and x.func.id in _FRESH:
            x.args = [_call("fresh", self.visit(a)) for a in x.args]
            return x
        return _call("fresh", self.visit(x))

    def visit_IfExp(self, x: ast.IfExp) -> ast.expr:
        if not computes(x):
            return x
        test = self._test(x.test)
        self._depth += 1
        sides = [_lambda(self.visit(side)) for side in (x.body, x.orelse)]
        self._depth -= 1
        return ast.copy_location(_call("returned", test, *sides, _tuple([])), x)

    def visit_Call(self, x: ast.Call) -> ast.expr:
        self.generic_visit(x)
        if isinstance(x.func, ast.Name) and x.func.id in ("max", "min") and not x.keywords:
            return ast.copy_location(_call("largest", x.func, *x.args), x)
        if self._depth and isinstance(x.func, ast.Attribute):
            x.func.value = _call("pure", x.func.value)
        elif self._depth:
            x.func = _call("pure", x.func)
        return x


def _is_simple(x: ast.expr) -> bool:
    return isinstance(x, (ast.Name, ast.Constant))


def _no_arguments() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_called(name), [*args], [])


def _called(name: str) -> ast.expr:
    return ast.Attribute(ast.Constant(_CALLS), name, ast.Load())


def _tuple(items: Sequence[ast.expr]) -> ast.Tuple:
    return ast.Tuple([*items], ast.Load())


def _lambda(x: ast.expr) -> ast.Lambda:
    return ast.Lambda(_no_arguments(), x)


def _without_undefined(name: str) -> ast.stmt:
    """Return the statement that takes a variable away which has a value on one side only."""
    is_undefined = ast.Compare(_name(name), [ast.Is()], [_called("undefined")])
    return ast.If(is_undefined, [ast.Delete([ast.Name(name, ast.Del())])], [])
