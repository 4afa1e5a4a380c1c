"""The primitives here are made by the tests alone: none is in the registry of the others."""

collect_ignore = ["elementwise.py", "reduction.py", "structured.py"]
