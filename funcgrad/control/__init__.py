"""Loops and branches that differentiate, batch and compile as one operation each."""

from funcgrad.control.branching import cond, switch
from funcgrad.control.looping import fori_loop, while_loop
from funcgrad.control.scanning import scan

__all__ = ["cond", "fori_loop", "scan", "switch", "while_loop"]
