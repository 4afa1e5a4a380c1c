"""Index arithmetic: integer expressions that are affine in loop counters wherever they can be.

An `Index` is `constant + sum of coefficient * atom`. An atom is a loop's counter, a quotient or remainder of
another index by a constant (what reshaping leaves when axes do not line up), or an integer read from an
array. Every atom has known bounds, so that `(i * 8 + j) // 8` is `i` where `j` is below 8.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Counter", "Data", "Index", "Interval", "Quotient", "Remainder", "flatten_index", "split_index"]


class Counter:
    """A loop's counter, from 0 to `extent - 1`."""

    __slots__ = ("extent",)

    def __init__(self, extent: int):
        self.extent = extent

    def bounds(self) -> tuple[int, int]:
        return 0, self.extent - 1


class Interval:
    """What is known of an integer: it is from `low` to `high`."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int):
        self.low = low
        self.high = high

    def bounds(self) -> tuple[int, int]:
        return self.low, self.high

    def __eq__(self, other: object) -> bool:
        return type(other) is Interval and self.bounds() == other.bounds()

    def __hash__(self) -> int:
        return hash(self.bounds())


class Quotient:
    """`index // divisor`."""

    __slots__ = ("divisor", "index")

    def __init__(self, index: "Index", divisor: int):
        self.index = index
        self.divisor = divisor

    def bounds(self) -> tuple[int, int]:
        low, high = self.index.bounds()
        return low // self.divisor, high // self.divisor

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self.index, self.divisor) == (other.index, other.divisor)

    def __hash__(self) -> int:
        return hash((type(self), self.index, self.divisor))


class Remainder(Quotient):
    """`index % divisor`."""

    __slots__ = ()

    def bounds(self) -> tuple[int, int]:
        return 0, self.divisor - 1


class Data:
    """An integer computed from arrays, between 0 and `extent - 1`."""

    __slots__ = ("expression", "extent")

    def __init__(self, expression: Any, extent: int):
        self.expression = expression
        self.extent = extent

    def bounds(self) -> tuple[int, int]:
        return 0, self.extent - 1

    def __eq__(self, other: object) -> bool:
        return type(other) is Data and self.expression is other.expression and self.extent == other.extent

    def __hash__(self) -> int:
        return hash((id(self.expression), self.extent))


_ANYWHERE: dict[Any, Any] = {}


class Index:
    """`constant + sum(coefficient * atom)`; immutable."""

    __slots__ = ("_hash", "constant", "terms")

    def __init__(self, terms: dict[Any, int] | None = None, constant: int = 0):
        self.terms = terms or {}
        self.constant = constant
        self._hash: int | None = None

    @staticmethod
    def of(atom: Any) -> "Index":
        """Return an atom as an index; the counter of a loop that runs once is 0."""
        low, high = atom.bounds()
        return Index({atom: 1}) if low < high else Index({}, low)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self.constant == other.constant and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.constant, frozenset(self.terms.items())))
        return self._hash

    def __add__(self, other: "Index | int") -> "Index":
        if isinstance(other, int):
            return Index(self.terms, self.constant + other) if other else self
        if not other.terms:
            return self + other.constant
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + coefficient
            if total:
                terms[atom] = total
            else:
                del terms[atom]
        out = Index(terms, self.constant + other.constant)
        return out._rejoined() if any(type(a) is Remainder for a in terms) else out

    def __sub__(self, other: "Index | int") -> "Index":
        return self + other * -1

    def __mul__(self, factor: int) -> "Index":
        if factor == 1:
            return self
        if factor == 0:
            return Index()
        return Index({a: c * factor for a, c in self.terms.items()}, self.constant * factor)

    def _rejoined(self) -> "Index":
        """Put `k * divisor * (x // divisor) + k * (x % divisor)` together as `k * x`."""
        for atom, k in self.terms.items():
            if type(atom) is Remainder:
                quotient = Quotient(atom.index, atom.divisor)
                if self.terms.get(quotient) == k * atom.divisor:
                    rest = {a: c for a, c in self.terms.items() if a != atom and a != quotient}
                    return Index(rest, self.constant) + atom.index * k
        return self

    def _divided(self, divisor: int, within: Mapping[Any, Any]) -> tuple["Index", "Index", bool]:
        """Return (quotient, rest) with self = quotient * divisor + rest, as far as coefficients tell; and whether the rest
        is below the divisor.

        The smallest value of the rest is between 0 and `divisor - 1`.
        """
        whole, rest = {}, {}
        for atom, c in self.terms.items():
            q = (2 * abs(c) + divisor - 1) // (2 * divisor)  # the nearest, of two the one nearer to 0
            q = q if c > 0 else -q
            left = c - q * divisor
            low, high = within.get(atom, atom).bounds()
            if left and abs(left) * max(abs(low), abs(high)) >= divisor:
                q, left = 0, c
            if q:
                whole[atom] = q
            if left:
                rest[atom] = left
        remaining = Index(rest, self.constant)
        low, high = remaining.bounds(within)
        shift = low // divisor
        return Index(whole, shift), remaining + -shift * divisor, high // divisor == shift

    def quotient(self, divisor: int, within: Mapping[Any, Any] = _ANYWHERE) -> "Index":
        """Return `self // divisor`, where atoms are `within` bounds narrower than their own."""
        if divisor == 1:
            return self
        whole, rest, is_whole = self._divided(divisor, within)
        return whole if is_whole else whole + Index.of(Quotient(rest, divisor))

    def remainder(self, divisor: int, within: Mapping[Any, Any] = _ANYWHERE) -> "Index":
        """Return `self % divisor`, where atoms are `within` bounds narrower than their own."""
        if divisor == 1:
            return Index()
        _, rest, is_rest = self._divided(divisor, within)
        return rest if is_rest else Index.of(Remainder(rest, divisor))

    def __floordiv__(self, divisor: int) -> "Index":
        return self.quotient(divisor)

    def __mod__(self, divisor: int) -> "Index":
        return self.remainder(divisor)

    def narrowed(self, within: Mapping[Any, Any]) -> "Index":
        """Return an index that is equal where atoms are `within` bounds narrower than their own."""
        out = Index({}, self.constant)
        for atom, c in self.terms.items():
            low, high = within.get(atom, atom).bounds()
            if low == high:
                out = out + low * c
            elif isinstance(atom, Quotient):
                inner = atom.index.narrowed(within)
                divide = inner.remainder if type(atom) is Remainder else inner.quotient
                out = out + divide(atom.divisor, within) * c
            else:
                out = out + Index({atom: c})
        return out

    def bounds(self, within: Mapping[Any, Any] | None = None) -> tuple[int, int]:
        """Return the smallest and the largest value; `within` gives what has narrower bounds in place of an atom."""
        low = high = self.constant
        for atom, c in self.terms.items():
            a, b = (within.get(atom, atom) if within else atom).bounds()
            low += c * (a if c > 0 else b)
            high += c * (b if c > 0 else a)
        return low, high

    def coefficient(self, atom: Any) -> int:
        return self.terms.get(atom, 0)

    def without(self, atom: Any) -> "Index":
        """Return the index with the term of `atom` left out."""
        if atom not in self.terms:
            return self
        return Index({a: c for a, c in self.terms.items() if a is not atom}, self.constant)

    def is_affine(self) -> bool:
        """Whether every atom is a loop's counter."""
        return all(type(a) is Counter for a in self.terms)

    def is_divided(self) -> bool:
        """Whether a loop's counter is in a quotient or a remainder."""
        return any(isinstance(a, Quotient) and any(True for _ in a.index.loops()) for a in self.terms)

    def loops(self) -> Iterator[Counter]:
        """Yield the loops it depends on, directly or inside a quotient or an array's element."""
        for atom in self.terms:
            if type(atom) is Counter:
                yield atom
            elif type(atom) is Data:
                yield from atom.expression.loops()
            else:
                yield from atom.index.loops()

    def data(self) -> Iterator[Any]:
        """Yield the expressions it reads from arrays."""
        for atom in self.terms:
            if type(atom) is Data:
                yield atom.expression
            elif type(atom) is not Counter:
                yield from atom.index.data()


def flatten_index(index: tuple[Index, ...], shape: tuple[int, ...]) -> Index:
    """Return the position in C order of the element at `index` of an array of `shape`."""
    out = Index()
    for i, n in zip(index, shape, strict=True):
        out = out * n + i if n != 1 else out
    return out


def split_index(flat: Index, shape: tuple[int, ...]) -> tuple[Index, ...]:
    """Return the index, in an array of `shape`, of the element at a position in C order."""
    out = []
    for position, n in enumerate(reversed(shape)):
        if n <= 1:  # of an empty array, there is no element to ask for
            out.append(Index())
            continue
        outermost = all(m == 1 for m in shape[: len(shape) - 1 - position])
        out.append(flat if outermost else flat % n)
        flat = flat // n
    return tuple(reversed(out))
