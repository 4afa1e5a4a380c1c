"""`python -m bench [eager] [compiled] [control] [scaling] [startup] [torch]`: print tables; all of them by default."""

import argparse

from bench import compiled, control, eager, scaling, startup, torch_shim

BENCHES = {
    "eager": eager.main,
    "compiled": compiled.main,
    "control": control.main,
    "scaling": scaling.main,
    "startup": startup.main,
    "torch": torch_shim.main,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)}; all by default")
    names = parser.parse_args().names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"expected names among {', '.join(BENCHES)}, got {unknown[0]}")
    for name in names:
        print(f"## {name}\n")
        BENCHES[name]()
        print()
