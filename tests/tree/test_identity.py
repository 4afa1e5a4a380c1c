"""Classes are told apart by identity in memory, and known by name in files."""

import datetime
import io
import pickle
import sys
from collections import namedtuple
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import TreeError


def as_dataclass(factor):
    @dataclass
    class Layer:
        w: object

        def __call__(self, x):
            return factor * self.w * x

    return Layer


def as_namedtuple(factor):
    class Layer(namedtuple("Layer", "w")):
        def __call__(self, x):
            return factor * self.w * x

    return Layer


def as_registered(factor):
    class Layer:
        def __init__(self, w):
            self.w = w

        def __call__(self, x):
            return factor * self.w * x

    fg.tree.register_node(Layer, lambda m: ((m.w,), None), lambda _, ws: Layer(*ws))
    return Layer


def as_registered_dataclass(factor):
    @dataclass
    class Layer:
        w: object
        kind: object = datetime.date(2020, 1, 1)  # hashable, and takes no weak reference

        def __call__(self, x):
            return factor * self.w * x

    return fg.tree.register_dataclass(Layer, meta_fields=("kind",))


MAKERS = [as_dataclass, as_namedtuple, as_registered, as_registered_dataclass]


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
def test_a_class_defined_again_is_another(make):
    old, new = make(2.0), make(3.0)
    call = fg.jit(lambda m, x: m(x))
    same = fg.jit(lambda m: m)
    gradient = fg.jit(fg.grad(lambda m, x: m(x)))
    for cls, factor in ((old, 2.0), (new, 3.0), (old, 2.0)):
        model = cls(5.0)
        assert call(model, 7.0) == factor * 35
        assert type(same(model)) is cls
        assert type(gradient(model, 7.0)) is cls and gradient(model, 7.0).w == factor * 7
        assert type(fg.vmap(lambda m: m)(cls(np.ones(2)))) is cls
        assert type(fg.scan(lambda m, _: (m, None), model, None, 3)[0]) is cls
    assert fg.tree.structure(old(1.0)) != fg.tree.structure(new(1.0))
    assert fg.trace(lambda m: m)(old(1.0)) != fg.trace(lambda m: m)(new(1.0))
    with pytest.raises(TreeError):
        fg.tree.map(lambda a, b: a, old(1.0), new(1.0))
    with pytest.raises(TreeError):
        fg.cond(True, lambda: old(1.0), lambda: new(1.0))
    with pytest.raises(TreeError):
        fg.vmap(lambda m: m, in_axes=(old(0),))(new(np.ones(2)))


def test_no_class_takes_the_name_of_a_builtin():
    class Pair:
        pass

    with pytest.raises(TreeError, match="no built-in container has, got 'tuple'"):
        fg.tree.register_node(Pair, lambda p: ((), None), lambda _, items: Pair(), name="tuple")


@pytest.mark.parametrize("make", [as_dataclass, as_namedtuple], ids=lambda f: f.__name__)
def test_files_know_classes_by_name(make, monkeypatch):
    module = ModuleType("made_up_by_test_identity")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def define(factor):
        cls = make(factor)
        cls.__module__, cls.__qualname__ = module.__name__, "Layer"
        module.Layer = cls
        return cls

    old = define(2.0)
    program = fg.trace(lambda m: m)(old(1.0))
    buffer = io.BytesIO()
    program.save(buffer)
    pickled = pickle.dumps(program)
    fg.tree.leaves(old(1.0))
    new = define(3.0)  # which is not used before loading
    loaded = fg.Program.load(io.BytesIO(buffer.getvalue()))
    for again in (loaded, pickle.loads(pickled)):
        assert type(again(new(4.0))) is new
        with pytest.raises(TreeError):
            again(old(4.0))
