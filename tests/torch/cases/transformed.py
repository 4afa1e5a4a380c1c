"""What torch.func and torch.compile make of functions: of whole-number targets, of constants, and of buffers in training."""

from tests.torch.recorded import program

HEADER = """
from_func = torch.func
grad, vmap, functional_call = torch.func.grad, torch.func.vmap, torch.func.functional_call
def compiled(f): return torch.compile(f, backend="eager")
x = torch.arange(12.0).reshape(2, 2, 3).sin()
t = torch.tensor([[0, 2], [1, 1]])
w = torch.tensor([1.0, 2.0, 3.0])
W = torch.arange(6.0).reshape(3, 2)
i = torch.tensor([[0, 2], [1, 1]])
v = torch.tensor([1.0, 2.0])
def model():
    torch.manual_seed(0)
    m = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    return m, {k: p.detach() for k, p in m.named_parameters()}, dict(m.named_buffers())
data, labels = torch.arange(18.0).reshape(6, 3).cos(), torch.tensor([0, 1, 0, 1, 1, 0])
def loss(m, p, b, x, y): return F.cross_entropy(functional_call(m, (p, b), (x,)), y)
"""

STRAIGHT = """
class Straight(torch.autograd.Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(v, k):
        return torch.round(v) * k, torch.round(v)
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.k = inputs[1]
        ctx.mark_non_differentiable(output[1])
    @staticmethod
    def backward(ctx, g, unused):
        v, = ctx.saved_tensors
        return g * ctx.k * (v.abs() < 1.5), None
class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return v.round()
    @staticmethod
    def backward(ctx, g):
        return g * 3
r = torch.tensor([0.7, 2.2])
"""
PROGRAMS = {
    "batched cross entropy": "out = vmap(lambda x, t: F.cross_entropy(x, t))(x, t)",
    "batched cross entropy of one example": "out = vmap(lambda x, t: F.cross_entropy(x, t))(x[0], t[0])",
    "batched cross entropy, smoothed": "out = vmap(lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1, reduction='sum'))(x, t)",
    "batched nll loss": "out = vmap(lambda x, t: F.nll_loss(x, t, weight=w, reduction='sum'))(x, t)",
    "gradients of cross entropy, an example each": "out = vmap(grad(lambda x, t: F.cross_entropy(x, t, reduction='sum')))(x, t)",
    "targets that do not count": "out = vmap(lambda x, t: F.nll_loss(x, t, ignore_index=1, reduction='none'))(x, t)",
    "batched embedding": "out = vmap(lambda i: F.embedding(i, W))(i)",
    "batched embedding with padding": "out = vmap(grad(lambda W, i: (F.embedding(i, W, padding_idx=1) ** 2).sum()), (None, 0))(W, i)",
    "batched one hot": "out = vmap(lambda i: F.one_hot(i, 3))(i)",
    "batched index": "out = vmap(lambda i: W[i])(i)",
    "batched place": "out = vmap(lambda row, k: row[k])(W[:2], i[:, 0])",
    "batched index of a column": "out = vmap(lambda i: x[0][:, i])(i)",
    "batched gather": "out = vmap(lambda i: torch.gather(W, 0, i[None]))(i)",
    "batched index_select": "out = vmap(lambda i: W.index_select(0, i))(i)",
    "batched take": "out = vmap(lambda i: torch.take(W, i))(i)",
    "batched where": "out = vmap(lambda c: torch.where(c > 0, W[0], 0.0))(i)",
    "batched masked_fill": "out = vmap(lambda c: W[0].masked_fill(c > 0, 0.0))(i)",
    "batched index_add": "out = vmap(lambda i: W.index_add(0, i, W[:2]))(i)",
    "batched scatter": "out = vmap(lambda i: W.scatter(0, i[None], 9.0))(i)",
    "compiled cross entropy": """
z = x[0].clone().requires_grad_()
y = compiled(lambda x, t: F.cross_entropy(x, t, weight=w, label_smoothing=0.1))(z, t[0])
y.backward()
out = [y.item(), z.grad]
""",
    "compiled indices": """
z = W.clone().requires_grad_()
y = compiled(lambda x, i: (x[i] * x[i, torch.arange(2)].sum() + x[torch.arange(2), i % 2]).sum())(z, i[0])
y.backward()
out = [y.item(), z.grad]
""",
    "compiled writes": """
def f(x, i, v):
    y = x.clone()
    y[i] = v
    y[i[0], 0] = 5.0
    y = y.index_put((i,), v, accumulate=True)
    return y.scatter_add(0, i[None], v[:1])
z, u = W.clone().requires_grad_(), torch.ones(2, 2, requires_grad=True)
y = compiled(f)(z, i[0], u)
(y * y).sum().backward()
out = [y.detach(), z.grad, u.grad]
""",
    "compiled embedding": """
m = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2))
with torch.no_grad():
    for p in m.parameters():
        p.copy_(torch.arange(float(p.numel())).reshape(p.shape).sin())
y = F.cross_entropy(compiled(m)(torch.tensor([[0, 4], [1, 1]])), torch.tensor([1, 0]))
y.backward()
out = [y.item(), m[0].weight.grad]
""",
    "detach is a constant": "out = grad(lambda v: (v.detach() * v).sum())(v)",
    "data is a constant": "out = grad(lambda v: (v.data * v).sum())(v)",
    "no_grad makes constants": """
def f(v):
    with torch.no_grad():
        y = v * 2
    return (y * v).sum()
out = grad(f)(v)
""",
    "a view taken in no_grad is a constant": """
def f(v):
    with torch.no_grad():
        y = v[:1]
    return (y * v).sum()
out = grad(f)(v)
""",
    "gradients taken in no_grad are constants": """
def f(v):
    with torch.no_grad():
        y = grad(lambda z: (z ** 3).sum())(v)
    return (y * v).sum()
with torch.no_grad():
    out = [grad(f)(v), grad(grad(lambda z: z ** 4))(v[1])]
""",
    "a backward of one's own": STRAIGHT
    + """
out = [grad(lambda v: (Straight.apply(v, 2.0)[0] * v).sum())(r), from_func.jacrev(grad(lambda v: (Straight.apply(v, 2.0)[0] * v * v).sum()))(r)]
""",
    "a backward of one's own, an example each": STRAIGHT
    + """
out = grad(lambda v: vmap(lambda v: Straight.apply(v, 2.0)[0] * v)(v).sum())(r) if hasattr(Straight, "generate_vmap_rule") else None
""",
    "a backward of one's own that reads the result": """
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(v, w):
        return v.exp() * w
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output, None)
        ctx.w = inputs[1]
    @staticmethod
    def backward(ctx, g):
        y, nothing = ctx.saved_tensors
        return g * y, g * y / ctx.w
f = grad(lambda v: (Exp.apply(v, w[:2]) ** 2).sum())
def h(v):
    with torch.no_grad():
        y = Exp.apply(v, w[:2])
    return (y * v).sum()
out = [f(v), from_func.jacrev(f)(v), grad(lambda v: f(v).sum())(v), grad(h)(v), grad(lambda w: Exp.apply(v, w).sum())(w[1:])]
""",
    "a backward of one's own, compiled": STRAIGHT
    + """
z = r.clone().requires_grad_()
compiled(lambda v: (Rounded.apply(v) * v).sum())(z).backward()
u = r.clone().requires_grad_()
compiled(lambda v: (Straight.apply(v, 2.0)[0] * v).sum())(u).backward()
out = [z.grad, u.grad]
""",
    "a constant of a compiled function": """
z = v.clone().requires_grad_()
compiled(lambda v: (v.detach() * v).sum())(z).backward()
out = z.grad
""",
    "a function compiled in no_grad": """
f = compiled(lambda v: (v * v).sum())
z = v.clone().requires_grad_()
with torch.no_grad():
    y = f(z)
f(z).backward()
out = [y, z.grad]
""",
    "buffers in training": """
m, p, b = model()
def f(p):
    own = {k: x.clone() for k, x in b.items()}
    return loss(m, p, own, data, labels), own
g, own = grad(f, has_aux=True)(p)
out = [g, own, b]
""",
    "gradients of a batch norm by its input": """
m, p, b = model()
def f(x):
    return (functional_call(m, (p, {k: x.clone() for k, x in b.items()}), (x,)) ** 2).sum()
out = grad(f)(data)
""",
    "buffers in evaluation, an example each": """
m, p, b = model()
m.eval()
out = vmap(grad(lambda p, x, y: loss(m, p, b, x[None], y[None])), (None, 0, 0))(p, data, labels)
""",
    "a compiled model with buffers": """
m, p, b = model()
y = F.cross_entropy(compiled(m)(data), labels)
y.backward()
out = [y.item(), m[0].weight.grad, dict(m.named_buffers())]
""",
}

CASES = {name: program(HEADER + source) for name, source in PROGRAMS.items()}
