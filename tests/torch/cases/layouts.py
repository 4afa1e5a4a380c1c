"""How results lie in memory: the strides of every operation's, of arguments that are transposed, spaced and expanded."""

from tests.torch.cases import neural, operations

# Results that depend on what memory holds, or are views that NumPy cannot take, or of another length than PyTorch's.
MORE = """
x.contiguous()
x.clone()
x.clone(memory_format=torch.contiguous_format)
x.t().contiguous()
s.permute(1, 2, 0).contiguous()
s.contiguous()
x + x.t().reshape(x.shape)
s + s.permute(0, 1, 2)
s * s[:, :1]
s + s[0]
s[:1] + s
x.float()
x.to(torch.float32)
x.half()
x.type(torch.float32)
torch.empty_like(s)
torch.zeros_like(s)
torch.ones_like(s)
torch.full_like(s, 2.0)
torch.rand_like(s)
torch.randn_like(s)
torch.randint_like(s, 3)
s.sum(0)
s.sum(1)
s.sum(-1, keepdim=True)
s.sum((0, 2))
s.mean(1)
s.amax(1)
s.max(1)
s.argmax(2)
s.prod(1)
s.var(1)
s.std(0)
s.norm(dim=1)
s.logsumexp(1)
s.all(1)
s.any(1)
s.cumsum(1)
s.cumprod(2)
s.softmax(1)
s.log_softmax(-1)
s.sort(1)
s.topk(1, 2)
s.flip(1)
s.roll(1, 0)
img.roll(1, 1)
img.roll((1, 1), (0, 1))
img.roll(1)
s.masked_fill(s > 0, 0.0)
s.masked_select(s > 0)
torch.where(s > 0, s, 0.0)
torch.cat([s, s])
torch.cat([s, s], 1)
torch.cat([s, s], 2)
torch.stack([s, s])
torch.stack([s, s], 2)
torch.stack([x, x], -1)
s[:, [0, 1]]
s[:, :, [0, 2]]
s[[1, 0]]
s[[0, 1], :, [0, 1]]
s[[0, 1], [0, 1]]
s[:, [0, 1], [0, 1]]
s[None, :, [0, 1]]
s[:, torch.tensor([[0, 1], [1, 0]])]
s[..., torch.tensor([0, 2])]
s[s > 0]
s[s[:, :, 0] > 0]
x[:, [0, 1]]
x[[0, 1]]
s.index_select(1, torch.tensor([0, 1]))
s.gather(2, torch.zeros(2, 2, 1, dtype=torch.int64))
s.repeat(1, 2, 1)
s.repeat_interleave(2, 1)
F.conv2d(img.float(), img.float()[:, :, :2, :2])
F.conv_transpose2d(img.float(), img.float()[:, :, :2, :2])
F.conv1d(s.float(), s.float()[:, :, :2])
F.linear(s.float(), x.float())
F.batch_norm(s, None, None, training=True)
F.batch_norm(s, s.mean((0, 2)), s.var((0, 2)))
F.group_norm(s, 1)
F.instance_norm(s)
F.pad(s, (1, 1))
F.interpolate(s, scale_factor=2)
F.conv2d(img[0], img[:, :, :2, :2])
F.max_pool2d(img[0], 2)
F.max_pool2d(img[0], 2, return_indices=True)
F.avg_pool2d(img[0], 2)
F.adaptive_avg_pool2d(img[0], 2)
F.adaptive_max_pool2d(img[0], 2)
F.adaptive_avg_pool1d(s[0], 2)
F.adaptive_avg_pool1d(s, 2)
F.avg_pool1d(s, 2)
F.avg_pool1d(s[0], 2)
F.conv_transpose2d(img[0], img[:, :, :2, :2])
F.conv2d(img.contiguous(), img[:, :, :2, :2])
F.conv2d(img, img[:, :, :2, :2].contiguous())
F.batch_norm(img.float(), None, None, training=True)
s[0, :, [0, 1]]
s[[0, 1], :, 0]
s[:, 0, [0, 1]]
s[:, None, [0, 1]]
s[1, torch.tensor([[0, 1], [1, 0]]), :]
s.reshape(4, 3)
s.reshape(2, 6)
s.flatten(1)
s.tril()
s.triu()
s @ s.transpose(1, 2)
s @ s[0].t()
s[0] @ s[0].t()
x @ x.t()
torch.einsum('ijk,lk->ijl', s, x)
torch.einsum('ij,kj->ik', x, x)
torch.einsum('bij,bkj->bik', s, s)
torch.outer(v, v)
torch.tensordot(s, s, dims=([2], [2]))
F.layer_norm(s, (3,))
F.layer_norm(s, (2, 3))
F.rms_norm(s, (3,))
F.group_norm(img, 1)
F.batch_norm(img, None, None, training=True)
F.batch_norm(img, img.mean((0, 2, 3)), img.var((0, 2, 3)))
F.instance_norm(img)
F.conv2d(img, img[:1])
F.conv2d(img, img[:, :, :2, :2])
F.conv2d(img, img[:, :, :2, :2], padding=1, stride=2)
F.conv1d(img[0], img[0][:, :, :2].repeat(1, 1, 1)[None, 0].expand(1, -1, -1))
F.conv_transpose2d(img, img[:, :, :2, :2], stride=2)
F.max_pool2d(img, 2)
F.avg_pool2d(img, 2)
F.adaptive_avg_pool2d(img, 2)
F.adaptive_avg_pool2d(img, 1)
F.interpolate(img, scale_factor=2)
F.pad(img, (1, 1, 1, 1))
F.unfold(img, 2)
F.relu(img)
F.gelu(img)
F.dropout(img, 0.5)
F.dropout2d(img, 0.5)
F.scaled_dot_product_attention(img, img, img)
F.linear(s, x)
F.linear(x, x, x[:, 0])
F.embedding(torch.tensor([[0, 1], [1, 0]]), x)
F.one_hot(torch.tensor([[0, 1], [1, 0]]).t())
F.normalize(s, dim=1)
F.softmax(img, 1)
F.cross_entropy(s, torch.zeros(2, 3, dtype=torch.int64), reduction='none')
F.nll_loss(s, torch.zeros(2, 3, dtype=torch.int64), reduction='none')
F.mse_loss(s, s, reduction='none')
F.cosine_similarity(s, s)
img.permute(0, 2, 3, 1).contiguous()
img.permute(0, 2, 3, 1).clone()
img.contiguous(memory_format=torch.channels_last)
img.to(memory_format=torch.channels_last)
img.clone(memory_format=torch.channels_last) * 2
torch.cat([img, img], 1)
torch.cat([img, img.contiguous()], 1)
img.contiguous(memory_format=torch.channels_last).sum(1)
torch.empty_like(img, memory_format=torch.contiguous_format)
img.chunk(2, 1)
img.split(1, 1)
img.unbind(1)
torch.complex(x, x)
torch.atleast_2d(x)
torch.broadcast_to(x, (2, 2, 3))
x.expand(2, 2, 3).contiguous()
x.expand(2, 2, 3) * 2
x.expand(2, 2, 3).clone()
torch.meshgrid(v, v, indexing='ij')
torch.meshgrid(v, v, indexing='xy')
s.diagonal(0, 1, 2).contiguous()
torch.linalg.inv(A)
torch.linalg.solve(A, A)
torch.linalg.qr(A)
torch.linalg.svd(A)
torch.linalg.cholesky(A @ A.t() + 3 * torch.eye(A.shape[0], dtype=A.dtype))
torch.linalg.eigh(A + A.t())
""".strip().splitlines()


