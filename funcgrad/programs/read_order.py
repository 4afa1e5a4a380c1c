"""Few elements are read before an array is written: then it can be written where it is."""

from funcgrad.core.program import Equation, Program, Var

__all__ = ["with_reads_first"]

# An array from so many elements on is worth it.
LEAST_ELEMENTS = 16
# So many equations are brought forward at most: what they read has to be stored.
MOST_READS = 16
# What is read comes from so long a chain of equations at most.
MOST_CHAINED = 8


def with_reads_first(program: Program) -> Program:
    """Return the program with the equations that read few elements of an array before those that may write to it.

    An equation may write to an operand if its result is of that type and no later equation needs all of the operand;
    later ones that need few elements are brought forward, with what they are computed from.
    """
    readers: dict[Var, list[int]] = {}
    producer: dict[Var, int] = {}
    for at, equation in enumerate(program.equations):
        for atom in dict.fromkeys(equation.inputs):
            if isinstance(atom, Var) and atom.type.size >= LEAST_ELEMENTS:
                readers.setdefault(atom, []).append(at)
        producer.update(dict.fromkeys(equation.outputs, at))
    kept = {a for a in program.outputs if isinstance(a, Var)}
    order: list[int] = []
    done: set[int] = set()

    def chain(at: int, behind: int, size: int) -> list[int] | None:
        """Return the equations still needed for the one at `at`, itself the last; None if that is too much."""
        found: dict[int, None] = {}
        left = MOST_CHAINED

        def visit(at: int) -> bool:
            nonlocal left
            if at in done or at in found:
                return True
            left -= 1
            if at == behind or left < 0 or 8 * _size(program.equations[at]) > size:
                return False
            operands = [a for a in program.equations[at].inputs if isinstance(a, Var) and a in producer]
            if not all(visit(producer[a]) for a in operands):
                return False
            found[at] = None
            return True

        return list(found) if visit(at) else None

    for at, equation in enumerate(program.equations):
        if at in done:
            continue
        for x in dict.fromkeys(equation.inputs):
            if not isinstance(x, Var) or x in kept or readers.get(x, [at])[-1] == at:
                continue
            if not any(v.type == x.type for v in equation.outputs):
                continue
            later = [k for k in readers[x] if k > at and k not in done]
            if len(later) > MOST_READS or 8 * sum(_size(program.equations[k]) for k in later) > x.type.size:
                continue
            for k in later:
                for needed in chain(k, at, x.type.size) or ():
                    done.add(needed)
                    order.append(needed)
        done.add(at)
        order.append(at)
    if order == sorted(order):
        return program
    return program.replaced(equations=[program.equations[at] for at in order])


def _size(equation: Equation) -> int:
    return sum(v.type.size for v in equation.outputs)
