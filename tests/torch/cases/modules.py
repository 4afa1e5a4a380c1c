"""torch.nn modules: text, names, values and gradients, with weights set to known numbers."""

from tests.torch.recorded import program, weights

MODULES = {
    "nn.Linear(3, 2)": (4, 3),
    "nn.Linear(3, 2, bias=False)": (4, 3),
    "nn.Bilinear(3, 3, 2)": None,
    "nn.Identity()": (2, 3),
    "nn.Flatten()": (2, 3, 2),
    "nn.Flatten(0, 1)": (2, 3, 2),
    "nn.Unflatten(1, (3, 1))": (2, 3),
    "nn.Embedding(5, 3)": "indices",
    "nn.Embedding(5, 3, padding_idx=0)": "indices",
    "nn.ReLU()": (2, 3),
    "nn.ReLU(inplace=True)": None,
    "nn.ReLU6()": (2, 3),
    "nn.LeakyReLU(0.1)": (2, 3),
    "nn.ELU()": (2, 3),
    "nn.CELU()": (2, 3),
    "nn.SELU()": (2, 3),
    "nn.GELU()": (2, 3),
    "nn.GELU(approximate='tanh')": (2, 3),
    "nn.GLU()": (2, 4),
    "nn.SiLU()": (2, 3),
    "nn.Mish()": (2, 3),
    "nn.Sigmoid()": (2, 3),
    "nn.Tanh()": (2, 3),
    "nn.Softplus()": (2, 3),
    "nn.Softsign()": (2, 3),
    "nn.Softmax(dim=1)": (2, 3),
    "nn.LogSoftmax(dim=-1)": (2, 3),
    "nn.Softmin(dim=1)": (2, 3),
    "nn.Hardtanh()": (2, 3),
    "nn.Hardsigmoid()": None,
    "nn.Hardswish()": (2, 3),
    "nn.Hardshrink()": (2, 3),
    "nn.Softshrink()": (2, 3),
    "nn.Tanhshrink()": (2, 3),
    "nn.LogSigmoid()": (2, 3),
    "nn.Threshold(0.1, 20)": (2, 3),
    "nn.PReLU()": (2, 3),
    "nn.PReLU(3)": (2, 3),
    "nn.Dropout(0.3).eval()": (2, 3),
    "nn.Dropout(p=0.5, inplace=True)": None,
    "nn.Dropout1d()": None,
    "nn.Dropout2d(0.2)": None,
    "nn.AlphaDropout()": None,
    "nn.LayerNorm(3)": (2, 3),
    "nn.LayerNorm([2, 3], elementwise_affine=False)": (4, 2, 3),
    "nn.RMSNorm(3)": None,
    "nn.BatchNorm1d(3)": (4, 3),
    "nn.BatchNorm1d(3).eval()": (4, 3),
    "nn.BatchNorm1d(3, affine=False, momentum=None)": (4, 3),
    "nn.BatchNorm1d(3, track_running_stats=False)": (4, 3, 2),
    "nn.BatchNorm2d(2)": (2, 2, 3, 3),
    "nn.BatchNorm3d(2)": None,
    "nn.GroupNorm(1, 2)": (2, 2, 3),
    "nn.InstanceNorm1d(2)": (2, 2, 3),
    "nn.InstanceNorm2d(2, affine=True)": (2, 2, 3, 3),
    "nn.Conv1d(2, 3, 2)": (2, 2, 5),
    "nn.Conv1d(2, 2, 3, stride=2, padding=1, bias=False)": (2, 2, 5),
    "nn.Conv2d(2, 3, 3)": (1, 2, 4, 4),
    "nn.Conv2d(2, 2, (3, 1), stride=(2, 1), padding=(1, 0), dilation=1, groups=2)": (1, 2, 4, 4),
    "nn.Conv2d(2, 2, 3, padding='same')": (1, 2, 4, 4),
    "nn.Conv2d(2, 2, 3, padding=1, padding_mode='reflect')": (1, 2, 4, 4),
    "nn.ConvTranspose1d(2, 3, 2)": (2, 2, 3),
    "nn.ConvTranspose2d(2, 3, 2, stride=2, output_padding=1)": (1, 2, 3, 3),
    "nn.MaxPool1d(2)": (2, 2, 4),
    "nn.MaxPool2d(2)": (1, 2, 4, 4),
    "nn.MaxPool2d(kernel_size=3, stride=2, padding=1)": (1, 2, 4, 4),
    "nn.AvgPool1d(2)": (2, 2, 4),
    "nn.AvgPool2d(2)": (1, 2, 4, 4),
    "nn.AdaptiveAvgPool1d(2)": (2, 2, 4),
    "nn.AdaptiveAvgPool2d((1, 2))": (1, 2, 4, 4),
    "nn.AdaptiveMaxPool2d(1)": (1, 2, 4, 4),
    "nn.Upsample(scale_factor=2)": (1, 2, 2, 2),
    "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))": (2, 3),
    "nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.BatchNorm1d(3))": (4, 3),
    "nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])": None,
    "nn.ModuleDict({'first': nn.Linear(2, 3), 'act': nn.ReLU()})": None,
    "nn.ParameterList([nn.Parameter(torch.zeros(2))])": None,
    "nn.ParameterDict({'a': nn.Parameter(torch.zeros(2, 3))})": None,
    "nn.MSELoss()": None,
    "nn.L1Loss(reduction='sum')": None,
    "nn.CrossEntropyLoss()": None,
    "nn.CrossEntropyLoss(weight=torch.ones(3))": None,
    "nn.NLLLoss()": None,
    "nn.BCELoss()": None,
    "nn.BCEWithLogitsLoss()": None,
    "nn.SmoothL1Loss()": None,
    "nn.HuberLoss()": None,
    "nn.KLDivLoss()": None,
    "nn.CosineSimilarity()": None,
    "nn.PairwiseDistance()": None,
    "nn.TripletMarginLoss()": None,
    "nn.MarginRankingLoss()": None,
    "nn.CosineEmbeddingLoss()": None,
    "nn.HingeEmbeddingLoss()": None,
    "nn.GaussianNLLLoss()": None,
    "nn.PoissonNLLLoss()": None,
    "nn.SoftMarginLoss()": None,
}


