"""Functions of complex numbers: values and gradients, weighted by complex numbers, and their checks by differences."""

from tests.torch.recorded import program

FUNCTIONS = """
z * z
z * w
z / w
1 / z
z + x
z * x
x / z
z - z.conj()
z * z.conj()
torch.conj(z) * 2
z.real * 3
z.imag * z.real
z.abs()
z.abs() ** 2
torch.angle(z)
torch.sgn(z)
torch.exp(z)
torch.log(z)
torch.sqrt(z)
torch.sin(z)
torch.cos(z)
torch.tan(z)
torch.sinh(z)
torch.tanh(z)
torch.sigmoid(z)
torch.reciprocal(z)
torch.square(z)
z ** 2
z ** 3
z ** -1
z ** w
2.0 ** z
(1 + 2j) * z
z.sum()
z.mean() * 1j
z.prod()
z.cumsum(0)
torch.complex(x, 2 * x)
torch.polar(x.abs(), x)
torch.view_as_real(z) * 2
torch.vdot(z, w)
torch.dot(z, w)
torch.outer(z, w.conj())
z[0] * z[1]
torch.stack([z, w]).t() @ z.reshape(3, 1)[:2]
torch.cat([z, w])[1:4]
torch.where(x > 0, z, w)
z.reshape(3, 1) * w
""".strip().splitlines()

_TENSORS = """
z = torch.tensor([1 + 2j, -0.5 + 0.3j, 0.7 - 1.1j], dtype=torch.complex128, requires_grad=True)
w = torch.tensor([0.4 - 1j, 1.5 + 0.6j, -0.9 + 0.2j], dtype=torch.complex128, requires_grad=True)
x = torch.tensor([0.8, -1.7, 0.4], dtype=torch.float64, requires_grad=True)
"""
_BACKWARD = """
def ours(y):
    return torch.complex(y.real + 0, y.imag + 0) if y.is_complex() else y + 0
y = {code}
weights = [complex(math.cos(1 + i), math.sin(2 * i)) for i in range(y.numel())]
if not y.is_complex():
    weights = [u.real for u in weights]
y.backward(torch.tensor(weights, dtype=y.dtype).reshape(y.shape))
out = [ours(y.detach())] + [None if u.grad is None else ours(u.grad) for u in (z, w, x)]
"""
_CHECKS = """
def f(z, w, x):
    return {code}
out = [torch.autograd.gradcheck(f, (z, w, x)), torch.autograd.gradgradcheck(f, (z, w, x))]
"""
_WRONG = """
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z.{part}()
    @staticmethod
    def backward(ctx, y_bar):
        return y_bar * 2 * ctx.saved_tensors[0]
out = torch.autograd.gradcheck(Wrong.apply, z)
"""
_AT_ZERO = """
z = torch.zeros(2, dtype=torch.complex128, requires_grad=True)
y = {code}
y.backward(torch.ones_like(y))
out = [y.detach(), torch.complex(z.grad.real + 0, z.grad.imag + 0)]
"""


def _program(code):
    return program(f"import math\n{_TENSORS}{code}")


CASES = {code: _program(_BACKWARD.format(code=code)) for code in FUNCTIONS}
CASES |= {f"gradcheck of {code}": _program(_CHECKS.format(code=code)) for code in FUNCTIONS}
CASES |= {f"at 0: {code}": _program(_AT_ZERO.format(code=code)) for code in ("torch.sgn(z)", "z.abs()")}
CASES |= {
    f"a wrong derivative, {part}": _program(_WRONG.format(part=part)) for part in ("abs", "conj", "clone")
}
CASES["a wrong derivative of a real result"] = _program(_WRONG.replace("z * z.{part}()", "z.abs()"))
