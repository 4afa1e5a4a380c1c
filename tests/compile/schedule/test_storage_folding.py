"""What of a buffer is left when its uses share loops: all of it, a row, or one number."""

import numpy as np

import funcgrad as fg
from funcgrad.compile.codegen.module import Module
from funcgrad.compile.schedule.storage_folding import BUFFER_STACK_BYTES, FoldedBuffer
from tests.compile.schedule.loop_interpreter import interpret, lowered

RNG = np.random.default_rng(0)
A = RNG.standard_normal((6, 9))


def locals_of(function, *args):
    """Return the module, and what is left of each contracted buffer: its shape before, its size after."""
    traced = fg.trace(function)(*args)
    module = lowered(traced)
    for got, want in zip(interpret(traced, *args), fg.tree.leaves(function(*args)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    return module, sorted((b.shape, local.size) for b, local in module.local.items())


def test_a_value_used_twice_in_one_iteration_is_a_number():
    module, left = locals_of(lambda x: (np.exp(np.sin(x)), np.cos(np.exp(np.sin(x)))), A)
    assert module.scratch == 0 and all(size == 1 for _, size in left)
    assert "alloca double" not in Module(module).text or left


def test_row_sums_are_numbers_where_their_rows_use_them():
    module, left = locals_of(lambda x: np.sin(x) / np.sqrt(np.sum(x * x, 1, keepdims=True)), A)
    assert ((6,), 1) in left and module.scratch == 0


def test_a_row_is_kept_where_the_row_is_gone_through_twice():
    def function(x):
        y = np.exp(np.sin(x) * np.cos(x))
        return y * np.exp(y / np.sum(y, 1, keepdims=True))

    module, left = locals_of(function, A)
    assert ((6, 9), 9) in left and module.scratch == 0, left


def test_what_other_nests_read_is_not_contracted():
    module, left = locals_of(lambda x: np.sin(x) / np.sum(np.sin(x) * np.exp(x)), A)
    assert all(size == 1 for _, size in left)
    (buffer,) = [b for b in module.offsets if b.shape == ()] or [None]
    assert buffer is None or buffer not in module.local


def test_nothing_that_a_call_touches_is_contracted():
    x = RNG.standard_normal((30, 30))
    module, _ = locals_of(lambda x: np.tanh(x) @ np.tanh(x).T + 1.0, x)
    called = {
        a.buffer
        for s in module.statements
        if s.call is not None
        for a in s.accesses
        if a.buffer.kind == "scratch"
    }
    assert called and not called & set(module.local)
    assert all(b in module.offsets for b in called)


def test_the_stack_is_bounded():
    wide = RNG.standard_normal((2, BUFFER_STACK_BYTES // 8 + 1))

    def function(x):
        y = np.exp(np.sin(x) * np.cos(x))
        return y / np.sum(y, 1, keepdims=True)

    module = lowered(fg.trace(function)(wide))
    sizes = {b: local.size * b.dtype.itemsize for b, local in module.local.items()}
    assert all(size <= BUFFER_STACK_BYTES for size in sizes.values())
    assert module.scratch >= wide.nbytes
    np.testing.assert_allclose(fg.jit(function)(wide), function(wide), rtol=1e-12)


def test_elements_before_and_after_the_current_one():
    """A buffer read at an offset from where it is written is as large as all of it in those loops."""

    def function(x):
        y = np.exp(np.sin(x) * np.cos(x))
        return y[:, 1:] * y[:, :-1] + y[:, :1]

    module, left = locals_of(function, A)
    assert left == [((6, 9), 9)] or not left
    local = next(iter(module.local.values()), None)
    assert local is None or (isinstance(local, FoldedBuffer) and local.low == 0 and local.shared == 1)


def test_blocks_of_an_array_written_in_parts():
    def function(x):
        y = x * 2.0
        y[0] = np.sin(x[0])
        y[3:] += x[3:]
        return np.sum(y * y, 1) * y[:, 0]

    locals_of(function, A)
    locals_of(fg.grad(lambda x: np.sum(function(x))), A)
