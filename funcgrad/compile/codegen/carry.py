"""The carry of a native loop: where an iteration reads it, and where it writes the next."""

from collections.abc import Mapping, Sequence

from funcgrad.compile.codegen.function_text import FunctionText

__all__ = ["Carry"]


class Carry:
    """Where a loop's carry is read and written.

    Attributes:
        current, target: where an iteration reads the carry, and where it writes the next.
        reached: where the carry is when the loop ends behind an iteration.
    """

    # A part of up to so many bytes is kept on the stack, or in registers.
    SMALL = 64

    def __init__(
        self,
        function: FunctionText,
        sizes: Sequence[int],
        starts: Sequence[str],
        first: Sequence[str],
        other: Sequence[str],
        in_place: Mapping[int, str],
    ):
        """Write what comes before the loop.

        Args:
            sizes: of the parts, in bytes.
            starts: where the first iteration reads them.
            first, other: two buffers for each large one: what the first iteration writes, and the second.
            in_place: the parts that are written where they are read, and that place.
        """
        small = [size <= self.SMALL for size in sizes]
        self.function = function
        self.small = [k for k, stays in enumerate(small) if stays]
        self.large = [k for k, stays in enumerate(small) if not stays and k not in in_place]
        self.sizes, self.starts, self.first, self.other = sizes, starts, first, other
        self.current, self.target = (
            [
                function.stack(max(size, 1)) if stays else function.name()
                for size, stays in zip(sizes, small, strict=True)
            ]
            for _ in range(2)
        )
        for k, place in in_place.items():
            self.current[k] = self.target[k] = place
        for k in (*self.small, *in_place):
            function.copy(self.current[k], starts[k], sizes[k])

    def begin(self, entry: str, back: str) -> None:
        """Write what the head of the loop begins with."""
        for k in self.large:
            spare = self.function.name()
            rows = [
                (self.current[k], self.starts[k], self.target[k]),
                (self.target[k], self.first[k], spare),
                (spare, self.other[k], self.target[k]),
            ]
            for name, start, following in rows:
                self.function.lines.append(
                    f"  {name} = phi ptr [ {start}, %{entry} ], [ {following}, %{back} ]"
                )

    def advance(self) -> None:
        """Let what was written be what the next iteration reads."""
        for k in self.small:
            self.function.copy(self.current[k], self.target[k], self.sizes[k])

    @property
    def reached(self) -> list[str]:
        return [
            current if k in self.small else target
            for k, (current, target) in enumerate(zip(self.current, self.target, strict=True))
        ]
