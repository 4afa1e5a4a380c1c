"""Loop nests as data, between a Program and LLVM: indices, scalar expressions, statements, nests. It decides nothing."""
