"""Programs: text, laws, equality, pickling, files."""

import io
import json
import pickle
import tracemalloc
import zipfile
from collections import defaultdict

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.check import check
from funcgrad.core.program import Equation, Literal, Program, Var
from funcgrad.errors import ProgramError

X = np.array([0.5, 2.0])


def f(p, x):
    y = np.tanh(p["w"] @ x) * 2
    y[0] = x[1:][0]
    return {"y": y, "sorted": np.sort(x)[np.array([1, 0])]}


P = {"w": np.eye(2)}


@pytest.fixture
def program():
    return fg.trace(f)(P, X)


def test_text():
    text = str(fg.trace(lambda x, y: np.sum(x * y) + 1)(X, X))
    assert text == (
        "lambda(x: float64[2], y: float64[2]):\n"
        "    a: float64[2] = multiply x y\n"
        "    b: float64[] = sum[axes=(0,)] a\n"
        "    c: float64[] = add b 1\n"
        "    return c"
    )


def test_text_with_sources(program):
    assert "test_program.py:" in program.pretty(sources=True)


def test_the_gradient_reads_as_a_person_would_write_it():
    text = str(fg.trace(fg.grad(lambda x: np.sum(np.sin(x))))(X))
    assert text.splitlines()[1:] == ["    a: float64[2] = cos x", "    return a"]


def test_running(program):
    want = f(P, X)
    got = program(P, X)
    np.testing.assert_array_equal(got["y"], want["y"])
    np.testing.assert_array_equal(got["sorted"], want["sorted"])
    np.testing.assert_allclose(
        fg.jacobian(lambda x: program(P, x)["y"])(X), fg.jacobian(lambda x: f(P, x)["y"])(X)
    )


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        ((P,), TypeError, "expected arguments of the structure"),
        ((P, np.ones(3)), ValueError, r"got float64\[3\]"),
        ((P, np.ones(2, np.float32)), TypeError, r"expected .*float64\[2\], got float32\[2\]"),
    ],
)
def test_bad_arguments(program, args, kind, message):
    with pytest.raises(kind, match=message):
        program(*args)


def test_equality_and_hash(program):
    again = fg.trace(f)(P, X)
    assert again == program and hash(again) == hash(program)
    assert fg.trace(f)(P, X.astype(np.float32)) != program
    assert fg.trace(lambda x: x + 1)(X) != fg.trace(lambda x: x + 2)(X)
    assert fg.trace(lambda x: x + np.arange(2.0))(X) != fg.trace(lambda x: x + np.ones(2))(X)


def test_pickle(program):
    again = pickle.loads(pickle.dumps(program))
    assert again == program and str(again) == str(program)
    np.testing.assert_array_equal(again(P, X)["y"], program(P, X)["y"])


def test_save_and_load(program, tmp_path):
    path = tmp_path / "f.funcgrad"
    program.save(path)
    again = fg.Program.load(path)
    assert again == program and str(again) == str(program)
    np.testing.assert_array_equal(again(P, X)["y"], program(P, X)["y"])
    gradient = fg.trace(fg.grad(lambda x: np.sum(x.astype(complex).imag * 1j * np.inf).real + np.nan))(X)
    buffer = io.BytesIO()
    gradient.save(buffer)
    assert fg.Program.load(io.BytesIO(buffer.getvalue())) == gradient


def altered(program, change):
    buffer = io.BytesIO()
    program.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    text = json.loads(files["program.json"])
    change(text)
    files["program.json"] = json.dumps(text).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(format="other"), "expected a funcgrad program"),
        (lambda t: t.update(version=99), "expected format version 1, got 99"),
        (
            lambda t: t["program"]["equations"][0].__setitem__(0, "rm"),
            "primitives that are registered, got 'rm'",
        ),
        (lambda t: t["program"].pop("outputs"), "damaged or foreign"),
        (lambda t: t["program"]["outputs"].__setitem__(0, 10**6), "damaged or foreign"),
        (lambda t: t["program"]["outputs"].__setitem__(0, -1), "expected the number of a variable"),
        (lambda t: t["program"]["equations"][0][3].__setitem__(0, [[7], "<f8", False]), "check: equation 0"),
        (lambda t: t["program"]["in_tree"].update(node="os.system"), "containers of registered classes"),
        (lambda t: t["program"]["equations"].append(["add", {}, [0], [], None]), "load: expected|check:|add"),
        (lambda t: t["program"]["equations"][0][1].update(axes={"eval": "1"}), "known kind of parameter"),
    ],
)
def test_altered_files(program, change, message):
    with pytest.raises(ProgramError, match=message):
        fg.Program.load(altered(program, change))


