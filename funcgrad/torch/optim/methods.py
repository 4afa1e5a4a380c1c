"""First-order methods: SGD, Adam and their kin. Each is its update of one parameter."""

import math
from typing import Any, ClassVar

import numpy as np

from funcgrad.torch.optim.optimizer import Optimizer, check_least

__all__ = ["ASGD", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RMSprop", "Rprop"]


def _decayed(p, g, group):
    """Return the gradient of the loss with a penalty of weight_decay / 2 |p|^2."""
    return g + group["weight_decay"] * p if group["weight_decay"] else g


def _held(state, name, like):
    """Return an array of the state, zeros at first."""
    if name not in state:
        state[name] = np.zeros_like(like)
    return state[name]


def _count(state):
    state["step"] = state.get("step", 0) + 1
    return state["step"]


def _check_betas(betas):
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
        g = _decayed(p, g, group)
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


class Adam(Optimizer):
    """Steps by the mean of gradients over the root of the mean of their squares (Kingma and Ba, 2015, algorithm 1).

    Args:
        betas: how much of the two means is kept at each step.
        eps: added to the root.
        weight_decay: the factor of p added to its gradient.
        amsgrad: use the largest mean of squares so far (Reddi et al., 2018).
    """

    decoupled = False

    flags: ClassVar[dict[str, Any]] = {
        **Optimizer.flags,
        "fused": None,
        "capturable": False,
        "decoupled_weight_decay": False,
    }

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ):
        check_least("learning rate", lr)
        check_least("epsilon value", eps)
        _check_betas(betas)
        check_least("weight_decay value", weight_decay)
        names = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, names)

    def update(self, p, g, state, group):
        lr, (beta1, beta2) = group["lr"], group["betas"]
        if self.decoupled:
            if group["weight_decay"]:
                p *= 1 - lr * group["weight_decay"]
        else:
            g = _decayed(p, g, group)
        t = _count(state)
        mean, square = _held(state, "exp_avg", p), _held(state, "exp_avg_sq", p)
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        if group["amsgrad"]:
            largest = _held(state, "max_exp_avg_sq", p)
            np.maximum(largest, square, out=largest)
            square = largest
        root = np.sqrt(square)
        root /= math.sqrt(1 - beta2**t)
        root += group["eps"]
        p -= (lr / (1 - beta1**t)) * (mean / root)


class AdamW(Adam):
    """Adam whose weight decay shrinks parameters directly (Loshchilov and Hutter, 2019)."""

    decoupled = True

    flags: ClassVar[dict[str, Any]] = {**Adam.flags, "decoupled_weight_decay": True}

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class NAdam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2016)."""

    flags: ClassVar[dict[str, Any]] = {
        **Optimizer.flags,
        "capturable": False,
        "decoupled_weight_decay": False,
        "maximize": False,
    }

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
    ):
        check_least("learning rate", lr)
        _check_betas(betas)
        names = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
        }
        super().__init__(params, names)

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        g = _decayed(p, g, group)
        t = _count(state)
        decay = group["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        following = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        mean, square = _held(state, "exp_avg", p), _held(state, "exp_avg_sq", p)
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        root = np.sqrt(square / (1 - beta2**t)) + group["eps"]
        p -= group["lr"] * (1 - mu) / (1 - product) * (g / root)
        p -= group["lr"] * following / (1 - product * following) * (mean / root)


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root mean square (Kingma and Ba, 2015, algorithm 2)."""

    flags: ClassVar[dict[str, Any]] = {**Optimizer.flags, "capturable": False, "maximize": False}

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ):
        check_least("learning rate", lr)
        _check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        g = _decayed(p, g, group)
        t = _count(state)
        mean, largest = _held(state, "exp_avg", p), _held(state, "exp_inf", p)
        mean += (1 - beta1) * (g - mean)
        np.maximum(largest * beta2, np.abs(g) + group["eps"], out=largest)
        p -= group["lr"] / (1 - beta1**t) * (mean / largest)


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
        g = _decayed(p, g, group)
        _count(state)
        alpha = group["alpha"]
        square = _held(state, "square_avg", p)
        square *= alpha
        square += (1 - alpha) * (g * g)
        if group["centered"]:
            mean = _held(state, "grad_avg", p)
            mean += (1 - alpha) * (g - mean)
            root = np.sqrt(square - mean * mean) + group["eps"]
        else:
            root = np.sqrt(square) + group["eps"]
        if group["momentum"]:
            v = _held(state, "momentum_buffer", p)
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
        g = _decayed(p, g, group)
        t = _count(state)
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
        g = _decayed(p, g, group)
        _count(state)
        square, steps = _held(state, "square_avg", p), _held(state, "acc_delta", p)
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
        _count(state)
        if "step_size" not in state:
            state["step_size"] = np.full_like(p, group["lr"])
        previous, size = _held(state, "prev", p), state["step_size"]
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
        g = _decayed(p, g, group)
        t = _count(state)
        eta, mu = state.get("eta", group["lr"]), state.get("mu", 1.0)
        average = _held(state, "ax", p)
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        average += (p - average) * mu
        state["eta"] = group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]
        state["mu"] = 1 / max(1, t - group["t0"])
