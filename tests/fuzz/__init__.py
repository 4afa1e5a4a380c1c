"""Random programs over everything public, against NumPy: `python -m tests.fuzz --seconds 60 --seed 1`.

A program is text: one assignment a line, of NumPy's functions on inputs of every dtype, shape and layout. It is made by
trial (a line that NumPy refuses is left out), so the values, shapes and dtypes that are right are known. See `check` for
what must agree, and `shrink` for how a failure becomes a few lines.
"""