def test_damaged_files(program, tmp_path):
    buffer = io.BytesIO()
    program.save(buffer)
    data = buffer.getvalue()
    for broken in (b"", b"text", data[: len(data) // 2], data[:50] + b"\0" * 20 + data[70:]):
        with pytest.raises(ProgramError, match="load: expected a funcgrad program"):
            fg.Program.load(io.BytesIO(broken))
    with pytest.raises(OSError):
        fg.Program.load(tmp_path / "none")


def test_what_cannot_be_saved():
    g = fg.custom_jvp(lambda x: x)
    g.defjvp(lambda p, t: (p[0], t[0]))
    with pytest.raises(
        ProgramError, match=r"plain data, got custom_jvp with a Call[^.]*\.\nHint: a Python function"
    ):
        fg.trace(g)(X).save(io.BytesIO())
    with pytest.raises(ProgramError, match="got pure_callback with a Call"):
        fg.trace(lambda x: fg.pure_callback(np.sin, x, x))(X).save(io.BytesIO())
    with pytest.raises(ProgramError, match="defaultdict with a type"):
        fg.trace(lambda x: defaultdict(list, a=x))(X).save(io.BytesIO())


def test_programs_that_print_and_check_can_be_saved(capsys):
    def f(x):
        fg.debug.print("x is {x[b]} and {}", x[0], x={"b": 1.0, "a": (x,)})
        fg.debug.error_if(x[0] < 0, "negative")
        return x * 2

    program = fg.trace(f)(X)
    buffer = io.BytesIO()
    program.save(buffer)
    again = fg.Program.load(buffer)
    assert again == program
    for run in (program, again, fg.jit(again)):
        np.testing.assert_array_equal(run(X), X * 2)
        assert capsys.readouterr().out == "x is 1.0 and 0.5\n"
        with pytest.raises(ValueError, match="negative"):
            run(-X)
        capsys.readouterr()


@pytest.mark.parametrize(
    "array", [np.zeros(1 << 23), np.arange(1 << 23) % 3.0, np.zeros(3)], ids=["zeros", "thirds", "small"]
)
def test_large_constants_are_saved_and_loaded(array):
    program = fg.trace(lambda x: x + array)(array)
    buffer = io.BytesIO()
    program.save(buffer)
    np.testing.assert_array_equal(fg.Program.load(buffer)(array), 2 * array)


def test_a_file_that_expands_without_bound_is_refused(program):
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(altered(program, lambda t: None)) as whole,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in whole.namelist():
            out.writestr(name, whole.read(name))
        with out.open("9.npy", "w") as member:
            for _ in range(1 << 8):
                member.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(ProgramError, match="expands to at most 100 times its size, got 2684"):
        fg.Program.load(bomb)
    lying = bomb.getvalue().replace((1 << 28).to_bytes(4, "little"), (1 << 10).to_bytes(4, "little"))
    lying = lying.replace(b"0.npy", b"8.npy").replace(b"9.npy", b"0.npy")
    with pytest.raises(ProgramError):
        fg.Program.load(io.BytesIO(lying))
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_the_laws_are_checked():
    add = fg.primitives.arithmetic.add
    t = fg.ArrayType((2,), float)
    x, y = Var(t), Var(t)
    good = Equation(add, (x, x), {}, (y,))
    assert check(Program((x,), (), (good,), (y,)))
    with pytest.raises(ProgramError, match="before it is assigned"):
        check(Program((x,), (), (), (y,)))
    with pytest.raises(ProgramError, match="assigned once"):
        check(Program((x,), (), (good, good), (y,)))
    with pytest.raises(ProgramError, match="its outputs are"):
        check(Program((x,), (), (Equation(add, (x, x), {}, (Var(fg.ArrayType((3,), float)),)),), (x,)))
    with pytest.raises(ProgramError, match="literals are scalars"):
        check(Program((x,), (), (Equation(add, (x, Literal(np.ones(2))), {}, (y,)),), (y,)))


def test_dead_code_is_left_out():
    def wasteful(x):
        np.exp(x)
        return x * 2

    assert len(fg.trace(wasteful)(X).equations) == 1
