"""Facts about the machine: scalar instructions, statuses of native calls, where CPython and NumPy keep things."""
