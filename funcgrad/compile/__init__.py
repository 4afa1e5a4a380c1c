"""Compilation: a whole program as one native call.

    optimize   Program    -> Program      programs/    roll, decompose, simplify, trace evaluations, complex split, if-conversion, read order
    lower      Program    -> statements   lower/       each primitive's lower_rule; the bodies of loops too
    schedule   statements -> plan         schedule/    fusion, storage folding, scratch memory, shared sums
    write      plan       -> LLVM text    codegen/     nests, loops and branches, driver, entry
    load       text       -> callable     runtime/     machine code, disk cache, addresses

`pipeline.py` is these five calls. Below them are `loopir/`, the data that they hand on, `target/`, facts about the machine,
and `kernels/`, elementary functions; above them `jit.py`.
"""
