"""tanh and its first six derivatives, each the derivative of the one before.

`vmap` evaluates a scalar function on a whole grid; `python examples/tanh_derivatives.py [FILE.png]`
saves the curves.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np

import funcgrad as fg

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(path: Path) -> None:
    x = np.linspace(-4, 4, 400)
    f = np.tanh
    for order in range(7):
        y = fg.vmap(f)(x)
        label = "tanh" if order == 0 else f"derivative {order}"
        plt.plot(x, y / np.max(np.abs(y)), label=label)
        print(f"{label:13s} at 0.5: {f(0.5):+.6f}")
        f = fg.grad(f)
    plt.legend(fontsize="small")
    plt.title("tanh and its derivatives, each scaled to 1")
    plt.savefig(path, dpi=120)
    print(f"saved {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
