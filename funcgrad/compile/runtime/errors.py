"""What compiled code raises where it can only say what kind of thing went wrong."""

from funcgrad.errors import DTypeError, FuncgradError, ShapeError

__all__ = ["NativeError", "OutOfBounds", "TooLarge"]


class NativeError(FuncgradError):
    """What native code raises by its class alone."""

    message: str
    edit: str

    def __init__(self) -> None:
        super().__init__(self.message, hint=self.edit)

    def __reduce__(self):
        return type(self), ()


class OutOfBounds(NativeError, ShapeError, IndexError):
    """A compiled program met an index out of bounds."""

    message = "indexing: expected indices within the array, got one that is out of bounds."
    edit = "call the function without jit (FUNCGRAD_JIT=0) to see which one."


class TooLarge(NativeError, DTypeError, OverflowError):
    """A compiled program met a Python int that does not fit the dtype of its partner."""

    message = "jit: expected Python ints that fit the dtype of the array they meet, got one that does not."
    edit = "convert the array with astype, or pass the number as an array of a wider dtype."
