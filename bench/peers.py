"""The systems compared: which module each needs, and how it is drawn."""

import importlib.util
from typing import NamedTuple

__all__ = ["SYSTEMS", "System", "installed", "missing", "style_of"]


class System(NamedTuple):
    """A system as tables and plots know it.

    Attributes:
        module: what is compared with, and must be importable; None for funcgrad's own.
        colour, marker: of its points; colours of Okabe and Ito (2008), told apart with any colour vision.
        compiles: whether its first call compiles.
    """

    module: str | None
    colour: str
    marker: str = "o"
    compiles: bool = False


_BLUE, _SKY, _ORANGE, _VERMILION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
_GREEN, _PURPLE, _GREY, _BLACK = "#009E73", "#CC79A7", "#888888", "#000000"

SYSTEMS = {  # the first of those present is what the others are compared with
    "funcgrad.torch": System(None, _SKY, "s"),
    "funcgrad": System(None, _BLUE, compiles=True),
    "funcgrad (cached)": System(None, _BLUE, "D"),
    "funcgrad by scan": System(None, _BLUE, "v", compiles=True),
    "interpreted": System(None, _SKY),
    "NumPy": System("numpy", _GREY),
    "NumPy by hand": System("numpy", _GREY),
    "Numba by hand": System("numba", _BLACK, "^", compiles=True),
    "JAX": System("jax", _VERMILION, compiles=True),
    "JAX by scan": System("jax", _VERMILION, "v", compiles=True),
    "JAX without jit": System("jax", _VERMILION, "s"),
    "PyTorch": System("torch", _PURPLE),
    "PyTorch eager": System("torch", _PURPLE, "s"),
    "torch.func": System("torch", _PURPLE, "v"),
    "torch.compile": System("torch", _PURPLE, compiles=True),
    "PyTensor": System("pytensor", _GREEN, compiles=True),
    "autograd": System("autograd", _ORANGE),
}


def style_of(name: str) -> System:
    return SYSTEMS.get(name, System(None, _BLACK, "x"))


def installed(name: str) -> bool:
    module = style_of(name).module
    return module is None or importlib.util.find_spec(module) is not None


def missing() -> list[str]:
    """Return the modules of peers that are not installed."""
    modules = {s.module for s in SYSTEMS.values() if s.module is not None}
    return sorted(m for m in modules if importlib.util.find_spec(m) is None)
