"""The same results from fewer equations: one pass over a program, and tables of exact rewrites."""
