"""Devices: there is one, the CPU."""

from typing import Any

from funcgrad.torch.tensors import Tensor

__all__ = ["checked_device", "device"]


class device:
    """Where a tensor lives: `device("cpu")`. Other devices can be named, but hold no tensors."""

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None):
        if isinstance(type, device):
            type, index = type.type, type.index
        name, _, number = str(type).partition(":")
        if name not in ("cpu", "cuda", "mps", "meta", "xpu"):
            raise RuntimeError(
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, "
                f"vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {name}"
            )
        self.type = name
        self.index = int(number) if number else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")


_CPU = device("cpu")


def checked_device(d: Any) -> device:
    """Return the device; raise for one that this library has not.

    Raises:
        AssertionError: for CUDA, as PyTorch does where it is built without.
        NotImplementedError: for others.
    """
    d = device(d)
    if d.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if d.type != "cpu":
        raise NotImplementedError(f"device {d}: funcgrad computes on the CPU, and there is no other device.")
    return d


Tensor.device = property(lambda self: _CPU)  # type: ignore[attr-defined]
Tensor.is_cuda = property(lambda self: False)  # type: ignore[attr-defined]