def turned(x):
    """Return the numbers with the first axis the fastest in memory."""
    axes = tuple(reversed(range(x.ndim)))
    return x.permute(axes).contiguous().permute(axes)


def spaced(x):
    """Return the numbers with the second axis the slowest, and gaps in memory."""
    y = x.movedim(1, 0).contiguous() if x.ndim > 1 else x
    buffer = y.new_zeros((*y.shape[:-1], 2 * y.shape[-1])) if x.ndim else x.clone()
    part = buffer[..., ::2] if x.ndim else buffer
    part.copy_(y)
    return part.movedim(0, 1) if x.ndim > 1 else part


def expanded(x):
    """Return the first of the numbers along an axis as often as there were numbers."""
    return x[:1].expand(x.shape) if x.ndim else x


def channels_last(x):
    """Return the numbers with the second axis the fastest in memory."""
    return x.movedim(1, -1).contiguous().movedim(-1, 1) if x.ndim > 2 else turned(x)


ARRANGED = {
    "in order": lambda x: x,
    "turned": turned,
    "spaced": spaced,
    "expanded": expanded,
    "channels last": channels_last,
}


def strides(x, torch):
    """Return the strides of tensors, 0 for axes along which there is nothing beside an element."""
    if isinstance(x, torch.Tensor):
        return [0 if n < 2 or not x.numel() else s for n, s in zip(x.shape, x.stride(), strict=True)]
    return [strides(y, torch) for y in x] if isinstance(x, (list, tuple)) else None


def run(torch, inputs, code, arrange, recorded=False):
    """Return the strides of an expression's result, of arguments that are arranged so in memory."""
    tensors = {}
    for name, x in inputs(torch).items():
        if isinstance(x, torch.Tensor):
            arranged = arrange(x.detach())
            tensors[name] = arranged.requires_grad_(x.requires_grad and recorded)
        else:
            tensors[name] = x
    names = {"torch": torch, "F": torch.nn.functional, "inf": float("inf"), "nan": float("nan")}
    try:
        return strides(eval(code, names, tensors), torch)
    except (RuntimeError, TypeError, NotImplementedError):
        return "raises"


def _inputs(torch):
    image = torch.arange(2 * 2 * 4 * 5, dtype=torch.float64).reshape(2, 2, 4, 5)
    A = torch.tensor([[2.0, 0.5, 0.1], [0.5, 3.0, 0.7], [0.1, 0.2, 1.0]], dtype=torch.float64)
    return {**operations.inputs(torch), "s": operations.inputs(torch)["S"], "img": image.sin(), "A": A}


def every(codes, inputs):
    """Return the case of each code: its strides for each arrangement."""
    return {
        code: lambda torch, recorded=False, code=code: {
            name: run(torch, inputs, code, arrange, recorded) for name, arrange in ARRANGED.items()
        }
        for code in codes
    }


CASES = {
    **every((c for c in operations.CASES if "empty" not in c), operations.inputs),
    **every(neural.CASES, neural.inputs),
    **every(MORE, _inputs),
}
