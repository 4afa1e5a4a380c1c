"""Python's branches under jit, from the third way on: both sides are traced, and the program is one for all ways."""

import threading
import warnings
from functools import partial

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.compile import guards
from tests.control.random_branches import Writer, function_of, inputs


def is_one(f):
    """Whether a jitted function has one program for all its ways."""
    return "ways" not in f.explain()


def agree(f, cases, *, one=True, rtol=1e-12):
    """Check values and gradients of a function of one array, compiled and as it is."""
    values, gradients = fg.jit(f), fg.jit(fg.grad(f))
    for x in cases:
        x = np.asarray(x, float)
        np.testing.assert_allclose(values(x), f(x), rtol=rtol)
        np.testing.assert_allclose(gradients(x), fg.grad(f)(x), rtol=rtol)
    assert is_one(values) is is_one(gradients) is one


CASES = [np.random.default_rng(seed).normal(size=5) for seed in range(8)]


@pytest.mark.parametrize("seeds", range(0, 24, 6))
def test_random_functions(seeds, monkeypatch):
    monkeypatch.setattr(guards, "SEEN_WAYS", 1)
    for seed in range(seeds, seeds + 6):
        f = fg.value_and_grad(function_of(Writer(seed).source()), (0, 1))
        compiled = fg.jit(f)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for x, v in inputs(np.random.default_rng(seed), 6):
                y, (x_bar, v_bar) = f(x, v)
                got, (x_got, v_got) = compiled(x, v)
                np.testing.assert_allclose(got, y, rtol=1e-9, err_msg=str(seed))
                np.testing.assert_allclose(x_got, x_bar, rtol=1e-8, atol=1e-10, err_msg=str(seed))
                np.testing.assert_allclose(v_got, v_bar, rtol=1e-8, atol=1e-10, err_msg=str(seed))


def test_a_branch_in_a_loop_is_one_loop():
    def total(x):
        s = 0.0
        for i in range(len(x)):
            s = 0.9 * s + x[i]
            if s < 0.2:
                s = s * x[i] + 0.2
        return s

    agree(total, np.random.default_rng(0).normal(size=(8, 200)))
    compiled = fg.jit(total)
    for x in np.random.default_rng(0).normal(size=(8, 200)):
        compiled(x)
    (one,) = compiled._compiled.values()
    assert len(one.program.equations) < 30 and "198 turns" in compiled.explain()


def early(x):
    if x[0] > 0.5:
        return x[0] * x[1]
    if x[1] > 0.5:
        y = x[2]
    elif x[2] > 0:
        return 3.0 * x[4]
    else:
        y = x[3] * x[3]
    return y + x[0]


def skipping(x):
    s = 1.0
    for v in x:
        if v < -1.0:
            continue
        if v < 0:
            s = s * v
            if s > 1:
                s = 1.0
                continue
        s = s + v * s
    return s


def chained(x):
    s = 0.0
    for v in x:
        s = s + (v if -0.5 < v < 0.5 else v * v if not v > 1 else 2.0)
        s = max(s, -1.0, v) if v > 0 or (s > 1 and x[0] > 0) else min(s, v)
    return s


def nested_loops(x):
    s = 0.0
    for i in range(5):
        if x[i] > 0:
            for j in range(3):
                s = s + np.sin(x[i] * j)
                if s > 2:
                    s = s - x[j]
    return s


def by_comprehension(x):
    return sum([np.exp(-v) if v > 0 else 1.0 - v for v in x])


def many_variables(x):
    low, high, n = 0.0, 0.0, 0
    for v in x:
        if v < 0:
            low, n = low + v, n + 1
        else:
            high += v**2
    return low * high + n * x[0]


def by_counter(x):
    n = 0
    for v in x:
        if v > 0:
            n += 1
    return np.sum(x) * n / 2


@pytest.mark.parametrize(
    "f", [early, skipping, chained, nested_loops, by_comprehension, many_variables, by_counter]
)
def test_branches_as_people_write_them(f):
    agree(f, CASES)


