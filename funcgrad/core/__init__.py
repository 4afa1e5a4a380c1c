"""The core: types, programs, primitives, tracers, and the two ways of tracing."""
