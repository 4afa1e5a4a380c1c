"""Functions sent to other processes: decorated in a module, in the script itself, or made on the way."""

import subprocess
import sys
import textwrap

import pytest

cloudpickle = pytest.importorskip("cloudpickle")

MADE = """
    import sys, numpy as np, funcgrad as fg

    def plain(x):
        return np.sum(np.sin(x) * SCALE)

    SCALE = 3.0

    @fg.jit
    def decorated(x):
        return plain(x) + helped(x)

    @fg.jit(static_argnames="n")
    def helped(x, n=2):
        return x[0] * n

    @fg.jit
    def recursive(x):
        return x if x.ndim == 0 else recursive(x[0]) + helped(x)

    @fg.custom_vjp
    def ruled(x):
        return np.sum(x)

    ruled.defvjp(lambda x: (np.sum(x), x), lambda x, bar: (bar * x,))

    made = fg.jit(lambda x: plain(x) * 2)
    gradient = fg.jit(fg.grad(plain))
    ruled_gradient = fg.grad(ruled)
    batched = fg.vmap(fg.jit(plain))
    steps = fg.jit(fg.value_and_grad(decorated), donate_argnums=())
    X = np.array([1.0, 2.0])
    """
NAMES = ["decorated", "helped", "recursive", "ruled", "made", "gradient", "ruled_gradient", "steps"]


def run(code, *, given=b""):
    program = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], input=given, capture_output=True)
    assert program.returncode == 0, program.stderr.decode()
    return program.stdout


@pytest.mark.parametrize("called", [False, True], ids=["fresh", "called"])
def test_by_cloudpickle(called):
    sent = run(
        MADE
        + f"""
    import cloudpickle
    functions = [globals()[name] for name in {NAMES}]
    if {called}:
        [f(X) for f in functions]
    sys.stdout.buffer.write(cloudpickle.dumps((functions, [f(X) for f in functions], X)))
    """
    )
    run(
        """
    import pickle, sys
    functions, results, x = pickle.loads(sys.stdin.buffer.read())
    import numpy as np, funcgrad as fg
    for f, want in zip(functions, results, strict=True):
        got = f(x)
        for a, b in zip(fg.tree.leaves(got), fg.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(a, b)
        f(x)
    assert "1 compiled signature" in functions[0].explain()
    """,
        given=sent,
    )


def test_by_pickle_within_the_script():
    run(
        MADE
        + """
    import pickle
    for f in (decorated, helped, recursive):
        assert pickle.loads(pickle.dumps(f)) is f
    """
    )


def test_by_multiprocessing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(MADE)
        + textwrap.dedent(
            """
    if __name__ == "__main__":
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.map(decorated, [X, X]) == [decorated(X)] * 2
    """
        )
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