def test_helpers_and_closures_that_decide():
    scale = 2.0

    def huber(r):
        if abs(r) < 0.5:
            return 0.5 * r * r
        return 0.5 * (abs(r) - 0.25)

    def loss(r, power=1.5):
        return scale * huber(r) if r > -1 else abs(r) ** power

    agree(lambda x: sum(loss(v) for v in x), CASES)
    agree(partial(lambda a, x: sum(map(loss, a * x)), 2.0), CASES)


def test_methods():
    class Model:
        def __init__(self, power):
            self.power = power

        def loss(self, x):
            s = 0.0
            for v in x:
                s = s + (v if v > -1 else abs(v) ** self.power if v > -2 else 4.0)
            return s

    model = Model(1.5)
    agree(model.loss, CASES)
    agree(lambda x: [model][0].loss(x), CASES)


def test_a_variable_that_one_side_defines():
    def f(x):
        if x[0] > 0:
            y = x[1] * 2
        if x[1] > 0:
            z = x[2]
        else:
            z = x[3]
        return y * z if x[0] > 0 else z

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agree(f, CASES, one=False)  # whether y has a value is not known to both sides

    def g(x):
        if x[0] > 0:
            if x[1] > 0:
                y = x[1] * 2
            else:
                y = x[2]
            return y * x[3]
        return x[4]

    agree(g, CASES)


def test_python_numbers_stay_weak():
    def f(x):
        s = x[0]
        for v in x:
            k = 1
            if v > 0:
                k = 2.5
            elif v < -0.5:
                k = -1
            s = s * k + v
        return s

    agree(f, CASES)
    compiled = fg.jit(f)
    for x in CASES:
        assert compiled(x.astype(np.float32)).dtype == np.float32
    assert is_one(compiled)


def test_what_is_changed_in_place_is_not_changed_on_both_sides():
    def listed(x):
        seen = [x[0]]
        for v in x:
            if v > 0:
                seen += [v * v]
        return sum(seen)

    def added(x):
        y = x[:2] * 0.0
        for v in x:
            if v > 0:
                y += v
        return np.sum(y * y)

    def popped(x):
        rest = [*x]
        s = 0.0
        for _ in range(4):
            if rest[0] > 0:
                s = s + rest.pop()
            else:
                s = s - rest.pop() * 2
        return s

    for f in (listed, added, popped):
        agree(f, CASES, one=False)
    calls = fg.jit(listed)
    for x in CASES:
        calls(x)
    assert "changes a list in place" in calls.explain()


def test_an_array_by_two_names_is_not_written_through_one():
    def f(x):
        y = np.zeros(3) + x[0]
        z = y
        if x[1] > 0:
            z = y * 2
        if x[2] > 0:
            z = z + 1
        z[0] = 5.0
        return np.sum(y) + np.sum(z * z)

    compiled = fg.jit(f)
    for x in CASES:
        assert compiled(x) == pytest.approx(f(x))


def test_loops_that_break_and_functions_that_call_themselves_go_their_ways():
    def breaking(x):
        s = 0.0
        for v in x:
            s = s + v * v
            if s > 2:
                break
        return s

    def halved(x):
        return x if abs(x) < 0.3 else halved(x / 2)

    agree(breaking, CASES, one=False)
    agree(lambda x: halved(x[0]), CASES, one=False)


def test_checks_hold_on_every_call():
    def f(x):
        s = 0.0
        for v in x:
            if v > 2.5:
                raise ValueError("too large")
            if v > 0:
                s = s + v
            elif v < -1:
                s = s - 2 * v
        return s

    compiled = fg.jit(f)
    for x in CASES:
        assert compiled(x) == pytest.approx(f(x))
        with pytest.raises(ValueError, match="too large"):
            compiled(np.append(x[:4], 3.0))
        assert compiled(x) == pytest.approx(f(x))
    assert "1 way through" in compiled.explain() and "not one program" not in compiled.explain()


