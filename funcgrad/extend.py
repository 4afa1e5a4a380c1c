"""All that someone who adds primitives, containers or dispatch needs: one screen.

    from funcgrad.extend import elementwise, box
    cosm1 = elementwise("cosm1", lambda x: -2 * np.sin(x / 2) ** 2, (lambda y, x: -np.sin(x),), samples=[box((2, 3))])

A primitive registers itself when it is made; `funcgrad.testing.battery` then tests it on its samples.
"""

from funcgrad.core.inplace import own, readonly
from funcgrad.core.linear import Bilinear, JointlyLinear, Linear
from funcgrad.core.primitive import Bad, Primitive, Sample, box, primitive_named, primitives
from funcgrad.core.serialize import register_parameter
from funcgrad.core.tracer import FUNCTIONS, UFUNCS, Trace, Tracer, bind, concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of
from funcgrad.primitives.elementwise import Elementwise, elementwise
from funcgrad.primitives.reduction import Reduction
from funcgrad.transforms.tape import Tape

__all__ = [
    "FUNCTIONS",
    "UFUNCS",
    "ArrayType",
    "Bad",
    "Bilinear",
    "Elementwise",
    "JointlyLinear",
    "Linear",
    "Primitive",
    "Reduction",
    "Sample",
    "Tape",
    "Trace",
    "Tracer",
    "bind",
    "box",
    "concrete",
    "dtype_of",
    "elementwise",
    "is_concrete",
    "own",
    "primitive_named",
    "primitives",
    "readonly",
    "register_parameter",
    "shape_of",
    "type_of",
]
