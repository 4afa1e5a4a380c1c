"""Adam and its kin: steps by running means of the gradient and of its square."""

import math
from typing import Any, ClassVar

import numpy as np

from funcgrad.torch.optim.methods import check_betas, count, decayed, held
from funcgrad.torch.optim.optimizer import Optimizer, check_least

__all__ = ["Adam", "AdamW", "Adamax", "NAdam"]


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
        check_betas(betas)
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
            g = decayed(p, g, group)
        t = count(state)
        mean, square = held(state, "exp_avg", p), held(state, "exp_avg_sq", p)
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        if group["amsgrad"]:
            largest = held(state, "max_exp_avg_sq", p)
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
        check_betas(betas)
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
        g = decayed(p, g, group)
        t = count(state)
        decay = group["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        following = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        mean, square = held(state, "exp_avg", p), held(state, "exp_avg_sq", p)
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
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, p, g, state, group):
        beta1, beta2 = group["betas"]
        g = decayed(p, g, group)
        t = count(state)
        mean, largest = held(state, "exp_avg", p), held(state, "exp_inf", p)
        mean += (1 - beta1) * (g - mean)
        np.maximum(largest * beta2, np.abs(g) + group["eps"], out=largest)
        p -= group["lr"] / (1 - beta1**t) * (mean / largest)
