"""The text of LLVM, line by line: what every writer of a function here is."""

__all__ = ["Text"]


class Text:
    """Instructions of one function, written one behind the other.

    Args:
        stem: what the names of values begin with.
    """

    def __init__(self, stem: str):
        self.lines: list[str] = []
        self._stem = stem
        self._count = 0

    def name(self, stem: str = "") -> str:
        """Return a name that nothing has yet."""
        self._count += 1
        return f"%{stem or self._stem}{self._count}"

    def set(self, text: str) -> str:
        """Write `name = text`; return the name."""
        self._count += 1  # (as `name` does: this is most of what writing takes)
        name = f"%{self._stem}{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        self.lines.append("  " + text)

    def label(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def require(self, condition: str, otherwise: str) -> None:
        """Go on where a condition holds, else at a label."""
        self._count += 1
        self.do(f"br i1 {condition}, label %go{self._count}, label %{otherwise}")
        self.label(f"go{self._count}")

    def element(self, array: str, position: int) -> str:
        """Return the place of an element in an array of addresses."""
        return self.set(f"getelementptr ptr, ptr {array}, i64 {position}")

    def put(self, array: str, position: int, pointer: str) -> None:
        """Store an address in an array of them."""
        self.do(f"store ptr {pointer}, ptr {self.element(array, position)}")
