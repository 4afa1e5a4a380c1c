"""Benchmarks: ratios in one run against whatever a user would pick instead. `python -m bench --help`."""
