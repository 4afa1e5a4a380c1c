"""Compilation: a whole program as one native call."""
