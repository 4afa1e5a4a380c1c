"""The documents' two-layer network: 500 steps each way PyTorch's users write it, from PyTorch's random numbers."""

from tests.torch.recorded import program

_DATA = """
torch.manual_seed(0)
N, D_in, H, D_out = 64, 1000, 100, 10
x = torch.randn(N, D_in, dtype=dtype)
y = torch.randn(N, D_out, dtype=dtype)
out = []
"""
_MODULE = """
class TwoLayerNet(torch.nn.Module):
    def __init__(self, D_in, H, D_out):
        super(TwoLayerNet, self).__init__()
        self.linear1 = torch.nn.Linear(D_in, H, bias=False)
        self.linear2 = torch.nn.Linear(H, D_out, bias=False)
    def forward(self, x):
        return self.linear2(self.linear1(x).clamp(min=0))

model = TwoLayerNet(D_in, H, D_out).to(dtype)
loss_fn = torch.nn.MSELoss(reduction='sum')
optimizer = torch.optim.{optimizer}
for it in range(500):
    y_pred = model(x)
    loss = loss_fn(y_pred, y)
    if it % 20 == 0 or it == 499:
        out.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
_TENSORS = """
w1 = torch.randn(D_in, H, dtype=dtype, requires_grad=True)
w2 = torch.randn(H, D_out, dtype=dtype, requires_grad=True)
for it in range(500):
    loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
    if it % 20 == 0 or it == 499:
        out.append(loss.item())
    loss.backward()
    with torch.no_grad():
        w1 -= 1e-6 * w1.grad
        w2 -= 1e-6 * w2.grad
        w1.grad.zero_()
        w2.grad.zero_()
"""
_WAYS = {"tensors": _TENSORS}
for _optimizer in (
    "Adam(model.parameters(), lr=1e-4)",
    "SGD(model.parameters(), lr=1e-4)",
    "SGD(model.parameters(), lr=1e-5, momentum=0.9)",
):
    _WAYS[_optimizer] = _MODULE.format(optimizer=_optimizer)

CASES = {
    f"{name}, {dtype}": program(f"dtype = torch.{dtype}\n{_DATA}{code}")
    for name, code in _WAYS.items()
    for dtype in ("float32", "float64")
}
