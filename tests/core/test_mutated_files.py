"""Whatever a file holds, loading it is an error or gives a Program that keeps the laws and runs safely.

CI tries some files; 100,000 have been tried by hand, `mutated(range(100_000), seed=7)`.
"""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.compiler import compiler
from funcgrad.core.check import check
from funcgrad.core.interpret import run
from funcgrad.core.program import Program, Var, every_program
from funcgrad.errors import ProgramError
from tests.core.mutated import X, files, mutated, programs

# What running a Program of wild values may raise: NumPy's own errors for them, and ours.
REFUSALS = (ValueError, IndexError, OverflowError, ZeroDivisionError)


def argument(kind):
    if kind.weak:
        return {"i": 2, "f": 1.5, "c": 1j}[kind.dtype.kind]
    return np.linspace(0.5, 3.0, kind.size).reshape(kind.shape).astype(kind.dtype)


def is_small(program):
    """Whether a program takes little memory, and ends."""
    equations = [e for p in every_program(program) for e in p.equations]
    sizes = [v.type.size for p in every_program(program) for v in p.inputs] + [
        v.type.size for e in equations for v in e.outputs
    ]
    loops = [e for e in equations if e.primitive.name == "while" or e.params.get("length", 0) > 1000]
    return max(sizes, default=0) <= 1 << 20 and not loops


def load(data):
    return Program.load(io.BytesIO(data))


@pytest.mark.parametrize("name", programs())
def test_files_that_are_whole(name):
    program, args = programs()[name]
    buffer = io.BytesIO()
    program.save(buffer)
    again = load(buffer.getvalue())
    assert again == program
    for want, got in zip(fg.tree.leaves(program(*args)), fg.tree.leaves(fg.jit(again)(*args)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_mutated_files_are_refused_or_run_safely():
    loaded = 0
    for number, name, data in mutated(range(1500), seed=1):
        try:
            program = load(data)
        except ProgramError:
            continue
        loaded += 1
        check(program)
        assert str(program) and hash(program) == hash(load(data)), f"file {number}, {name}"
        if is_small(program):
            runs_safely(program, f"file {number}, {name}")
    assert 100 < loaded < 1000, "mutations are neither harmless nor hopeless"


def runs_safely(program, what):
    args = [argument(t) for t in program.in_types]
    with np.errstate(all="ignore"):
        try:
            out = run(program, args)
        except REFUSALS:
            return
    got = compiler().executable_of(program)(*args)
    for y, z, kind in zip(out, got if len(out) != 1 else (got,), program.out_types, strict=True):
        assert fg.ArrayType(np.shape(y), np.asarray(y).dtype) == kind.strong(), what
        np.testing.assert_allclose(
            z, y, rtol=1e-3 if kind.dtype.itemsize < 8 else 1e-6, atol=1e-6, err_msg=what
        )


def with_body(program, primitive, key, change):
    """Return a program whose first equation of a primitive has another body."""
    equations = []
    for e in program.equations:
        params = {**e.params, key: change(e.params[key])} if e.primitive.name == primitive else e.params
        equations.append(type(e)(e.primitive, e.inputs, params, e.outputs, e.source))
    return Program(
        program.inputs,
        program.constants,
        tuple(equations),
        program.outputs,
        program.in_tree,
        program.out_tree,
    )


def of_larger(body):
    """Return a body of arguments, and with results, of one element more."""
    larger = [Var(fg.ArrayType(tuple(n + 1 for n in t.shape) or (2,), t.dtype)) for t in body.in_types]
    return Program(tuple(larger), (), (), tuple(larger[: len(body.outputs)]))


BODIES = [
    ("scan", "scan", "body", of_larger),
    ("while", "while", "body", of_larger),
    ("while", "while", "cond", of_larger),
    ("while's gradient", "while_reverse", "body", of_larger),
    ("while's gradient", "while_reverse", "pull", of_larger),
    ("switch", "switch", "branches", lambda branches: (branches[0], of_larger(branches[1]))),
    ("switch", "switch", "branches", lambda branches: tuple(map(of_larger, branches))),
    ("switch", "switch", "branches", lambda branches: ()),
    ("checkpoint", "switch", "branches", lambda branches: tuple(map(of_larger, branches))),
    ("jit", "jit_call", "program", of_larger),
    ("scan", "scan", "length", lambda n: n + 1),
    ("scan", "scan", "consts", lambda n: -1),
    ("scan", "scan", "carries", lambda n: 2),
    ("while", "while", "body_consts", lambda n: 0),
    ("while's gradient", "while_reverse", "carries", lambda n: n + 1),
]


@pytest.mark.parametrize(("name", "primitive", "key", "change"), BODIES)
def test_bodies_that_disagree_with_their_operands_are_refused(name, primitive, key, change):
    program, _ = programs()[name]
    with pytest.raises(ProgramError, match=primitive):
        check(with_body(program, primitive, key, change))


def rewritten(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["|O", "<U3", "<M8[s]", ">f8"])
def test_arrays_that_are_not_of_numbers_are_refused(kind):
    members = files(programs()["elementwise"][0])
    text = json.loads(members["program.json"])
    text["program"]["inputs"][0][1] = kind
    with pytest.raises(ProgramError, match="arrays of numbers"):
        load(rewritten({**members, "program.json": json.dumps(text).encode()}))


def test_an_array_takes_no_memory_before_its_data_are_seen():
    members = files(programs()["elementwise"][0])
    huge = members["0.npy"].replace(b"(4,), }" + 9 * b" ", b"(4000000000,), }")
    assert huge != members["0.npy"]
    tracemalloc.start()
    with pytest.raises(ProgramError):
        load(rewritten({**members, "0.npy": huge}))
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()


def test_containers_that_do_not_fit_are_refused():
    program = fg.trace(lambda x: {"a": x, "b": (x, x)})(X)
    members = files(program)
    for change in (
        lambda t: t["out_tree"].update(meta={"tuple": ["a"]}),
        lambda t: t["out_tree"]["children"].pop(),
        lambda t: t["in_tree"].update(node="list"),
        lambda t: t["out_tree"].update(meta=["a", "b"]),
        lambda t: t.update(in_tree="leaf"),
    ):
        text = json.loads(members["program.json"])
        change(text["program"])
        with pytest.raises(ProgramError):
            load(rewritten({**members, "program.json": json.dumps(text).encode()}))
