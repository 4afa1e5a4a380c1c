"""torch.optim: methods that move parameters along their gradients."""

from funcgrad.torch.optim import lr_scheduler
from funcgrad.torch.optim.adam import Adam, Adamax, AdamW, NAdam
from funcgrad.torch.optim.lbfgs import LBFGS
from funcgrad.torch.optim.methods import ASGD, SGD, Adadelta, Adagrad, RMSprop, Rprop
from funcgrad.torch.optim.optimizer import Optimizer

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]
