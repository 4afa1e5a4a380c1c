"""Loops and branches that differentiate, batch and compile as one operation each; and the memory they take."""

from funcgrad.control import python_branches as python_branches
from funcgrad.control.branching import cond, switch
from funcgrad.control.implicit import custom_fixed_point, custom_root
from funcgrad.control.linear_systems import custom_linear_solve
from funcgrad.control.looping import fori_loop, while_loop
from funcgrad.control.mapping import associative_scan, map
from funcgrad.control.remat import checkpoint, checkpoint_name
from funcgrad.control.residual_report import residuals
from funcgrad.control.scanning import scan

__all__ = [
    "associative_scan",
    "checkpoint",
    "checkpoint_name",
    "cond",
    "custom_fixed_point",
    "custom_linear_solve",
    "custom_root",
    "fori_loop",
    "map",
    "residuals",
    "scan",
    "switch",
    "while_loop",
]
