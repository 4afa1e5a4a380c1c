"""torchsummary's table of a model's layers: `from funcgrad.torch.summary import summary`."""

from collections import OrderedDict
from typing import Any

import numpy as np

from funcgrad.torch.devices import checked_device
from funcgrad.torch.dtypes import float32
from funcgrad.torch.modes import no_grad
from funcgrad.torch.nn.module import Module
from funcgrad.torch.nn.modules.container import ModuleList, Sequential
from funcgrad.torch.operations.creation import zeros

__all__ = ["summary"]

_MEGABYTE = 1024.0**2


def summary(
    model: Module, input_size: Any, batch_size: int = -1, device: str = "cpu", dtype: Any = float32
) -> None:
    """Print each layer's output shape and parameter count, totals, and sizes in MB.

    Args:
        input_size: the shape of one example, or a list of such shapes for several arguments.
        batch_size: printed as the first size, and counted in the sizes.
    """
    checked_device(device)
    sizes = [tuple(s) for s in input_size] if isinstance(input_size, list) else [tuple(input_size)]
    rows: OrderedDict[str, dict] = OrderedDict()
    handles = []

    def seen(module, inputs, output):
        name = f"{type(module).__name__}-{len(rows) + 1}"
        shape = (
            [[-1, *y.shape[1:]] for y in output] if isinstance(output, (list, tuple)) else list(output.shape)
        )
        if not isinstance(output, (list, tuple)):
            shape[0] = batch_size
        weight, bias = (module._parameters.get(name) for name in ("weight", "bias"))
        rows[name] = {
            "shape": shape,
            "count": sum(p.numel() for p in (weight, bias) if p is not None),
            "trained": weight is not None and weight.requires_grad,
        }

    for module in model.modules():
        if module is not model and not isinstance(module, (Sequential, ModuleList)):
            handles.append(module.register_forward_hook(seen))
    try:
        with no_grad():
            model(*[zeros(2, *size, dtype=dtype) for size in sizes])
    finally:
        for handle in handles:
            handle.remove()
    _print(rows, sizes, batch_size)


def _print(rows, sizes, batch_size):
    print("-" * 64)
    print(f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}")
    print("=" * 64)
    total = trained = output = 0
    for name, row in rows.items():
        print(f"{name:>20}  {row['shape']!s:>25} {row['count']:>15,}")
        total += row["count"]
        output += int(np.prod(np.ravel(row["shape"])))
        trained += row["count"] if row["trained"] else 0
    in_mb = abs(
        int(np.prod(np.concatenate(sizes))) * batch_size * 4.0 / _MEGABYTE
    )  # all multiplied: torchsummary's
    out_mb = abs(2.0 * output * 4.0 / _MEGABYTE)  # once for the values, once for the gradients
    params_mb = abs(total * 4.0 / _MEGABYTE)
    print("=" * 64)
    print(f"Total params: {total:,}")
    print(f"Trainable params: {trained:,}")
    print(f"Non-trainable params: {total - trained:,}")
    print("-" * 64)
    print(f"Input size (MB): {in_mb:0.2f}")
    print(f"Forward/backward pass size (MB): {out_mb:0.2f}")
    print(f"Params size (MB): {params_mb:0.2f}")
    print(f"Estimated Total Size (MB): {params_mb + out_mb + in_mb:0.2f}")
    print("-" * 64)