def module(code, shape):
    """A module built with float64 weights of known values, called on a known input."""

    def case(torch):
        made = eval(code, {"torch": torch, "nn": torch.nn})
        result = {
            "text": repr(made),
            "parameters": [[name, list(p.shape)] for name, p in made.named_parameters()],
            "state": [[name, list(x.shape), str(x.dtype)] for name, x in made.state_dict().items()],
            "children": [name for name, _ in made.named_modules()],
            "training": made.training,
        }
        if shape is None:
            return result
        made = made.double()
        with torch.no_grad():
            for p in made.parameters():
                p.copy_(weights(torch, p))
        if shape == "indices":
            x = torch.tensor([[0, 2, 1], [4, 0, 2]])
        else:
            x = numbers(torch, shape).requires_grad_()
        out = made(x)
        if out.requires_grad:
            out.backward(weights(torch, out))
        grads = {name: p.grad for name, p in made.named_parameters()}
        return {**result, "out": out, "x": x.grad, "grads": grads, "after": made.state_dict()}

    return case


def numbers(torch, shape):
    count = 1
    for n in shape:
        count *= n
    values = [((37 * i + 11) % 23 - 11) / 7 + 0.01 * i for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


PROGRAMS = {
    "own module": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.b = nn.Sequential(nn.ReLU(), nn.Linear(3, 1, bias=False))
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("hidden", torch.zeros(2), persistent=False)
        self.free = nn.Parameter(torch.ones(2))
        self.none = None
        self.register_parameter("nothing", None)
    def forward(self, x):
        return self.b(self.a(x)) * self.scale
    def extra_repr(self):
        return "own=1"
net = Net()
out = [repr(net), [n for n, _ in net.named_parameters()], list(net.state_dict()), [n for n, _ in net.named_children()],
       [n for n, _ in net.named_buffers()], [type(m).__name__ for m in net.modules()], net.training, net.eval().b.training,
       sum(p.numel() for p in net.parameters()), net.get_submodule("b.1").in_features, list(net.get_parameter("a.weight").shape)]
""",
    "load state": """
a, b = nn.Linear(2, 2), nn.Linear(2, 2)
out = [str(b.load_state_dict(a.state_dict())), torch.equal(a.weight, b.weight), a.weight is b.weight]
""",
    "load with keys missing and too many": """
b = nn.Linear(2, 2)
out = [list(b.load_state_dict({"weight": torch.ones(2, 2), "more": torch.ones(1)}, strict=False).missing_keys)]
""",
    "load wrong keys": """
nn.Linear(2, 2).load_state_dict({"weight": torch.ones(2, 2), "more": torch.ones(1)})
""",
    "forward hooks": """
seen = []
m = nn.Linear(2, 1)
with torch.no_grad():
    m.weight.fill_(1.0); m.bias.fill_(0.5)
h1 = m.register_forward_pre_hook(lambda mod, args: (args[0] * 2,))
h2 = m.register_forward_hook(lambda mod, args, output: seen.append([list(args[0].shape), output.detach()]) or output + 1)
y1 = m(torch.ones(1, 2)).detach()
h1.remove()
y2 = m(torch.ones(1, 2)).detach()
h2.remove()
out = [y1, y2, m(torch.ones(1, 2)).detach(), seen]
""",
    "hooks in another order, and with keywords": """
seen = []
class Scaled(nn.Module):
    def forward(self, x, by=1.0):
        return x * by
m = Scaled()
m.register_forward_pre_hook(lambda mod, args: seen.append("second"))
m.register_forward_pre_hook(lambda mod, args: seen.append("first"), prepend=True)
m.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True)
m.register_forward_hook(lambda mod, args, output: seen.append("fourth"))
m.register_forward_hook(lambda mod, args, kwargs, output: seen.append(["third", kwargs["by"]]), prepend=True, with_kwargs=True)
x = torch.ones(2, requires_grad=True)
m.register_full_backward_pre_hook(lambda mod, grad_output: seen.append("b2"))
m.register_full_backward_pre_hook(lambda mod, grad_output: seen.append("b1"), prepend=True)
m.register_full_backward_hook(lambda mod, grad_input, grad_output: seen.append("b4"))
m.register_full_backward_hook(lambda mod, grad_input, grad_output: seen.append("b3"), prepend=True)
y = m(x, by=2.0)
y.sum().backward()
out = [y.detach(), x.grad, seen]
""",
    "a hook that is always called": """
seen = []
class Failing(nn.Module):
    def forward(self, x):
        raise ValueError("no")
m = Failing()
m.register_forward_hook(lambda mod, args, output: seen.append("not"))
m.register_forward_hook(lambda mod, args, output: seen.append([args[0], output]), always_call=True)
m.register_forward_hook(lambda mod, args, output: 1 / 0, always_call=True)
try:
    m(3)
except ValueError as error:
    seen.append(str(error))
out = seen
""",
    "a hook of keywords that gives something else": """
m = nn.Linear(1, 1)
m.register_forward_pre_hook(lambda mod, args, kwargs: args, with_kwargs=True)
m(torch.ones(1))
""",
    "backward hooks see what forward hooks give": """
seen = []
m = nn.Identity()
m.register_forward_hook(lambda mod, args, output: output * 2)
m.register_full_backward_hook(lambda mod, grad_input, grad_output: seen.append([grad_input, grad_output]))
x = torch.ones(2, requires_grad=True)
(m(x) * 3).sum().backward()
out = [x.grad, seen]
""",
    "load by assigning": """
m = nn.Linear(2, 1)
m.bias.requires_grad_(False)
given = {"weight": torch.ones(1, 2, dtype=torch.float64), "bias": nn.Parameter(torch.zeros(1))}
m.load_state_dict(given, assign=True)
given["weight"].fill_(2.0)
out = [m.weight, m.weight.requires_grad, m.bias.requires_grad, m.bias is given["bias"]]
""",
    "embedding with bounded rows": """
m = nn.Embedding(3, 2, max_norm=1.0, scale_grad_by_freq=True)
with torch.no_grad():
    m.weight.copy_(torch.tensor([[3.0, 4.0], [0.1, 0.2], [6.0, 8.0]]))
y = m(torch.tensor([0, 1, 0]))
y.sum().backward()
out = [repr(m), y.detach(), m.weight.detach(), m.weight.grad]
""",
    "embedding from given rows": """
torch.manual_seed(0)
m = nn.Embedding.from_pretrained(torch.ones(3, 2), padding_idx=-1)
out = [repr(m), m.weight, m.weight.requires_grad, m.padding_idx, torch.randint(1000, (3,))]
""",
    "instance norm with running statistics": """
m = nn.InstanceNorm1d(2, track_running_stats=True, affine=True)
x = torch.arange(12.0).reshape(2, 2, 3).sin()
y = m(x)
out = [repr(m), y.detach(), m.running_mean, m.running_var, m.eval()(x).detach(), sorted(m.state_dict())]
""",
    "unknown keyword of a module": """
class Net(nn.Module):
    def __init__(self):
        super().__init__(hidden=3)
try:
    Net()
except TypeError as error:
    out = "an unexpected keyword argument 'hidden'" in str(error)
""",
    "unknown keyword of uniform_": "torch.ones(2).uniform_(low=1)",
    "convolution transposed with reflection": "nn.ConvTranspose2d(1, 1, 1, padding_mode='reflect')",
    "alpha dropout is for training": "out = F.alpha_dropout(torch.ones(3))",
    "full backward hooks": """
seen = []
m = nn.Linear(2, 1)
with torch.no_grad():
    m.weight.copy_(torch.tensor([[1.0, -2.0]])); m.bias.fill_(0.5)
m.register_full_backward_pre_hook(lambda mod, grad_output: (grad_output[0] * 2,))
m.register_full_backward_hook(lambda mod, grad_input, grad_output: seen.append([grad_input, grad_output]) or (grad_input[0] + 1,))
x = torch.tensor([[1.0, 2.0]], requires_grad=True)
m(x).sum().backward()
out = [x.grad, m.weight.grad, seen]
""",
    "apply and initialize": """
net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
def fill(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 0.5); nn.init.zeros_(m.bias)
net.apply(fill)
out = [net(torch.tensor([[1.0, 2.0]])).detach(), net[0].weight.requires_grad]
""",
    "initializers": """
w = torch.empty(3, 5)
out = [nn.init.ones_(torch.empty(2)), nn.init.eye_(torch.empty(2, 3)), nn.init.calculate_gain("relu"), nn.init.calculate_gain("leaky_relu", 0.2),
       nn.init.calculate_gain("tanh"), bool(nn.init.xavier_uniform_(w).abs().max() <= (6 / 8) ** 0.5), bool(nn.init.kaiming_uniform_(w).abs().max() <= (6 / 5) ** 0.5),
       nn.init.dirac_(torch.empty(2, 2, 3))]
""",
    "sequential": """
s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
out = [len(s), repr(s[0]), repr(s[-1]), repr(s[:2]), [repr(m) for m in s]]
s.append(nn.Tanh()); s.add_module("last", nn.Sigmoid()); del s[1]
out += [repr(s), list(s.state_dict())]
""",
    "frozen": """
m = nn.Linear(2, 1)
m.requires_grad_(False)
out = [m.weight.requires_grad, m(torch.ones(1, 2)).requires_grad]
""",
    "zero grad": """
m = nn.Linear(2, 1)
m(torch.ones(1, 2)).sum().backward()
a = m.bias.grad.clone()
m.zero_grad()
b = m.bias.grad
m(torch.ones(1, 2)).sum().backward()
m.zero_grad(set_to_none=False)
out = [a, b, m.bias.grad]
""",
    "clip": """
p = nn.Parameter(torch.tensor([3.0, 4.0]))
p.grad = torch.tensor([3.0, 4.0])
out = [torch.nn.utils.clip_grad_norm_([p], 1.0), p.grad.clone(), torch.nn.utils.clip_grad_value_([p], 0.7), p.grad]
""",
    "parameter text": """
out = [repr(nn.Parameter(torch.tensor([1.0, 2.0]))), isinstance(nn.Parameter(torch.ones(1)), torch.Tensor), nn.Parameter(torch.ones(1)).is_leaf]
""",
    "vector of parameters": """
m = nn.Linear(2, 1)
with torch.no_grad():
    m.weight.fill_(2.0); m.bias.fill_(1.0)
v = nn.utils.parameters_to_vector(m.parameters())
nn.utils.vector_to_parameters(v * 3, m.parameters())
out = [v.detach(), m.weight.detach(), m.bias.detach()]
""",
    "missing attribute": "nn.Linear(1, 1).nothing",
    "parameter before init": """
class Bad(nn.Module):
    def __init__(self):
        self.w = nn.Parameter(torch.ones(1))
Bad()
""",
    "no forward": """
class Bad(nn.Module):
    pass
Bad()(1)
""",
    "assign a tensor to a parameter": "nn.Linear(1, 1).weight = torch.ones(1, 1)",
    "wrong input": "nn.Linear(3, 2)(torch.ones(2, 4))",
    "wrong channels": "nn.Conv2d(2, 3, 3)(torch.ones(1, 3, 5, 5))",
    "wrong batch norm": "nn.BatchNorm1d(3)(torch.ones(2, 2, 2, 2))",
    "one value a channel": "nn.BatchNorm1d(3)(torch.ones(1, 3))",
    "bad dropout": "nn.Dropout(1.5)",
    "bad reduction": "nn.MSELoss(reduction='x')(torch.ones(1), torch.ones(1))",
}

CASES = {code: module(code, shape) for code, shape in MODULES.items()}
CASES.update({name: program(source) for name, source in PROGRAMS.items()})
