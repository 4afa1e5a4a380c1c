"""First-order methods: SGD, Adam and their kin. Each is its update of one parameter."""

from typing import Any, ClassVar

import numpy as np

from funcgrad.torch.optim.optimizer import Optimizer, check_least

__all__ = ["ASGD", "SGD", "Adadelta", "Adagrad", "RMSprop", "Rprop"]


def decayed(p, g, group):
    """Return the gradient of the loss with a penalty of weight_decay / 2 |p|^2."""
    return g + group["weight_decay"] * p if group["weight_decay"] else g


def held(state, name, like):
    """Return an array of the state, zeros at first."""
    if name not in state:
        state[name] = np.zeros_like(like)
    return state[name]


def count(state):
    state["step"] = state.get("step", 0) + 1
    return state["step"]


def check_betas(betas):
    for n, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {n}: {beta}")


class SGD(Optimizer):
    """p <- p - lr v, with v <- momentum v + (1 - dampening) g: stochastic gradient descent.

    Args:
        momentum, dampening: how much of the last direction is kept, and how much of the gradient is not used.
        weight_decay: the factor of p added to its gradient.
        nesterov: step along g + momentum v.
        maximize: go up, not down.
    """

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "fused": None}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ):
        check_least("learning rate", lr)
        check_least("momentum value", momentum)
        check_least("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        names = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, names)

    def update(self, p, g, state, group):
        g = decayed(p, g, group)
        momentum = group["momentum"]
        if momentum:
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = np.array(g, copy=True)
            else:
                v = state["momentum_buffer"]
                v *= momentum
                v += (1 - group["dampening"]) * g
            v = state["momentum_buffer"]
            g = g + momentum * v if group["nesterov"] else v
        p -= group["lr"] * g


class RMSprop(Optimizer):
    """Steps by the gradient over the root of a running mean of its squares (Tieleman and Hinton, 2012).

    Args:
        alpha: how much of the running mean is kept.
        centered: take the variance in place of the mean square (Graves, 2013).
    """

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "capturable": False}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ):
        check_least("learning rate", lr)
        check_least("epsilon value", eps)
        check_least("momentum value", momentum)
        check_least("weight_decay value", weight_decay)
        check_least("alpha value", alpha)
        names = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, names)

    def update(self, p, g, state, group):
        g = decayed(p, g, group)
        count(state)
        alpha = group["alpha"]
        square = held(state, "square_avg", p)
        square *= alpha
        square += (1 - alpha) * (g * g)
        if group["centered"]:
            mean = held(state, "grad_avg", p)
            mean += (1 - alpha) * (g - mean)
            root = np.sqrt(square - mean * mean) + group["eps"]
        else:
            root = np.sqrt(square) + group["eps"]
        if group["momentum"]:
            v = held(state, "momentum_buffer", p)
            v *= group["momentum"]
            v += g / root
            p -= group["lr"] * v
        else:
            p -= group["lr"] * (g / root)


class Adagrad(Optimizer):
    """Steps by the gradient over the root of the sum of its squares (Duchi et al., 2011)."""

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "fused": None}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ):
        check_least("learning rate", lr)
        check_least("lr_decay value", lr_decay)
        check_least("weight_decay value", weight_decay)
        check_least("initial_accumulator_value value", initial_accumulator_value)
        check_least("epsilon value", eps)
        names = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, names)

    def update(self, p, g, state, group):
        g = decayed(p, g, group)
        t = count(state)
        if "sum" not in state:
            state["sum"] = np.full_like(p, group["initial_accumulator_value"])
        state["sum"] += g * g
        p -= group["lr"] / (1 + (t - 1) * group["lr_decay"]) * (g / (np.sqrt(state["sum"]) + group["eps"]))


class Adadelta(Optimizer):
    """Steps scaled by the root mean squares of steps over gradients (Zeiler, 2012)."""

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "capturable": False, "maximize": False}

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0
    ):
        check_least("learning rate", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay})

    def update(self, p, g, state, group):
        rho, eps = group["rho"], group["eps"]
        g = decayed(p, g, group)
        count(state)
        square, steps = held(state, "square_avg", p), held(state, "acc_delta", p)
        square *= rho
        square += (1 - rho) * (g * g)
        delta = np.sqrt(steps + eps) / np.sqrt(square + eps) * g
        steps *= rho
        steps += (1 - rho) * (delta * delta)
        p -= group["lr"] * delta


class Rprop(Optimizer):
    """Steps of sizes that grow while the sign of the gradient stays and shrink when it turns (Riedmiller, 1993)."""

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "capturable": False, "maximize": False}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
    ):
        check_least("learning rate", lr)
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes})

    def update(self, p, g, state, group):
        count(state)
        if "step_size" not in state:
            state["step_size"] = np.full_like(p, group["lr"])
        previous, size = held(state, "prev", p), state["step_size"]
        agree = np.sign(g * previous)
        shrink, grow = group["etas"]
        size *= np.where(agree > 0, grow, np.where(agree < 0, shrink, 1.0)).astype(p.dtype)
        np.clip(size, *group["step_sizes"], out=size)
        g = np.where(agree < 0, 0, g).astype(p.dtype)
        p -= np.sign(g) * size
        previous[...] = g


class ASGD(Optimizer):
    """Stochastic gradient descent that keeps the average of the parameters, in `state["ax"]` (Polyak and Juditsky, 1992)."""

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "capturable": False, "maximize": False}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
    ):
        check_least("learning rate", lr)
        super().__init__(
            params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        )

    def update(self, p, g, state, group):
        g = decayed(p, g, group)
        t = count(state)
        eta, mu = state.get("eta", group["lr"]), state.get("mu", 1.0)
        average = held(state, "ax", p)
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        average += (p - average) * mu
        state["eta"] = group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]
        state["mu"] = 1 / max(1, t - group["t0"])
