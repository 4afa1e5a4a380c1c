"""checkpoint takes what the function takes: words, bools, Python decisions, whole numbers that are static."""

import numpy as np
import pytest

import funcgrad as fg


def branching(x, flag, how, scale=2.0):
    y = np.sin(x) if flag and how == "sin" else np.cos(x)
    if x[0] > 0:
        y = y * scale
    while np.sum(y * y) > 1:
        y = y / 2
    if y[1] > 0.1 or y[0] < -9:
        y = y * 3
    return np.sum(y)


@pytest.mark.parametrize("words", [(True, "sin"), (False, "sin"), (True, "cos")])
@pytest.mark.parametrize("x", [np.array([0.3, 0.4]), np.array([-0.3, 2.0])])
def test_words_bools_and_decisions(words, x):
    again = fg.checkpoint(branching)
    f, g = (lambda x, h=h: h(x, *words, scale=1.5) for h in (branching, again))
    transforms = [lambda h: h, fg.grad, fg.hessian, fg.jit, lambda h: fg.jit(fg.grad(h))]
    for transform in transforms:
        found = transform(g)
        for at in (x, -x):
            np.testing.assert_allclose(found(at), transform(f)(at), rtol=1e-12)


def test_a_batched_decision_is_refused_as_without_checkpoint():
    messages = []
    for f in (branching, fg.checkpoint(branching)):
        with pytest.raises(TypeError, match="one value an example") as refused:
            fg.vmap(lambda x, f=f: f(x, True, "sin"))(np.ones((2, 2)))
        messages.append(refused.value.problem)
    assert messages[0] == messages[1]


@pytest.mark.parametrize("static", [1, (1,), (-1,)])
def test_static_arguments(static):
    def power(x, n):
        for _ in range(n):
            x = np.sin(x)
        return x

    assert fg.grad(fg.checkpoint(power, static_argnums=static))(0.5, 3) == pytest.approx(
        fg.grad(power)(0.5, 3)
    )
    with pytest.raises(TypeError, match="checkpoint: the value of a traced array is not known"):
        fg.checkpoint(power)(0.5, 3)


def test_a_print_before_a_decision_happens_once(capsys):
    def f(x):
        fg.debug.print("seen")
        return x * 2 if x > 0 else x

    assert fg.checkpoint(f)(1.0) == 2.0
    assert capsys.readouterr().out.count("seen") == 1
