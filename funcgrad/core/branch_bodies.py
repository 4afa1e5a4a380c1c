"""What the sides of an `if` may have in them so that both can be traced, told from their text."""

import ast
from collections.abc import Iterable, Sequence

__all__ = ["always_assigned", "assigned_in", "computes", "ends_in", "is_plain", "leaves", "shared"]

# An `if` stays as it is where these are called in it.
_EFFECTS = frozenset(
    "delattr eval exec globals input locals next open print setattr super vars __import__".split()
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)
# What uses up a generator at once.
_USING_UP = frozenset("all any dict frozenset list max min set sorted sum tuple".split())
_SCOPES = (ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


def is_plain(statements: Iterable[ast.stmt], shared: set[str], *, returns: bool) -> bool:
    """Whether statements do nothing but assign to variables of the function itself."""
    return all(_is_plain_statement(s, shared, returns) for s in statements)


def _is_plain_statement(s: ast.stmt, shared: set[str], returns: bool) -> bool:
    if isinstance(s, ast.If):
        return computes(s.test) and is_plain([*s.body, *s.orelse], shared, returns=returns)
    if isinstance(s, ast.For):
        targets = _names([s.target])
        whole = targets is not None and not targets & shared and not s.orelse and computes(s.iter)
        return whole and is_plain(s.body, shared, returns=False)
    if isinstance(s, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        names = _names(s.targets if isinstance(s, ast.Assign) else [s.target])
        return names is not None and not names & shared and s.value is not None and computes(s.value)
    if isinstance(s, ast.Return):
        return returns and s.value is not None and computes(s.value)
    return isinstance(s, (ast.Pass, ast.Break, ast.Continue)) or (
        isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)
    )


def _names(targets: Sequence[ast.expr]) -> set[str] | None:
    """Return the variables that targets of an assignment are; None where they are others."""
    found: set[str] = set()
    for target in targets:
        if isinstance(target, ast.Name):
            found.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List, ast.Starred)):
            inner = _names(target.elts if not isinstance(target, ast.Starred) else [target.value])
            if inner is None:
                return None
            found |= inner
        else:
            return None
    return found


def computes(expression: ast.expr) -> bool:
    """Whether an expression is, as far as its text tells, without effects."""
    for node in ast.walk(expression):
        if isinstance(node, (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)):
            return False
        if isinstance(node, ast.Name) and node.id in _EFFECTS:
            return False
        if isinstance(node, ast.keyword) and node.arg == "out":
            return False
    return True


def assigned_in(statements: Iterable[ast.stmt]) -> dict[str, None]:
    """Return the variables that plain statements assign, in order."""
    found: dict[str, None] = {}
    for s in statements:
        if isinstance(s, ast.If):
            found |= assigned_in([*s.body, *s.orelse])
        elif isinstance(s, ast.For):
            found |= dict.fromkeys(sorted(_names([s.target]) or ())) | assigned_in(s.body)
        elif isinstance(s, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = s.targets if isinstance(s, ast.Assign) else [s.target]
            found |= dict.fromkeys(sorted(_names(targets) or ()))
    return found


def always_assigned(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the variables that plain statements assign whichever way they go."""
    found: set[str] = set()
    for s in statements:
        if isinstance(s, ast.If):
            found |= always_assigned(s.body) & always_assigned(s.orelse)
        elif not isinstance(s, ast.For):
            found |= assigned_in([s]).keys()
    return found


def leaves(statements: Iterable[ast.stmt]) -> set[type]:
    """Return how statements may leave the block that they are in: by return, break, continue."""
    found: set[type] = set()
    for s in statements:
        if isinstance(s, (ast.Return, ast.Break, ast.Continue)):
            found.add(type(s))
        elif isinstance(s, (ast.For, ast.While)):
            found |= leaves([*s.body]) & {ast.Return} | leaves(s.orelse)
        elif not isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                found |= leaves(getattr(s, name, ()))
    return found


def ends_in(statements: Sequence[ast.stmt], kind: type) -> bool:
    """Whether a block always ends in a statement of a kind."""
    if not statements:
        return False
    last = statements[-1]
    return isinstance(last, kind) or (
        isinstance(last, ast.If) and ends_in(last.body, kind) and ends_in(last.orelse, kind)
    )


def shared(function: ast.AST) -> set[str]:
    """Return the variables that others than the function itself see as they change."""
    found: set[str] = set()
    at_once: set[ast.AST] = set()  # generators that are used up where they are made
    for node in ast.walk(function):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            found |= set(node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _USING_UP:
            at_once.update(node.args)
        elif isinstance(node, _FUNCTIONS) and node is not function and node not in at_once:
            found |= _names_in(node) - _own_names(node)
    return found


def _names_in(node: ast.AST) -> set[str]:
    return {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}


def _own_names(node: ast.AST) -> set[str]:
    """Return variables that are a nested function's own: its arguments, and what it assigns."""
    if isinstance(node, ast.GeneratorExp):
        return _names_in(ast.Tuple([g.target for g in node.generators]))
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    a = node.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x is not None)]
    own = {x.arg for x in every}
    return own if isinstance(node, ast.Lambda) else own | _assigned_within(node.body)


def _assigned_within(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that code assigns, but for what is in scopes of its own."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif not isinstance(node, _SCOPES):
            found |= _assigned_within(ast.iter_child_nodes(node))
    return found
