"""torchsummary's tables: with PyTorch those of the package torchsummary, with funcgrad.torch its own."""

import contextlib
import importlib
import io

from tests.torch.recorded import program

_MODELS = """
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(300, 2), nn.Linear(400, 2)
        self.b.weight.requires_grad_(False)
    def forward(self, x, y):
        return self.a(x) + self.b(y)
class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Tanh(), nn.Dropout(0.5)))
        self.heads = nn.ModuleList([nn.Linear(8, n) for n in (1, 2)])
    def forward(self, x):
        x = self.body(x)
        return [head(x) for head in self.heads]
class TwoLayerNet(nn.Module):
    def __init__(self, D_in, H, D_out):
        super().__init__()
        self.linear1 = nn.Linear(D_in, H, bias=False)
        self.linear2 = nn.Linear(H, D_out, bias=False)
    def forward(self, x):
        return self.linear2(self.linear1(x).clamp(min=0))
image = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(676, 10))
"""
CALLS = """
nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10)), (64, 1000)
TwoLayerNet(1000, 100, 10), (64, 1000)
TwoLayerNet(1000, 100, 10), (1000,), 64
Two(), [(300,), (400,)]
Two(), [(300,), (400,)], 32
Nested(), (8,)
Nested().eval(), (5, 8), 3
image, (1, 28, 28)
image, (1, 28, 28), 16
nn.Sequential(nn.LayerNorm(6), nn.Conv1d(3, 5, 2, padding=1, bias=False), nn.AdaptiveAvgPool1d(1)), (3, 6)
nn.Sequential(nn.Linear(3, 2)), (4,)
""".strip().splitlines()


def table(call):
    def case(torch):
        package = "torchsummary" if torch.__name__ == "torch" else "funcgrad.torch.summary"
        summary = importlib.import_module(package).summary
        model, *rest = program(f"{_MODELS}\nout = {call}")(torch)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            summary(model, *rest, device="cpu")
        return printed.getvalue()

    return case


CASES = {call: table(call) for call in CALLS}
