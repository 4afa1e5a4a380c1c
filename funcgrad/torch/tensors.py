"""The tensor: one NumPy array, and its place in the graph.

The arithmetic is attached from `operations/`, each function in the file where it is defined.
"""

import warnings
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from funcgrad import stop_gradient
from funcgrad.torch.dtypes import DTYPES, dtype, dtype_of, is_floating
from funcgrad.torch.hooks import RemovableHandle
from funcgrad.torch.messages import DETACHED_VIEW, FLAG_OF_RESULT, NO_GRAD, NOT_LEAF, other_dtype
from funcgrad.torch.modes import MODE
from funcgrad.torch.node import Node
from funcgrad.torch.size import Size

__all__ = ["AccumulateGrad", "Tensor", "wrap"]


class Tensor:
    """An array with a history: PyTorch's tensor, on NumPy.

    Args:
        data: numbers to hold as float32; or, as integers, the sizes of a tensor left uninitialized.

    >>> from funcgrad import torch
    >>> torch.Tensor([2, 3])
    tensor([2., 3.])
    """

    # What few tensors have stands on the class, so that making a tensor sets two attributes.
    _node: Node | None = None  # what made it; None for a leaf
    _index = 0  # which of the node's results it is
    _leaf_grad = False  # requires_grad, of a leaf
    _grad: "Tensor | None" = None
    _base: "Tensor | None" = None  # the tensor whose memory this one views
    _path: tuple = ()  # how: view operations, from the base
    _seen = 0  # the base's `_rewrites` when `_node` was made
    _rewrites = 0  # how often the history of this tensor was rewritten in place
    _view_kind = ""  # "several" or "no_grad" where PyTorch forbids writing to the view
    _inference = False  # made in inference mode
    _apart = False  # a constant copy of a traced tensor, where PyTorch's would share its memory
    _accumulator: Any = None
    _hooks: OrderedDict | None = None
    _post_hooks: OrderedDict | None = None

    __array_priority__ = 1000
    __hash__ = object.__hash__

    _array: Any
    _counter: list  # [how often the memory was written to, the label of the node that wrote it]

    if TYPE_CHECKING:  # what `operations/` attaches

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, key: Any) -> "Tensor": ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __neg__(self) -> "Tensor": ...
        def __invert__(self) -> "Tensor": ...
        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __pow__(self, other: Any) -> "Tensor": ...
        def __matmul__(self, other: Any) -> "Tensor": ...
        def __lt__(self, other: Any) -> "Tensor": ...
        def __le__(self, other: Any) -> "Tensor": ...
        def __gt__(self, other: Any) -> "Tensor": ...
        def __ge__(self, other: Any) -> "Tensor": ...

    def __new__(cls, *data: Any, dtype: Any = None, device: Any = None) -> Any:
        raise NotImplementedError  # attached by funcgrad.torch.typed

    # What it is

    @property
    def shape(self) -> Size:
        """The sizes of the axes."""
        return Size(self._array.shape)

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        return DTYPES[self._array.dtype]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self):
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __bool__(self) -> bool:
        if self._array.size != 1:
            many = "more than one value" if self._array.size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
        return bool(self._array.reshape(()))

    def item(self) -> Any:
        """Return the one element as a Python number.

        Raises:
            RuntimeError: when there is not exactly one element.
        """
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.reshape(()).item() if type(self._array) is np.ndarray else self._array.reshape(())

    def _number(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.reshape(())

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.reshape(()))

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self._array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """Return the array behind the tensor; it shares memory.

        Raises:
            RuntimeError: when the tensor requires gradients, unless `force`.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return np.array(array, dtype, copy=copy) if dtype is not None or copy else array

    # Its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether gradients reach this tensor."""
        return self._leaf_grad or self._edge() is not None

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self._edge() is not None and not self._leaf_grad and not flag:
            raise RuntimeError(FLAG_OF_RESULT + NO_GRAD)
        if flag and not is_floating(self._array.dtype):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if self._node is None:
            self._leaf_grad = bool(flag)

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Set `requires_grad` of a leaf, and return the tensor.

        Raises:
            RuntimeError: for a computed tensor, and for integers.
        """
        if requires_grad and not is_floating(self._array.dtype):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by the user, or requires no gradient."""
        return self._leaf_grad or self._edge() is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        if self._leaf_grad:
            return None
        edge = self._edge()
        return None if edge is None else edge[0]

    @property
    def output_nr(self) -> int:
        """Which result of `grad_fn` this tensor is."""
        return self._index

    def _edge(self) -> tuple[Node, int] | None:
        """Return the node through which gradients reach this tensor, and which of its results it is."""
        base = self._base
        if base is not None and base._rewrites != self._seen:
            self._follow(base)
        if self._node is not None:
            return self._node, self._index
        if self._leaf_grad:
            return accumulator(self), 0
        return None

    def _follow(self, base: "Tensor") -> None:
        """Bring the history of a view up to date with what was written to its base."""
        raise NotImplementedError  # attached by funcgrad.torch.inplace

    @property
    def grad(self) -> "Tensor | None":
        """The gradient that `backward` has accumulated; None before."""
        if self._grad is None and not self.is_leaf and not self.retains_grad:
            warnings.warn(NOT_LEAF, UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value: "Tensor | None") -> None:
        if value is not None:
            _check_gradient(self, value)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether this computed tensor keeps its gradient."""
        node = self._node
        return node is not None and node.retained is not None and self._index in node.retained

    def retain_grad(self) -> None:
        """Let this computed tensor keep its gradient in `.grad`.

        Raises:
            RuntimeError: when the tensor requires no gradient.
        """
        edge = self._edge()
        if edge is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        node, index = edge
        if self._node is not None:
            if node.retained is None:
                node.retained = {}
            node.retained[index] = weakref.ref(self)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad)` whenever the gradient of this tensor is computed; what it returns replaces it.

        Returns:
            a handle whose `remove()` takes the hook away.

        Raises:
            RuntimeError: when the tensor requires no gradient.
        """
        edge = self._edge()
        if edge is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is None:
            if self._hooks is None:
                self._hooks = OrderedDict()
            return RemovableHandle(self._hooks, hook)
        node, index = edge
        return RemovableHandle(node.hooks_of(index), hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(tensor)` each time a gradient has been accumulated into this leaf.

        Raises:
            RuntimeError: when the tensor is no leaf that requires gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_hooks is None:
            self._post_hooks = OrderedDict()
        return RemovableHandle(self._post_hooks, hook)

    def detach(self) -> "Tensor":
        """Return a tensor that shares this one's memory and has no history."""
        if type(self._array) is not np.ndarray:
            return _constant(self._array)
        out = wrap(self._array)
        out._counter = self._counter
        return out

    def detach_(self) -> "Tensor":
        """Forget the history of this tensor, which becomes a leaf."""
        if self._base is not None:
            raise RuntimeError(DETACHED_VIEW)
        self._node, self._index, self._leaf_grad = None, 0, False
        return self

    @property
    def data(self) -> "Tensor":
        """A tensor that shares this one's memory, outside of the graph: writing to it is not noticed."""
        return wrap(self._array) if type(self._array) is np.ndarray else _constant(self._array)

    @data.setter
    def data(self, new: "Tensor") -> None:
        self._array = new._array

    @property
    def _version(self) -> int:
        return self._counter[0]

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode."""
        return self._inference

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """Whether the elements are complex."""
        return self._array.dtype.kind == "c"


def wrap(array: Any, cls: type = Tensor) -> Any:
    """Return a tensor of `array`, which it shares; no history."""
    out: Any = object.__new__(cls)
    out._array = array
    out._counter = [0, ""]
    return out


def _constant(array: Any) -> Tensor:
    """Return a traced array as a tensor through which no gradient flows."""
    out = wrap(stop_gradient(array))
    out._apart = True
    return out


def _check_gradient(x, value):
    if not isinstance(value, Tensor):
        raise TypeError(
            f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
        )
    if value is x:
        raise RuntimeError("can't assign Variable as its own grad")
    if value._array.dtype != x._array.dtype:
        raise other_dtype(dtype_of(value._array).scalar.lower(), dtype_of(x._array).scalar)
    if value._array.shape != x._array.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(value._array.shape)}' to a tensor of size "
            f"'{list(x._array.shape)}'. Please ensure that the gradient and the tensor are the same size"
        )


class AccumulateGrad(Node):
    """The end of the graph at a leaf: what arrives is added to the leaf's gradient."""

    label = "AccumulateGrad"

    def __init__(self, variable: Tensor):
        super().__init__([])
        self.sequence = 0  # after every operation
        self.variable = variable


def accumulator(x: Tensor) -> AccumulateGrad:
    """Return the one node at the end of a leaf, made anew when no graph holds it."""
    held = x._accumulator
    node = held() if held is not None else None
    if node is None:
        node = AccumulateGrad(x)
        x._accumulator = weakref.ref(node)
    return node


def needs_history(*tensors: Any) -> bool:
    """Whether an operation on these arguments is to be recorded now."""
    if MODE.grad:
        for x in tensors:
            if isinstance(x, Tensor) and x._edge() is not None:
                return True
    return False
