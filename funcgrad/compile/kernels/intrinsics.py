"""The instructions that Python lacks, fused multiply-add, bit casts, select: each is one of LLVM."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "bits",
    "copysign",
    "fabs",
    "float_of_bits",
    "fma",
    "polynomial",
    "reciprocal",
    "rint",
    "sqrt",
    "where",
]

# From this number of coefficients on, a polynomial is split in two.
LONG = 8


def _call(name: str, context, builder, signature, args):
    """Emit a call of the LLVM intrinsic `name`, overloaded on the type of its result."""
    kind = context.get_value_type(signature.return_type)
    suffix = "f64" if signature.return_type == types.float64 else "f32"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(args)), f"llvm.{name}.{suffix}"
    )
    return builder.call(function, args)


def _same(*kinds):
    """Return the float type that all arguments share; mixing formats in a kernel is a mistake."""
    if len(set(kinds)) != 1 or kinds[0] not in (types.float64, types.float32):
        raise TypeError(f"the arguments are of types {kinds}; they must be one float type")
    return kinds[0]


@intrinsic
def fma(typingctx, x, y, z):
    """Return x * y + z, rounded once."""
    kind = _same(x, y, z)
    return kind(x, y, z), lambda *parts: _call("fma", *parts)


@intrinsic
def rint(typingctx, x):
    """Return the nearest integer, ties to even."""
    return _same(x)(x), lambda *parts: _call("rint", *parts)


@intrinsic
def fabs(typingctx, x):
    """Return x without its sign."""
    return _same(x)(x), lambda *parts: _call("fabs", *parts)


@intrinsic
def sqrt(typingctx, x):
    """Return the square root, correctly rounded."""
    return _same(x)(x), lambda *parts: _call("sqrt", *parts)


@intrinsic
def reciprocal(typingctx, x):
    """Return 1 / x in the format of x."""

    def codegen(context, builder, signature, args):
        return builder.fdiv(ir.Constant(args[0].type, 1.0), args[0])

    return _same(x)(x), codegen


@intrinsic
def copysign(typingctx, x, y):
    """Return the magnitude of x with the sign of y."""
    return _same(x, y)(x, y), lambda *parts: _call("copysign", *parts)


@intrinsic
def bits(typingctx, x):
    """Return the bits of a float as a signed integer of its size."""
    integer = types.int64 if _same(x) == types.float64 else types.int32

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return integer(x), codegen


@intrinsic
def float_of_bits(typingctx, integer, like):
    """Return the float, of the format of `like`, whose bits are the low bits of `integer`."""
    _same(like)

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(signature.return_type)
        width = ir.IntType(64 if signature.return_type == types.float64 else 32)
        value = args[0] if args[0].type == width else builder.trunc(args[0], width)
        return builder.bitcast(value, kind)

    return like(integer, like), codegen


@intrinsic
def cut(typingctx, integer, like):
    """Return the low bits of an integer, as many as `like` has: Numba computes with int32 in int64."""
    width = types.int64 if _same(like) == types.float64 else types.int32

    def codegen(context, builder, signature, args):
        wanted = context.get_value_type(signature.return_type)
        return args[0] if args[0].type == wanted else builder.trunc(args[0], wanted)

    return width(integer, like), codegen


@intrinsic
def where(typingctx, condition, x, y):
    """Return x if the condition holds, else y; both are computed."""
    kind = _same(x, y)

    def codegen(context, builder, signature, args):
        return builder.select(*args)

    return kind(types.boolean, x, y), codegen


@intrinsic
def polynomial(typingctx, x, coefficients):
    """Return the polynomial with the given constant coefficients, lowest power first.

    Horner's rule with fma; a long one as even + x*odd, two Horner chains in x^2 that run side by side.
    """
    kind = _same(x)
    if not isinstance(coefficients, types.UniTuple) or coefficients.dtype != kind:
        raise TypeError(f"the coefficients are a {coefficients}; a tuple of {kind} is needed")

    def codegen(context, builder, signature, args):
        point, table = args
        terms = [builder.extract_value(table, k) for k in range(coefficients.count)]

        def horner(terms, point):
            total, *rest = reversed(terms)
            for term in rest:
                total = _call("fma", context, builder, kind(kind, kind, kind), (total, point, term))
            return total

        if len(terms) < LONG:
            return horner(terms, point)
        square = builder.fmul(point, point)
        parts = horner(terms[1::2], square), point, horner(terms[::2], square)
        return _call("fma", context, builder, kind(kind, kind, kind), parts)

    return kind(x, coefficients), codegen
