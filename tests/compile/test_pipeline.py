"""The stages of compilation, one after another: each goes into the bodies of loops and branches."""

import numpy as np

import funcgrad as fg
from funcgrad.compile.pipeline import planned
from funcgrad.core.check import check
from funcgrad.programs.optimize import PASSES, optimized_for_lowering, passed
from tests.laws import equations_of

X = np.linspace(-1.0, 1.0, 5)


def _nested(x):
    def inner(c, v):
        spread = fg.jit(lambda a: fg.scipy.special.logsumexp(a * v))(x)
        return fg.cond(c > v, lambda c: c * 0.5, lambda c: c + spread, c), c * 1.0

    def outer(c, _):
        c, ys = fg.scan(inner, c, x)
        return fg.while_loop(lambda c: c > 2, lambda c: np.sqrt(c) + 0.0 * np.sum(ys), c), None

    return fg.scan(outer, x[0], None, length=3)[0]


def test_every_pass_keeps_the_laws_and_the_results():
    program = fg.trace(fg.grad(_nested))(X)
    want = fg.grad(_nested)(X)
    names = []
    for name, after in passed(program):
        check(after)
        np.testing.assert_allclose(after(X), want, rtol=1e-12)
        names.append(name)
    assert names == [each.name for each in PASSES]
    assert optimized_for_lowering(program) == after


def test_bodies_are_decomposed_and_their_cheap_branches_selected():
    program = fg.trace(_nested)(X)
    assert {"logsumexp", "switch"} <= {e.primitive.name for e in equations_of(program)}
    after = optimized_for_lowering(program)
    names = {e.primitive.name for e in equations_of(after)}
    assert not names & {"logsumexp", "switch"} and "select" in names
    assert all(e.primitive.decompose_rule is None for e in equations_of(after))


def test_a_second_run_of_a_pass_finds_nothing_to_do():
    program = optimized_for_lowering(fg.trace(fg.grad(_nested))(X))
    for each in PASSES:
        assert str(each.run(program)) == str(program), each.name


def test_what_is_planned_is_what_was_lowered():
    plan = planned(optimized_for_lowering(fg.trace(_nested)(X)))
    bodies = [body for children in plan.children.values() for body in children]
    assert plan.whole and bodies and not any(body.whole for body in bodies)


def test_stages_can_be_read():
    stages = {stage.name: stage.text for stage in fg.jit(_nested).lower(X).stages}
    assert list(stages) == ["trace", *(each.name for each in PASSES), "schedule", "write", "load"]
    assert "switch" in stages["simplify"] and "switch" not in stages["if-conversion"]
    assert "for i in range" in stages["schedule"] or "scan" in stages["schedule"]
    assert "define" in stages["write"] and "fg_entry" in stages["load"]
