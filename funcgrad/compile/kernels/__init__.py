"""Scalar mathematics for compiled loops: Numba sources, and the LLVM they were compiled to."""
