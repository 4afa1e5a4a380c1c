"""Functions from functions to functions: each transformation in a file of its own."""
