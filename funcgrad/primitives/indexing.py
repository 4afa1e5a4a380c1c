"""Indexing with static keys: index, its transpose place, and index_update; `gathering` has arrays of integers."""

import numpy as np

from funcgrad.core.linear import JointlyLinear, Linear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.broadcasting import reshape, stretch
from funcgrad.primitives.elementwise import conform
from funcgrad.primitives.keys import Key, indexed_shape, put_by, taken_from
from funcgrad.primitives.moving_keys import index_at, place_at, split_key, update_at

__all__ = ["Key", "index", "index_update", "indexed_shape", "place"]


class IndexKey(Linear):
    """y = x[key], for a static key."""

    name = "index"
    by_parts = True
    magnitude_of = (0,)
    speculative = "fciub"
    view = True

    def type_rule(self, x, *, key):
        return ArrayType(indexed_shape(x, key), x.dtype)

    def eval_rule(self, x, *, key):
        return x[key]

    def transpose_rule(self, y_bar, x, *, key):
        return place(y_bar, shape=shape_of(x), key=key)

    def lower_rule(self, lower, out, x, *, key):
        return lower.map(out, lambda index: x.at(taken_from(key, x.shape, index)))

    def accumulate_rule(self, x_bar, y_bar, x, *, key):
        x_bar[key] += y_bar

    def accumulate_batch_rule(self, x_bar, y_bar, x, *, key):
        x_bar[key.batched()] += y_bar

    def batch_rule(self, size, batched, x, *, key):
        return index(x, key=key.batched()), True

    def write_rule(self, x, new, *, key):
        return index_update(x, new, key=key)

    def positions_rule(self, x, *, key):
        return split_key(key, x.shape)

    def moving_rule(self, positions, x, *, key):
        shape = shape_of(x)
        part = indexed_shape(ArrayType(shape, dtype_of(x)), key)
        return index_at(split_key(key, shape)[0], positions, x, part)

    def views_scalar(self, *, key):
        return any(k is Ellipsis for k in key)

    def samples(self):
        return [
            Sample((box((4, 3)),), {"key": Key((1,))}),
            Sample((box((4, 3)),), {"key": Key((slice(None, None, -2), None, slice(0, 2)))}),
            Sample((box((4, 3, 2)),), {"key": Key((Ellipsis, 1))}),
            Sample((box((4,)),), {"key": Key((slice(2, 2),))}),
            Bad((box((3,)),), {"key": Key((3,))}, "expected a key that fits"),
        ]


class PlaceKey(Linear):
    """y = zeros(shape) with y[key] = x: the transpose of index."""

    name = "place"
    by_parts = True
    speculative = "fciub"

    def type_rule(self, x, *, shape, key):
        target = ArrayType(shape, x.dtype)
        if indexed_shape(target, key) != x.shape:
            raise ShapeError(f"place: expected an array of the shape of {target}[{key}], got {x}.")
        return target

    def eval_rule(self, x, *, shape, key):
        y = np.zeros(shape, dtype_of(x))
        y[key] = x
        return y

    def transpose_rule(self, y_bar, x, *, shape, key):
        return index(y_bar, key=key)

    def lower_rule(self, lower, out, x, *, shape, key):
        def at(index):
            conditions, inner = put_by(key, shape, index)
            return lower.guard(conditions, lambda: x.at(inner), lower.const(0, out.dtype))

        return lower.updates.place(out, x, at, lambda index: taken_from(key, shape, index))

    def positions_rule(self, x, *, shape, key):
        pattern, positions = split_key(key, shape)
        return (pattern, shape), positions

    def moving_rule(self, positions, x, *, shape, key):
        return place_at(split_key(key, shape)[0], positions, x, shape)

    def batch_rule(self, size, batched, x, *, shape, key):
        return place(x, shape=(size, *shape), key=key.batched()), True

    def samples(self):
        return [
            Sample((box((3,)),), {"shape": (4, 3), "key": Key((1,))}),
            Sample((box((2, 1)),), {"shape": (4,), "key": Key((slice(0, None, 2), None))}),
            Sample((box(()),), {"shape": (2,), "key": Key((0,))}),
            Bad((box((2,)),), {"shape": (4, 3), "key": Key((1,))}, "expected an array of the shape of"),
        ]


class IndexUpdate(JointlyLinear):
    """y = x with y[key] = v."""

    name = "index_update"
    by_parts = True

    def type_rule(self, x, v, *, key):
        shape = indexed_shape(x, key)
        try:
            fits = np.broadcast_shapes(shape, v.shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"assignment: expected a value that broadcasts to {ArrayType(shape, x.dtype)}, got {v}."
            )
        return x.strong()

    def eval_rule(self, x, v, *, key):
        y = np.array(x)
        y[key] = v
        return y

    def transpose_rule(self, needs, y_bar, x, v, *, key):
        # Read first, so that a compiled program can write in place.
        v_bar = conform(index(y_bar, key=key), v) if needs[1] else None
        x_bar = index_update(y_bar, np.zeros((), dtype_of(y_bar)), key=key) if needs[0] else None
        return x_bar, v_bar

    def lower_rule(self, lower, out, x, v, *, key):
        def at(index):
            conditions, inner = put_by(key, out.shape, index)
            return lower.guard(conditions, lambda: lower.cast(v.spread(inner), out.dtype), x.at(index))

        part = indexed_shape(out, key)
        return lower.updates.update(out, x, v, part, at, lambda index: taken_from(key, out.shape, index))

    def positions_rule(self, x, v, *, key):
        return split_key(key, x.shape)

    def moving_rule(self, positions, x, v, *, key):
        part = indexed_shape(ArrayType(shape_of(x), dtype_of(x)), key)
        return update_at(split_key(key, shape_of(x))[0], positions, x, v, part)

    def overwrite_rule(self, y_bar, x, v, *, key):
        v_bar = conform(np.array(y_bar[key])[()], v)
        y_bar[key] = 0
        return y_bar, v_bar

    def batch_rule(self, size, batched, x, v, *, key):
        if not batched[0]:
            x = stretch(x, size)
        if batched[1]:
            missing = len(indexed_shape(ArrayType(shape_of(x)[1:], dtype_of(x)), key)) + 1 - len(shape_of(v))
            if missing > 0:
                shape = shape_of(v)
                v = reshape(v, shape=(shape[0], *(1,) * missing, *shape[1:]))
        return index_update(x, v, key=key.batched()), True

    def samples(self):
        return [
            Sample((box((4, 3)), box((3,))), {"key": Key((1,))}),
            Sample((box((4, 3)), box(())), {"key": Key((slice(1, 3), slice(None, None, 2)))}),
            Sample((box((4,)), 2.0), {"key": Key((-1,))}),
            Bad((box((4, 3)), box((2,))), {"key": Key((1,))}, "expected a value that broadcasts"),
        ]


index = IndexKey()
place = PlaceKey()
index_update = IndexUpdate()
