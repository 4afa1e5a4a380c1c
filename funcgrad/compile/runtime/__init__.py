"""From LLVM text to a callable: machine code, the cache on disk, threads, errors."""
