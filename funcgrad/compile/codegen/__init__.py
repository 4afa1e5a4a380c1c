"""LLVM text: nests, loops and branches of the program itself, the driver that runs them, the entry from Python."""
