"""Autograd: accumulation, in-place writes, views, hooks, modes, functions of one's own."""

from tests.torch.recorded import program

HEADER = """
def leaf(*v): return torch.tensor(v if len(v) > 1 else v[0], dtype=torch.float64, requires_grad=True)
def name(x): return None if x.grad_fn is None else x.grad_fn.name()
x = leaf([1.0, 2.0, 3.0])
m = leaf([[1.0, 2.0], [3.0, 4.0]])
"""

PROGRAMS = {
    "accumulates": "(x * x).sum().backward(); (x * 3).sum().backward(); out = x.grad",
    "backward twice": "y = (x * x).sum(); y.backward(); y.backward()",
    "backward twice of a sum": "y = (x + 1).sum(); y.backward(); y.backward(); out = x.grad",
    "backward twice kept": "y = (x * x).sum(); y.backward(retain_graph=True); y.backward(); out = x.grad",
    "inputs": "z = leaf([1.0, 1.0, 1.0]); (x * z).sum().backward(inputs=[x]); out = [x.grad, z.grad]",
    "grad": "y = x ** 3; out = torch.autograd.grad(y.sum(), x)",
    "grad of several": "z = leaf([1.0, 1.0, 2.0]); out = torch.autograd.grad([(x * z).sum(), (x + z).sum()], [x, z])",
    "grad outputs": "out = torch.autograd.grad(x * x, x, grad_outputs=torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64))",
    "unused": "z = leaf([1.0]); out = torch.autograd.grad((x * x).sum(), [x, z], allow_unused=True)",
    "unused materialized": "z = leaf([1.0]); out = torch.autograd.grad((x * x).sum(), [x, z], materialize_grads=True)",
    "unused error": "z = leaf([1.0]); torch.autograd.grad((x * x).sum(), [x, z])",
    "grad of an intermediate": "y = x * 2; z = (y * y).sum(); out = torch.autograd.grad(z, [y, x])",
    "batched": "out = torch.autograd.grad(x * x, x, grad_outputs=torch.eye(3, dtype=torch.float64), is_grads_batched=True)",
    "double backward": "g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True); g.sum().backward(); out = [x.grad, g]",
    "third order": """
g, = torch.autograd.grad((x ** 4).sum(), x, create_graph=True)
h, = torch.autograd.grad(g.sum(), x, create_graph=True)
out = torch.autograd.grad(h.sum(), x)
""",
    "gradient penalty": """
w = leaf([[0.5, -0.3, 0.2], [0.1, 0.4, -0.6]])
y = torch.tanh(w @ x).sum()
g, = torch.autograd.grad(y, x, create_graph=True)
((g.norm() - 1) ** 2).backward()
out = [w.grad, x.grad]
""",
    "backward with create_graph": "y = (x ** 3).sum(); y.backward(create_graph=True); out = [x.grad.requires_grad, x.grad * 1]",
    "non-scalar": "(x * x).backward()",
    "non-scalar weighted": "(x * x).backward(torch.tensor([1.0, 0.1, 0.01], dtype=torch.float64)); out = x.grad",
    "retain grad": "y = x * 2; y.retain_grad(); (y * y).sum().backward(); out = [y.grad, x.grad]",
    "hook": "h = x.register_hook(lambda g: g * 10); (x * 2).sum().backward(); h.remove(); (x * 2).sum().backward(); out = x.grad",
    "hook on an intermediate": "y = x * 2; y.register_hook(lambda g: g + 1); (y * y).sum().backward(); out = x.grad",
    "hook sees": "seen = []; y = x * 2; y.register_hook(lambda g: seen.append(g.clone())); y.sum().backward(); out = seen",
    "hooks in order": "x.register_hook(lambda g: g + 1); x.register_hook(lambda g: g * 2); x.sum().backward(); out = x.grad",
    "hook and retain grad": "y = x * 2; y.retain_grad(); y.register_hook(lambda g: g * 5); y.sum().backward(); out = [y.grad, x.grad]",
    "post accumulate hook": """
seen = []
x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone()))
(x * 2).sum().backward(); (x * 3).sum().backward()
out = seen
""",
    "node hook": "y = x * 2; y.grad_fn.register_hook(lambda gi, go: tuple(None if g is None else g * 3 for g in gi)); y.sum().backward(); out = x.grad",
    "node prehook": "y = x * 2; y.grad_fn.register_prehook(lambda go: (go[0] + 1,)); y.sum().backward(); out = x.grad",
    "next functions": """
y = x * 2; z = y.sum() + x[0]
out = [[f.name() if f is not None else None, i] for f, i in z.grad_fn.next_functions]
out += [z.grad_fn.next_functions[0][0].next_functions[0][0] is y.grad_fn, y.grad_fn.next_functions[0][0].variable is x, y.grad_fn.next_functions[1]]
""",
    "metadata": "y = x * 2; y.grad_fn.metadata['k'] = 1; out = [y.grad_fn.metadata, type(y.grad_fn).__name__]",
    "no grad": """
with torch.no_grad():
    y = x * 2
out = [y.requires_grad, y.is_leaf, torch.is_grad_enabled()]
""",
    "no grad decorator": """
@torch.no_grad()
def f(a): return a * 2
@torch.no_grad
def g(a): return a * 2
out = [f(x).requires_grad, g(x).requires_grad, (x * 2).requires_grad]
""",
    "enable grad inside": """
with torch.no_grad():
    with torch.enable_grad():
        y = x * 2
    z = x * 2
out = [y.requires_grad, z.requires_grad]
""",
    "set grad enabled": """
torch.set_grad_enabled(False); a = (x * 2).requires_grad
torch.set_grad_enabled(True); b = (x * 2).requires_grad
with torch.set_grad_enabled(False): c = (x * 2).requires_grad
out = [a, b, c, (x * 2).requires_grad]
""",
    "inference mode": """
with torch.inference_mode():
    y = x * 2
    inside = torch.is_inference_mode_enabled()
out = [y.requires_grad, y.is_inference(), inside, torch.is_inference_mode_enabled()]
""",
    "inference tensor saved": """
with torch.inference_mode():
    y = torch.ones(3, dtype=torch.float64)
(x * y).sum().backward()
""",
    "inference tensor written": """
with torch.inference_mode():
    y = torch.ones(3)
y.add_(1)
""",
    "generator under no grad": """
@torch.no_grad()
def g():
    yield (x * 2).requires_grad
    yield (x * 2).requires_grad
out = [[v, (x * 2).requires_grad] for v in g()]
""",
    "detach": "y = (x * 2).detach(); out = [y.requires_grad, y.is_leaf, y.data_ptr() == y.detach().data_ptr()]",
    "detach shares memory": "y = x.detach(); y[0] = 9.0; out = x",
    "detach and version": "y = x * 1; z = y.exp(); y.detach().add_(1); z.sum().backward(); out = x.grad",
    "detached write is noticed": "y = x * 1; z = y * y; y.detach().add_(1); z.sum().backward()",
    "data write is not noticed": "y = x * 1; z = y * y; y.data.add_(1); z.sum().backward(); out = x.grad",
    "leaf in place": "x += 1",
    "leaf in place under no grad": """
with torch.no_grad():
    x += 1
(x * x).sum().backward()
out = [x, x.grad, x._version]
""",
    "view of a leaf in place": "x[0] = 5.0",
    "view of a leaf by method": "x[:2].mul_(2)",
    "in place": "y = x * 2; y += 1; y *= x; y.sum().backward(); out = [y, x.grad, name(y), y._version]",
    "in place unary": "y = x * 2; y.exp_(); y.sum().backward(); out = [y, x.grad]",
    "in place saved": "y = x * 2; z = y * y; y += 1; z.sum().backward()",
    "in place saved result": "y = x.exp(); y += 1; y.sum().backward()",
    "in place unsaved": "y = x * 2; z = y + 1; y *= 3; (z.sum() + y.sum()).backward(); out = x.grad",
    "in place sigmoid": "y = (x * 2).sigmoid_(); y.sum().backward(); out = x.grad",
    "in place relu": "y = (x - 2).relu_(); y.sum().backward(); out = [x.grad, name(y)]",
    "in place clamp": "y = (x * 1).clamp_(1.5, 2.5); y.sum().backward(); out = [x.grad, name(y)]",
    "zero and fill": "y = x * 2; y.zero_(); z = x * 3; z.fill_(2.0); (y.sum() + z.sum()).backward(); out = [x.grad, name(y), name(z)]",
    "copy": "y = torch.zeros(3, dtype=torch.float64); y.copy_(x); (y * y).sum().backward(); out = [x.grad, name(y)]",
    "copy broadcast": "y = torch.zeros(2, 3, dtype=torch.float64); y.copy_(x); (y * y).sum().backward(); out = [x.grad]",
    "write an element": "y = torch.zeros(3, dtype=torch.float64); y[0] = x[0] ** 2; y[1] = x[1] * y[0]; y.sum().backward(); out = [y, x.grad]",
    "write a slice": "y = x * 2; y[1:] = x[:2] ** 2; y.sum().backward(); out = [y, x.grad, name(y)]",
    "write a row": "y = m * 1; y[0] = y[1] * 2; (y * y).sum().backward(); out = [y, m.grad]",
    "write a column": "y = m * 1; y[:, 1] = x[0]; (y * y).sum().backward(); out = [y, m.grad, x.grad]",
    "write a number": "y = m * 1; y[0, 1] = 7.0; (y * y).sum().backward(); out = [y, m.grad]",
    "write under a mask": "y = x * 1; y[y > 1.5] = 0; (y * y).sum().backward(); out = [y, x.grad, name(y)]",
    "write by a list": "y = x * 1; y[[0, 2]] = x[:2] * 5; (y * y).sum().backward(); out = [y, x.grad, name(y)]",
    "write a transpose": "y = m * 1; y.t()[0] = x[:2]; (y * torch.arange(4.0).view(2, 2)).sum().backward(); out = [y, m.grad, x.grad]",
    "view sees the write": "y = m * 1; v = y[0]; y[0, 0] = x[0] * 10; out = [v, name(v)]; v.sum().backward(); out += [m.grad, x.grad]",
    "base sees the write": "y = m * 1; v = y[0]; v.mul_(x[:2]); out = [y, name(y), name(v)]; (y * y).sum().backward(); out += [m.grad, x.grad]",
    "write through a view of a view": "y = m * 1; v = y.t(); w = v[1]; w[0] = x[0]; out = [y, v, w, name(y), name(v), name(w)]; (v * v).sum().backward(); out += [m.grad, x.grad]",
    "two views": "y = m * 1; a, b = y[0], y[1]; a += 1; b *= 2; a.mul_(b); y.sum().backward(); out = [y, m.grad]",
    "two views that overlap": "y = x * 1; a, b = y[:2], y[1:]; a.mul_(2); b.mul_(3); (a.sum() + b.sum()).backward(); out = [y, x.grad]",
    "view made before, read after": "y = m * 1; v = y.view(4); y.mul_(2); v[1:3].add_(x[0]); z = (v * v).sum() + y[0].sum(); z.backward(); out = [m.grad, x.grad]",
    "write after a view was read": "y = m * 1; v = y[0]; z = v * 2; v += 1; z.sum().backward(); out = [m.grad]",
    "write after a view was saved": "y = m * 1; v = y[0]; z = v * v; y[0, 0] = 5.0; z.sum().backward()",
    "unsqueeze and write": "y = x * 1; v = y.unsqueeze(0); v.mul_(2); y.sum().backward(); out = [y, x.grad]",
    "expand written": "y = x * 1; y.expand(2, 3).mul_(2)",
    "reshape written": "y = m * 1; v = y.reshape(4); v[0] = x[0]; y.sum().backward(); out = [y, m.grad, x.grad]",
    "flatten written": "y = m * 1; y.flatten()[3] = x[2]; y.sum().backward(); out = [y, m.grad, x.grad]",
    "narrow and select written": "y = m * 1; y.narrow(0, 0, 1).select(1, 1).mul_(x[2]); y.sum().backward(); out = [y, m.grad, x.grad]",
    "diagonal written": "y = m * 1; y.diagonal().mul_(x[:2]); y.sum().backward(); out = [y, m.grad, x.grad]",
    "write a view of no history": "y = torch.zeros(3, dtype=torch.float64); v = y[1:]; v.copy_(x[:2]); out = [y, y.requires_grad, name(y), name(v)]; y.sum().backward(); out += [x.grad]",
    "detached view written": "y = m * 1; y.detach()[0] = 3.0; out = [y, y._version]; y.sum().backward(); out += [m.grad]",
    "unbind written": "y = m * 1; a, b = y.unbind(0); a += 1",
    "split written": "y = x * 1; a, b = y.split([1, 2]); a += 1",
    "chunk written": "y = x * 1; a, b, c = y.chunk(3); a.mul_(2)",
    "view of no grad written": """
y = x * 1
with torch.no_grad():
    v = y[:2]
v.mul_(2)
""",
    "swap by views": "y = x * 1; t = y[0].clone(); y[0] = y[2]; y[2] = t; (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward(); out = [y, x.grad]",
    "running product": """
y = torch.ones(3, dtype=torch.float64)
for i in range(3):
    y[i] = x[i] * (y[i - 1] if i else 1.0)
y.sum().backward()
out = [y, x.grad]
""",
    "versions": "y = x * 1; v = y[0]; y += 1; v.add_(1); y[1] = 3.0; out = [y._version, v._version, y.detach()._version, y.data._version]",
    "integers in place": "i = torch.tensor([1, 2]); i += 1; i *= 3; i //= 2; out = [i]",
    "integers by floats in place": "i = torch.tensor([1, 2]); i += 0.5",
    "integers divided in place": "i = torch.tensor([1, 2]); i /= 2",
    "shape in place": "y = torch.ones(3); y += torch.ones(2, 3)",
    "out of place promotion in place": "y = torch.ones(2, dtype=torch.float32); y += torch.ones(2, dtype=torch.float64); out = y",
    "double backward through writes": """
y = x * 1
y[0] = x[1] * x[2]
y.mul_(x)
g, = torch.autograd.grad((y * y).sum(), x, create_graph=True)
g.sum().backward()
out = [g, x.grad]
""",
    "masked fill in place": "y = x * 2; y.masked_fill_(x > 2, 0.5); y.sum().backward(); out = [y, x.grad]",
    "index add in place": "y = x * 1; y.index_add_(0, torch.tensor([0, 0]), x[:2] * 2); (y * y).sum().backward(); out = [y, x.grad]",
    "scatter in place": "y = x * 1; y.scatter_(0, torch.tensor([1]), x[2:] * 2); (y * y).sum().backward(); out = [y, x.grad]",
    "addcmul in place": "y = x * 1; y.addcmul_(x, x, value=2.0); y.sum().backward(); out = x.grad",
    "requires grad after in place": "y = torch.ones(3, dtype=torch.float64); y.mul_(x); out = [y.requires_grad, name(y), y.is_leaf]",
    "own function": """
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, k):
        ctx.save_for_backward(a); ctx.k = k
        return a ** 3 * k
    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        return 3 * a ** 2 * ctx.k * g, None
y = Cube.apply(x, 2.0)
y.sum().backward()
out = [y, x.grad, type(y.grad_fn).__name__, name(y)]
""",
    "own function of several": """
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b, a + b
    @staticmethod
    def backward(ctx, g, h):
        a, b = ctx.saved_tensors
        return (g * b + h if ctx.needs_input_grad[0] else None), (g * a + h if ctx.needs_input_grad[1] else None)
z = torch.ones(3, dtype=torch.float64) * 2
p, q = Two.apply(x, z)
(p.sum() + (q * q).sum()).backward()
out = [x.grad, p, q]
""",
    "own function twice": """
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * a
    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        return 2 * a * g
g, = torch.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
(g ** 2).sum().backward()
out = [g, x.grad]
""",
    "own function unused result": """
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 1, a * 2
    @staticmethod
    def backward(ctx, g, h):
        return g + h
p, q = Two.apply(x)
p.sum().backward()
out = x.grad
""",
    "own function without materialized": """
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.set_materialize_grads(False)
        return a * 1, a * 2
    @staticmethod
    def backward(ctx, g, h):
        return g if h is None else g + h
p, q = Two.apply(x)
p.sum().backward()
out = x.grad
""",
    "own function marks": """
class F2(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        i = a.argmax()
        ctx.mark_non_differentiable(i)
        return a * 2, i
    @staticmethod
    def backward(ctx, g, h):
        return g * 2
p, i = F2.apply(x)
p.sum().backward()
out = [x.grad, i, i.requires_grad]
""",
    "own function in place": """
class AddOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        a += 1
        ctx.mark_dirty(a)
        return a
    @staticmethod
    def backward(ctx, g):
        return g * 2
y = x * 1
z = AddOne.apply(y)
z.sum().backward()
out = [z is y, x.grad]
""",
    "own function wrong count": """
class Bad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a): return a * 1
    @staticmethod
    def backward(ctx, g): return g, g, g
Bad.apply(x).sum().backward()
""",
    "own function with setup": """
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(a): return a.exp()
    @staticmethod
    def setup_context(ctx, inputs, output): ctx.save_for_backward(output)
    @staticmethod
    def backward(ctx, g): return g * ctx.saved_tensors[0]
Exp.apply(x).sum().backward()
out = x.grad
""",
    "once differentiable": """
from_torch = torch.autograd.function.once_differentiable
class Sq(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a * a
    @staticmethod
    @from_torch
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * g
g, = torch.autograd.grad(Sq.apply(x).sum(), x, create_graph=True)
out = g.detach()
g.sum().backward()
""",
    "jacobian": "out = torch.autograd.functional.jacobian(lambda a: a ** 2 * a.sum(), x)",
    "jacobian of several": "out = torch.autograd.functional.jacobian(lambda a, b: (a * b).sum(0), (x, x.detach() * 2))",
    "jacobian create graph": "out = torch.autograd.functional.jacobian(lambda a: a ** 2, x, create_graph=True).requires_grad",
    "hessian": "out = torch.autograd.functional.hessian(lambda a: (a ** 3).sum() * a[0], x)",
    "hessian of several": "out = torch.autograd.functional.hessian(lambda a, b: (a * b ** 2).sum(), (x, x.detach()))",
    "vjp": "out = torch.autograd.functional.vjp(lambda a: a ** 2, x, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))",
    "jvp": "out = torch.autograd.functional.jvp(lambda a: a ** 2, x, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))",
    "hvp": "out = torch.autograd.functional.hvp(lambda a: (a ** 3).sum(), x, torch.ones(3, dtype=torch.float64))",
    "vhp": "out = torch.autograd.functional.vhp(lambda a: (a ** 3).sum(), x, torch.ones(3, dtype=torch.float64))",
    "gradcheck": "out = [torch.autograd.gradcheck(torch.sin, (x,)), torch.autograd.gradgradcheck(torch.sin, (x,))]",
    "anomaly": """
with torch.autograd.detect_anomaly():
    y = (x - 2).sqrt()
    y.sum().backward()
""",
    "anomaly off": "y = (x - 1).sqrt() * 0; y.sum().backward(); out = x.grad[1:]",
    "func grad": "out = torch.func.grad(lambda a: (a ** 3).sum())(x.detach())",
    "func grad argnums": "out = torch.func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x.detach(), x.detach() * 2)",
    "func grad aux": "out = torch.func.grad(lambda a: ((a ** 2).sum(), a * 2), has_aux=True)(x.detach())",
    "func grad and value": "out = torch.func.grad_and_value(lambda a: (a ** 3).sum())(x.detach())",
    "func nested": "out = torch.func.grad(lambda a: torch.func.grad(lambda b: (b ** 3).sum())(a).sum())(x.detach())",
    "func vjp": "y, f = torch.func.vjp(lambda a: a ** 2, x.detach()); out = [y, f(torch.ones(3, dtype=torch.float64))]",
    "func jvp": "out = torch.func.jvp(lambda a: a ** 2, (x.detach(),), (torch.ones(3, dtype=torch.float64),))",
    "func jacrev": "out = torch.func.jacrev(lambda a: a ** 2)(x.detach())",
    "func jacfwd": "out = torch.func.jacfwd(lambda a: a ** 2 * a[0])(x.detach())",
    "func hessian": "out = torch.func.hessian(lambda a: (a ** 3).sum())(x.detach())",
    "func vmap": "out = torch.func.vmap(lambda a: a * a.sum())(m.detach())",
    "func vmap dims": "out = torch.vmap(lambda a, b: a * b, in_dims=(1, None), out_dims=1)(m.detach(), x.detach()[:2])",
    "func per example": """
w = x.detach()
out = torch.func.vmap(torch.func.grad(lambda w, r: ((w * r).sum()) ** 2), in_dims=(None, 0))(w, torch.eye(3, dtype=torch.float64))
""",
    "func call": """
lin = nn.Linear(2, 1)
out = torch.func.functional_call(lin, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, (torch.tensor([[1.0, 2.0]]),))
""",
    "func call gradient": """
lin = nn.Linear(2, 1).double()
params = {"weight": torch.ones(1, 2, dtype=torch.float64), "bias": torch.zeros(1, dtype=torch.float64)}
def loss(p): return (torch.func.functional_call(lin, p, (m.detach(),)) ** 2).sum()
out = torch.func.grad(loss)(params)
""",
    "complex": """
z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
(z * z.conj()).real.sum().backward()
out = z.grad
""",
    "complex holomorphic": """
z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)
(z ** 2).real.sum().backward()
a = z.grad.clone(); z.grad = None
(z.exp()).imag.sum().backward()
out = [a, z.grad]
""",
    "dropout and multiplication by zero": "y = F.dropout(x, 0.0); y.sum().backward(); out = x.grad",
    "mixed dtypes": "a = torch.ones(3, requires_grad=True); (a * x).sum().backward(); out = [a.grad, x.grad]",
    "broadcast gradients": "b = leaf(2.0); (x * b + m[0, 0]).sum().backward(); out = [b.grad, m.grad]",
    "shared subgraph": "y = x * 2; z = y + y * y; (z * y).sum().backward(); out = x.grad",
    "leaf used twice": "(x * x + x).sum().backward(); out = x.grad",
    "grad assigned": "x.grad = torch.ones(3, dtype=torch.float64); (x * 2).sum().backward(); out = x.grad",
    "grad set to none": "(x * 2).sum().backward(); x.grad = None; (x * 3).sum().backward(); out = x.grad",
    "same grad object": "(x * 2).sum().backward(); g = x.grad; (x * 2).sum().backward(); out = [g is x.grad, g]",
    "requires grad off": "x.requires_grad_(False); out = [(x * 2).requires_grad]",
    "detach in place": "y = x * 2; y.detach_(); out = [y.requires_grad, y.is_leaf]",
    "clone": "y = x.clone(); y[0] = 9; (y * y).sum().backward(); out = [x, x.grad]",
    "numpy shares": "a = torch.ones(3); n = a.numpy(); n[0] = 5; out = a",
    "iterate": "out = [(a * 2) for a in x]",
    "reshape copies": "y = m.t().reshape(4); y.sum().backward(); out = [name(y), m.grad]",
    "numbers beside index arrays are written to": """
s = torch.arange(12.0, dtype=torch.float64).reshape(2, 2, 3)
z = leaf([[5.0, 6.0], [7.0, 8.0]])
t = s * x
t[0, :, [0, 2]] = z * 2
t[[1, 0], :, 1] = -1.0
(t * t).sum().backward()
out = [name(t), t, z.grad, x.grad]
""",
    "where gradient safe": "y = torch.where(x > 1, x.log(), torch.zeros(3, dtype=torch.float64)); y.sum().backward(); out = x.grad",
    "saved tensors": "y = x.exp(); out = [y.grad_fn._saved_result.detach()]",
}

CASES = {name: program(HEADER + source) for name, source in PROGRAMS.items() if name != "saved tensors"}
CASES["gradients without axes are tensors"] = program(
    HEADER
    + "a = leaf(3.0); g, = torch.autograd.grad(a ** 3, a); out = [repr(g), type(g.detach().numpy()).__name__]"
)
