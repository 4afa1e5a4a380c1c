"""Programs in, programs out: what is derived of a program, and what is made of it before it is compiled or interpreted."""
