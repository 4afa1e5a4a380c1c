"""The intermediate representation: Var, Literal, Equation, Program."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from funcgrad import tree
from funcgrad.core.primitive import Primitive
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import TreeError
from funcgrad.heavy import hashlib
from funcgrad.source import Location

__all__ = [
    "Atom",
    "Equation",
    "Literal",
    "Program",
    "Var",
    "every_program",
    "has_effect",
    "pruned",
    "subprograms",
]


class Var:
    """A variable: assigned once, identified by itself."""

    __slots__ = ("type",)

    def __init__(self, type: ArrayType):
        self.type = type

    def __repr__(self) -> str:
        return f"Var({self.type})"


class Literal:
    """A scalar constant written into the program."""

    __slots__ = ("type", "value")

    def __init__(self, value: Any):
        self.value = value
        self.type = type_of(value)

    def __repr__(self) -> str:
        return f"Literal({self.value!r})"


Atom = Var | Literal


class Equation:
    """`outputs = primitive(inputs, **params)`, and the user's line it came from."""

    __slots__ = ("inputs", "outputs", "params", "primitive", "source")

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Atom, ...],
        params: dict[str, Any],
        outputs: tuple[Var, ...],
        source: Location | None = None,
    ):
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.source = source


class Program:
    """A typed, straight-line function: inputs, constants, equations in SSA order, outputs.

    Immutable once built. Calling it runs it, with arguments and results in the containers of the
    function it was traced from. Equal and hashed by structure.

    Args:
        inputs: the argument variables.
        constants: captured arrays, as `(Var, value)` pairs.
        equations: in an order in which each variable is assigned before it is used.
        outputs: what is returned.
        in_tree: structure of the arguments, as `(args, kwargs)`; flat when None.
        out_tree: structure of the result; a tuple when None.
        name: what the printer calls it.
        input_names: what the printer calls the inputs, where it can.
    """

    def __init__(
        self,
        inputs: tuple[Var, ...],
        constants: tuple[tuple[Var, Any], ...],
        equations: tuple[Equation, ...],
        outputs: tuple[Atom, ...],
        in_tree: tree.TreeDef | None = None,
        out_tree: tree.TreeDef | None = None,
        name: str = "program",
        input_names: tuple[str, ...] = (),
    ):
        self.inputs = tuple(inputs)
        self.constants = tuple(constants)
        self.equations = tuple(equations)
        self.outputs = tuple(outputs)
        self.in_tree = in_tree
        self.out_tree = out_tree
        self.name = name
        self.input_names = input_names

    # Filled in by core.interpret, core.printer and core.serialize: each is one idea in one file.
    _run: Callable
    _print: Callable
    _save: Callable
    load: Callable

    @property
    def in_types(self) -> tuple[ArrayType, ...]:
        return tuple(v.type for v in self.inputs)

    @property
    def out_types(self) -> tuple[ArrayType, ...]:
        return tuple(a.type for a in self.outputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program on arguments in the containers it was traced with.

        Raises:
            TreeError: when their structure is another.
            ShapeError, DTypeError: when a leaf has another shape or dtype.
        """
        if self.in_tree is None:
            leaves = list(args)
        else:
            leaves, in_tree = tree.flatten((args, kwargs))
            if in_tree != self.in_tree:
                raise TreeError(
                    f"{self.name}: expected arguments of the structure {self.in_tree}, got {in_tree}."
                )
        outputs = Program._run(self, leaves, check=True)
        return tuple(outputs) if self.out_tree is None else tree.unflatten(self.out_tree, outputs)

    def __str__(self) -> str:
        return Program._print(self)

    def __repr__(self) -> str:
        return str(self)

    def pretty(self, *, sources: bool = False) -> str:
        """Return the text of the program; with `sources`, the user's file and line of each equation."""
        return Program._print(self, sources=sources)

    def save(self, file: Any) -> None:
        """Write the program to a path or binary file (see `Program.load` and `core.serialize`)."""
        Program._save(self, file)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Program) and self.fingerprint == other.fingerprint)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def replaced(
        self,
        *,
        inputs: Sequence[Var] | None = None,
        constants: Sequence[tuple[Var, Any]] | None = None,
        equations: Sequence[Equation] | None = None,
        outputs: Sequence[Atom] | None = None,
        name: str | None = None,
    ) -> "Program":
        """Return the program with other parts; the containers of its arguments, or results, stay unless these change."""
        return Program(
            tuple(self.inputs if inputs is None else inputs),
            tuple(self.constants if constants is None else constants),
            tuple(self.equations if equations is None else equations),
            tuple(self.outputs if outputs is None else outputs),
            self.in_tree if inputs is None else None,
            self.out_tree if outputs is None or len(outputs) == len(self.outputs) else None,
            self.name if name is None else name,
            self.input_names if inputs is None else (),
        )

    def computing(
        self,
        outputs: Sequence[Atom],
        *,
        inputs: Sequence[Var] | None = None,
        equations: Sequence[Equation] | None = None,
        name: str | None = None,
    ) -> "Program":
        """Return the program with other outputs, without equations and constants that these do not need."""
        given = self.equations if equations is None else equations
        kept, constants = pruned(given, self.constants, outputs)
        return self.replaced(inputs=inputs, constants=constants, equations=kept, outputs=outputs, name=name)

    @property
    def flat(self) -> "Program":
        """The program of flat arguments and results."""
        if self.in_tree is None and self.out_tree is None:
            return self
        return self._flat

    @cached_property
    def _flat(self) -> "Program":
        return Program(self.inputs, self.constants, self.equations, self.outputs, name=self.name)

    @cached_property
    def last_uses(self) -> tuple[tuple[Var, ...], ...]:
        """For each equation, the variables that no later equation and no output reads."""
        needed = {a for a in self.outputs if isinstance(a, Var)}
        deaths: list[tuple[Var, ...]] = []
        for equation in reversed(self.equations):
            dying = {a for a in (*equation.inputs, *equation.outputs) if isinstance(a, Var)} - needed
            needed |= dying
            deaths.append(tuple(dying))
        return tuple(reversed(deaths))

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the structure: equal programs have equal ones, in every process."""
        digest = hashlib().sha256()
        for part in self._structure():
            digest.update(part.encode() if isinstance(part, str) else part)
            digest.update(b"\0")
        return digest.hexdigest()

    def _structure(self) -> Iterator[str | bytes]:
        numbers: dict[Var, int] = {}

        def name(atom: Atom) -> str:
            if isinstance(atom, Literal):
                return f"{atom.value!r}:{atom.type}"
            return str(numbers[atom])

        def define(var: Var) -> str:
            numbers[var] = len(numbers)
            return str(var.type)

        for var in self.inputs:
            yield "input " + define(var)
        for var, value in self.constants:
            yield "constant " + define(var)
            array = np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else None
            yield repr(id(value)) if array is None else np.ascontiguousarray(array).tobytes()
        for equation in self.equations:
            yield equation.primitive.name
            for key in sorted(equation.params):
                value = equation.params[key]
                yield f"{key}={_token(value)}"
            yield " ".join(map(name, equation.inputs))
            yield " ".join(map(define, equation.outputs))
        yield "return " + " ".join(map(name, self.outputs))
        yield f"{_token(self.in_tree)} {_token(self.out_tree)}"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # What others keep with a program, such as code and derivatives, begins with an underscore too.
        for kept in ("last_uses", "fingerprint", *(key for key in state if key.startswith("_"))):
            state.pop(kept, None)
        return state


# What a parameter is by value; anything else (a Python function, say) is only what it is itself.
_VALUES = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type(...),
    slice,
    np.dtype,
    np.generic,
    ArrayType,
)
_serials: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_lasting_serials: dict[Any, int] = {}  # of what takes no weak reference, such as a date
_named: WeakValueDictionary[str, type] = WeakValueDictionary()
_next_serial = count()


def _token(value: Any) -> str:
    """Return a text that equal parameters share, and no others."""
    if isinstance(value, Program):
        return value.fingerprint
    if isinstance(value, tuple):
        items = value.order if type(value) is tree.Keys else value
        return f"{type(value).__name__}({','.join(map(_token, items))})"
    if isinstance(value, tree.TreeDef):
        inner = "".join(map(_token, value.children))
        return f"{value.kind and _token(value.kind)}[{_token(value.meta)} {inner}]"
    if isinstance(value, np.ufunc):
        return f"numpy.{value.__name__}"
    if isinstance(value, _VALUES):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, type):
        name = f"{value.__module__}.{value.__qualname__}"
        if _named.setdefault(name, value) is value:
            return name  # the same in every process, unless a class takes the name of another
    return f"{type(value).__name__} number {_serial(value)}"


def _serial(value: Any) -> int:
    """Return a number that equal values share; never given twice, as an id would be."""
    try:
        if value not in _serials:
            _serials[value] = next(_next_serial)
        return _serials[value]
    except TypeError:
        return _lasting_serials.setdefault((type(value), value), next(_next_serial))


def pruned(
    equations: Sequence[Equation], constants: Sequence[tuple[Var, Any]], outputs: Sequence[Atom]
) -> tuple[tuple[Equation, ...], tuple[tuple[Var, Any], ...]]:
    """Return the equations and the constants that the outputs need, or that have an effect.

    Of an equation of whose results only some are needed, those alone stay, if its primitive has a `trim_rule`.
    """
    needed = {a for a in outputs if isinstance(a, Var)}
    kept = []
    for equation in reversed(equations):
        wanted = tuple([v in needed for v in equation.outputs])
        if any(wanted) or has_effect(equation):
            if not all(wanted) and equation.primitive.trim_rule is not None:
                equation = _with_wanted(equation, wanted)
            kept.append(equation)
            needed.update(a for a in equation.inputs if isinstance(a, Var))
    return tuple(reversed(kept)), tuple(pair for pair in constants if pair[0] in needed)


def _with_wanted(equation: Equation, wanted: tuple[bool, ...]) -> Equation:
    """Return an equation with the wanted results, and what its primitive needs for them."""
    arguments, results, params = equation.primitive.trim_rule(wanted, **equation.params)
    return Equation(
        equation.primitive,
        tuple(a for a, stays in zip(equation.inputs, arguments, strict=True) if stays),
        {**equation.params, **params},
        tuple(v for v, stays in zip(equation.outputs, results, strict=True) if stays),
        equation.source,
    )


def has_effect(equation: Equation) -> bool:
    """Whether an equation, or one in a program of its parameters, does something besides its result."""
    return equation.primitive.effect or any(
        has_effect(inner) for program in subprograms(equation.params) for inner in program.equations
    )


def every_program(program: Program) -> Iterator[Program]:
    """Yield a program, and those among the parameters of its equations, at any depth."""
    yield program
    for equation in program.equations:
        for inner in subprograms(equation.params):
            yield from every_program(inner)


def subprograms(params: dict[str, Any]) -> list[Program]:
    """Return the Programs among an equation's parameters."""
    found: list[Program] = []
    for value in params.values():
        if type(value) is Program:
            found.append(value)
        elif isinstance(value, tuple):
            for item in value:
                if type(item) is Program:
                    found.append(item)
    return found