def test_an_error_on_the_third_way_does_not_end_the_choices():
    def f(x):
        s = 0.0
        for v in x:
            if v > 2.5:
                raise ValueError("too large")
            s = s + v if v > 0 else s - 2 * v
        return s

    compiled = fg.jit(f)
    for x in CASES[:2]:
        compiled(x)
    with pytest.raises(ValueError, match="too large"):
        compiled(np.append(CASES[2][:4], 3.0))
    for x in CASES:
        assert compiled(x) == pytest.approx(f(x))
    assert "1 way through" in compiled.explain() and "not one program" not in compiled.explain()


def test_errors_of_matrices_reach_the_functions_own_handler():
    def f(a):
        if a[0, 0] > 2:
            a = a * 2
        elif a[0, 0] > 1:
            a = a * 3
        try:
            return np.sum(np.linalg.cholesky(a))
        except np.linalg.LinAlgError:
            return -1.0

    compiled = fg.jit(f)
    for scale in (0.5, 1.5, 2.5, -1.0, 1.5):
        assert compiled(scale * np.eye(2)) == pytest.approx(f(scale * np.eye(2)))
    assert is_one(compiled)


@pytest.mark.parametrize(
    "order", ["jit of vmap", "vmap of jit", "jit of hessian", "hessian of jit", "jit of jvp"]
)
def test_under_the_transformations(order):
    xs = np.stack(CASES)
    if "vmap" in order:  # (a decision of its own for each of the batch is none of Python's)
        f = fg.jit(skipping)
        for x in xs:
            f(x)
        with pytest.raises(fg.errors.ConcretizationError):
            fg.vmap(skipping)(xs)
        return
    f = {
        "jit of hessian": fg.jit(fg.hessian(skipping)),
        "hessian of jit": fg.hessian(fg.jit(skipping)),
        "jit of jvp": fg.jit(lambda x: fg.jvp(skipping, (x,), (x,))[1]),
    }[order]
    g = fg.hessian(skipping) if "hessian" in order else lambda x: fg.jvp(skipping, (x,), (x,))[1]
    for x in xs:
        np.testing.assert_allclose(f(x), g(x), rtol=1e-9, atol=1e-12)


def test_from_several_threads():
    compiled = fg.jit(fg.grad(skipping))
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            x = rng.normal(size=5)
            if not np.allclose(compiled(x), fg.grad(skipping)(x)):
                failures.append(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures and is_one(compiled)


def test_static_arguments_and_tables():
    table = np.linspace(0.0, 1.0, 5)

    def f(x, n, kind):
        s = 0.0
        for i in range(n):
            if kind == "clip" and x[i] > table[i]:
                s = s + table[i]
            elif x[i] > 0:
                s = s + x[i]
            else:
                s = s - x[i] ** 2
        return s

    compiled = fg.jit(fg.grad(f), static_argnums=(1, 2))
    for x in CASES:
        for kind in ("clip", "none"):
            np.testing.assert_allclose(compiled(x, 4, kind), fg.grad(f)(x, 4, kind))
    assert is_one(compiled)


def test_the_message_says_why_it_is_not_one_program():
    def f(x):
        seen = []
        for v in x:
            if v > 0:
                seen.append(v)
        return sum(seen, 0.0)

    compiled = fg.jit(f)
    with pytest.warns(UserWarning, match=r"(?s)more than 32 ways.*not one program for all, because"):
        for x in np.random.default_rng(0).normal(size=(60, 8)):
            assert compiled(x) == pytest.approx(f(x))


def test_where_a_side_has_no_end_when_it_is_not_gone():
    def f(x):
        s = x[0]
        if s > 0.5:
            while s > 0.5:
                s = s / 2
        elif s < -0.5:
            s = -s
        return s * fnp.sum(x)

    agree(f, CASES, one=False)
