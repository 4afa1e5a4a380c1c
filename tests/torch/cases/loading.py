"""torch.utils.data: the order of examples for a seed, what a batch is made of, and the misuses."""

from tests.torch.recorded import program

_SETS = """
globals().update(vars(torch.utils.data))
import numpy
torch.manual_seed(3)
x = torch.arange(14.0).reshape(7, 2)
y = torch.arange(7)
pairs = TensorDataset(x, y)
class Words(Dataset):
    def __init__(self, examples): self.examples = examples
    def __len__(self): return len(self.examples)
    def __getitem__(self, i): return self.examples[i]
class Stream(IterableDataset):
    def __iter__(self): return iter(range(7))
"""

# Loaders of which every batch is shown, twice over: a second epoch has another order.
LOADERS = """
DataLoader(pairs)
DataLoader(pairs, batch_size=3)
DataLoader(pairs, batch_size=3, drop_last=True)
DataLoader(pairs, batch_size=7)
DataLoader(pairs, 3, True)
DataLoader(pairs, 3, shuffle=True, drop_last=True)
DataLoader(pairs, 3, shuffle=True, generator=torch.Generator().manual_seed(5))
DataLoader(pairs, batch_size=None)
DataLoader(pairs, batch_size=None, shuffle=True)
DataLoader(y, batch_size=4)
DataLoader(range(7), 3, shuffle=True)
DataLoader(pairs, 2, sampler=[4, 2, 0])
DataLoader(pairs, 2, sampler=SequentialSampler(pairs))
DataLoader(pairs, 2, sampler=RandomSampler(pairs))
DataLoader(pairs, 2, sampler=RandomSampler(pairs, replacement=True))
DataLoader(pairs, 8, sampler=RandomSampler(pairs, replacement=True, num_samples=70))
DataLoader(pairs, 2, sampler=RandomSampler(pairs, num_samples=10))
DataLoader(pairs, 2, sampler=RandomSampler(pairs, num_samples=3))
DataLoader(pairs, 2, sampler=WeightedRandomSampler([0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1], 5))
DataLoader(pairs, 2, sampler=WeightedRandomSampler([1, 2, 3, 4, 5, 6, 7], 5, replacement=False))
DataLoader(pairs, 2, sampler=SubsetRandomSampler([1, 3, 5]))
DataLoader(pairs, batch_sampler=[[0, 3], [1], [6, 5, 4]])
DataLoader(pairs, batch_sampler=BatchSampler(RandomSampler(pairs), 3, True))
DataLoader(pairs, 3, collate_fn=lambda batch: len(batch))
DataLoader(pairs, 3, collate_fn=lambda batch: sum(x.sum() for x, _ in batch))
DataLoader(Stream(), 3)
DataLoader(Stream(), 3, drop_last=True)
DataLoader(Stream(), None)
DataLoader(Subset(pairs, [5, 1, 3]), 2)
DataLoader(ConcatDataset([pairs, pairs]), 5, shuffle=True)
DataLoader(pairs + pairs, 5)
DataLoader(Words([1.5, 2.5, 3.5]), 2)
DataLoader(Words([True, False, True]), 2)
DataLoader(Words(["a", "bc", "d"]), 2)
DataLoader(Words([(1, 2.0), (3, 4.0)]), 2)
DataLoader(Words([{"a": x[0], "n": 1}, {"a": x[1], "n": 2}]), 2)
DataLoader(Words([[x[0], "p"], [x[1], "q"]]), 2)
DataLoader(Words([(x[0], (y[0], 1)), (x[1], (y[1], 2))]), 2)
DataLoader(random_split(pairs, [4, 3])[0], 3)
DataLoader(random_split(pairs, [0.5, 0.5], generator=torch.Generator().manual_seed(1))[1], 3)
""".strip().splitlines()

EXPRESSIONS = """
[len(DataLoader(pairs, 3)), len(DataLoader(pairs, 3, drop_last=True)), len(DataLoader(pairs, None)), len(DataLoader(pairs, batch_sampler=[[1], [2]]))]
[len(s) for s in random_split(pairs, [0.3, 0.3, 0.4])]
[s.indices for s in random_split(pairs, [4, 3])]
[pairs[2], pairs[-1], pairs[1:3], len(pairs)]
[(pairs + pairs)[9], (pairs + pairs)[-1], len(pairs + pairs)]
[list(RandomSampler(range(5))), list(RandomSampler(range(5))), torch.rand(2)]
[[b for b in DataLoader(range(5))][0], torch.rand(2)]
[next(iter(DataLoader(pairs, 3, shuffle=True)))[1], torch.rand(2)]
list(BatchSampler(SequentialSampler(range(5)), 2, False))
default_collate([x[0], x[1]])
default_collate([(x[0], 1), (x[1], 2)])
default_collate([1, 2.5])
default_collate([numpy.float32(1), numpy.float32(2)])
default_collate([numpy.float64(1), numpy.float64(2)])
default_collate([numpy.int32(1), numpy.int32(2)])
default_collate([numpy.ones(2), numpy.zeros(2)])
default_collate([{"a": 1}, {"a": 2}])
pairs[7]
(pairs + pairs)[14]
TensorDataset(x, y[:3])
ConcatDataset([])
random_split(pairs, [4, 4])
DataLoader(pairs, 0)
DataLoader(pairs, -1)
DataLoader(pairs, 2, sampler=[1], shuffle=True)
DataLoader(pairs, 2, batch_sampler=[[1]])
DataLoader(pairs, batch_sampler=[[1]], shuffle=True)
DataLoader(pairs, None, drop_last=True)
DataLoader(pairs, num_workers=-1)
DataLoader(Stream(), shuffle=True)
DataLoader(Stream(), sampler=[1])
DataLoader([], shuffle=True)
list(DataLoader([], 2))
len(DataLoader(Stream(), 3))
RandomSampler(range(3), num_samples=0)
BatchSampler(range(3), 0, False)
BatchSampler(range(3), 2, 1)
WeightedRandomSampler([1.0], 0)
default_collate([(1, 2), (1,)])
default_collate([x[0], x])
""".strip().splitlines()

_TRAINING = """
model = nn.Linear(2, 1).double()
with torch.no_grad():
    model.weight.copy_(torch.tensor([[0.1, -0.2]]))
    model.bias.fill_(0.3)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x.double(), y.double()), batch_size=2, shuffle=True)
out = []
for epoch in range(5):
    for a, b in loader:
        loss = F.mse_loss(model(a)[:, 0], b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.append(loss.item())
"""

CASES = {code: program(f"{_SETS}\nloader = {code}\nout = [list(loader), list(loader)]") for code in LOADERS}
CASES |= {
    code: program(f"{_SETS}\nout = {code}\nout = None if isinstance(out, DataLoader) else out")
    for code in EXPRESSIONS
}
CASES["epochs of training"] = program(_SETS + _TRAINING)
