"""Python's loops, traced step by step, as loops again: repeated runs of equations become one `scan`."""
