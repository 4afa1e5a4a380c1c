"""L-BFGS: steps along a Newton direction built from the last gradients."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from funcgrad.torch.modes import enable_grad
from funcgrad.torch.optim.line_search import strong_wolfe
from funcgrad.torch.optim.optimizer import Optimizer

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright, 2006, algorithm 7.5).

    Args:
        max_iter: steps in each call of `step`. max_eval: evaluations (1.25 max_iter when not given).
        tolerance_grad, tolerance_change: when to stop.
        history_size: how many pairs of steps and gradient differences are kept.
        line_search_fn: "strong_wolfe", or None for steps of `lr`.
    """

    flags: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        names = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, names)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        self._params = self.param_groups[0]["params"]

    def _gradient(self):
        return np.concatenate(
            [
                np.zeros(p._array.size, p._array.dtype) if p._grad is None else p._grad._array.reshape(-1)
                for p in self._params
            ]
        )

    def _move(self, direction, length):
        start = 0
        for p in self._params:
            n = p._array.size
            p._array += (length * direction[start : start + n]).reshape(p._array.shape)
            p._counter[0] += 1
            start += n

    def _evaluate(self, closure, saved, direction, length):
        """Return loss and gradient a step away from the saved parameters."""
        self._restore(saved)
        self._move(direction, length)
        loss = float(closure())
        return loss, self._gradient()

    def _restore(self, saved):
        for p, array in zip(self._params, saved, strict=True):
            p._array[...] = array

    def step(self, closure: Callable | None = None) -> Any:
        """Make up to `max_iter` steps; `closure` clears the gradients, computes the loss, and calls backward.

        Returns:
            the loss before the first step.
        """
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        group, state = self.param_groups[0], self.state[self._params[0]]
        recorded: Any = enable_grad()(closure)
        first = recorded()
        loss, g = float(first), self._gradient()
        evaluations = 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        if np.abs(g).max() <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] = state.get("n_iter", 0) + 1
            direction = self._direction(g, state, group)
            previous_loss = loss
            state["prev_flat_grad"] = g.copy()
            length = min(1.0, 1.0 / np.abs(g).sum()) * group["lr"] if state["n_iter"] == 1 else group["lr"]
            slope = float(g @ direction)
            if slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"] is not None:
                saved = [p._array.copy() for p in self._params]

                def along(t, saved=saved, direction=direction):
                    return self._evaluate(recorded, saved, direction, t)

                loss, g, length, used = strong_wolfe(
                    along, length, direction, loss, g, slope, most=group["max_eval"] - evaluations
                )
                self._restore(saved)
                self._move(direction, length)
            else:
                self._move(direction, length)
                used = 0
                if iteration != group["max_iter"]:
                    loss, g = float(recorded()), self._gradient()
                    used = 1
            state["d"], state["t"] = direction, length
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or np.abs(g).max() <= group["tolerance_grad"]
                or np.abs(direction * length).max() <= group["tolerance_change"]
                or abs(loss - previous_loss) < group["tolerance_change"]
            ):
                break
        return first

    def _direction(self, g, state, group):
        """Return minus the inverse Hessian, as the kept pairs have it, times the gradient."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        y = g - state["prev_flat_grad"]
        s = state["d"] * state["t"]
        curvature = float(y @ s)
        if curvature > 1e-10:
            if len(state["old_dirs"]) == group["history_size"]:
                for name in ("old_dirs", "old_stps", "ro"):
                    state[name].pop(0)
            state["old_dirs"].append(y)
            state["old_stps"].append(s)
            state["ro"].append(1.0 / curvature)
            state["H_diag"] = curvature / float(y @ y)
        pairs = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
        q = -g
        alphas = []
        for y, s, rho in reversed(pairs):
            alpha = float(s @ q) * rho
            alphas.append(alpha)
            q = q - alpha * y
        r = q * state["H_diag"]
        for (y, s, rho), alpha in zip(pairs, reversed(alphas), strict=True):
            r = r + s * (alpha - float(y @ r) * rho)
        return r.astype(g.dtype)
