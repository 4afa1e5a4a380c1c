"""Functions of tensors: values, dtypes, nodes and gradients."""

from tests.torch.recorded import expression

UNARY = (
    "abs absolute acos acosh angle arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil conj cos "
    "cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac isfinite isinf isnan lgamma log log10 log1p "
    "log2 logit nan_to_num neg negative rad2deg real reciprocal relu round rsqrt sigmoid sign signbit sin sinc "
    "sinh sqrt square tan tanh trunc logical_not bitwise_not is_complex is_floating_point clone flatten ravel numel "
    "t trace det logdet"
).split()
BINARY = (
    "add sub mul div multiply divide subtract true_divide floor_divide remainder fmod pow rsub eq ne lt le gt ge "
    "logical_and logical_or logical_xor maximum minimum fmax fmin atan2 arctan2 hypot logaddexp logaddexp2 copysign "
    "heaviside xlogy float_power isclose"
).split()
REDUCTIONS = "sum mean prod std var amax amin max min argmax argmin all any median logsumexp nansum nanmean norm count_nonzero".split()
ALONG = "cumsum cumprod cummax cummin logcumsumexp softmax log_softmax mode sort argsort msort unbind".split()

# In each: x, y float64 leaves of shape (2, 3); p positive; u in (0, 1); v, w vectors; A, B square matrices.
OTHERS = """
torch.acosh(p + 1)
torch.clamp(x, -0.5, 0.8)
torch.clamp(x, min=0)
torch.clamp(x, max=0.25)
torch.clamp(i, min=2)
torch.clamp(i, min=1.5)
x.clamp(min=y)
torch.clip(x, 0, 1)
torch.clamp_min(x, 0.1)
torch.clamp_max(x, 0.1)
torch.round(x * 100, decimals=1)
torch.add(x, y, alpha=2)
torch.sub(x, y, alpha=3)
torch.add(i, i, alpha=2)
torch.div(x, y, rounding_mode='floor')
torch.div(x, y, rounding_mode='trunc')
torch.div(i, 2, rounding_mode='trunc')
torch.div(i, 2, rounding_mode='floor')
torch.div(i, 2)
x + 1
1 + x
x - 1
1 - x
x * 2
2 * x
x / 2
2 / x
x ** 2
x ** 3
x ** 2.0
x ** 1
x ** 0
p ** 0.5
p ** -1
2 ** x
x // 0.3
x % 0.7
-x
+x
abs(x)
i // 2
i % 2
-i // 2
i ** 2
i / 2
i + 1.5
i * True
b + 1
b & ~b
b | b
b ^ b
~i
i & 1
i | 1
i ^ 3
x == y
x > 0
x >= y
x < 0
x <= y
x != y
torch.lerp(x, y, 0.3)
torch.lerp(x, y, u)
torch.addcmul(x, y, u, value=2)
torch.addcdiv(x, y, p, value=0.5)
torch.nan_to_num(x.detach() / 0, nan=1.0, posinf=2.0, neginf=-3.0)
torch.where(x > 0, x, y)
torch.where(x > 0, x, 0.0)
torch.where(x > 0, 1.0, y)
torch.where(x > 0, 1, 0)
torch.where(x > 0, 1.0, 0.0)
torch.where(x > 0)
x.where(x > 0, y)
torch.matmul(x, y.T)
torch.matmul(v, w)
torch.matmul(x, v)
torch.matmul(r, x)
torch.matmul(S, v)
torch.matmul(S, S.transpose(1, 2))
torch.matmul(S, x.T)
torch.matmul(x, S.transpose(1, 2))
x @ y.t()
torch.mm(x, y.T)
torch.mv(x, v)
torch.dot(v, w)
torch.vdot(v, w)
torch.inner(x, y)
torch.outer(v, w)
torch.ger(v, w)
torch.bmm(S, S.mT)
torch.addmm(A, A, B)
torch.addmm(v, A, B, beta=2, alpha=0.5)
torch.addmv(v, A, w)
torch.addr(A, v, w)
torch.addbmm(torch.zeros(2, 2, dtype=torch.float64), S, S.mT)
torch.baddbmm(torch.ones(2, 2, 2, dtype=torch.float64), S, S.mT)
torch.chain_matmul(A, B, A)
torch.cross(v, w)
torch.cross(x, y, dim=1)
torch.einsum('ij,kj->ik', x, y)
torch.einsum('bij,bkj->bik', S, S)
torch.einsum('ii', A) * 1
torch.einsum('ii->i', A) * 1
torch.einsum('i,j', v, w) * 1
torch.einsum('i,i->', v, w)
torch.kron(x, y)
torch.tensordot(x, y, dims=([1], [1]))
torch.tensordot(S, x, dims=1) if False else torch.tensordot(S, x.T, dims=1)
torch.matrix_power(A, 3)
torch.trace(A)
torch.cat([x, y])
torch.cat([x, y], dim=1)
torch.cat((x, i), dim=-1)
torch.stack([x, y])
torch.stack([x, y], dim=-1)
torch.hstack([x, y])
torch.vstack([x, y])
torch.dstack([x, y])
torch.column_stack([v, w])
torch.block_diag(x, A)
torch.cartesian_prod(v, w)
torch.meshgrid(v, w, indexing='ij')
[g * 1 for g in torch.meshgrid(v, w, indexing='xy')]
torch.concat([v, w])
x.view(3, 2)
x.view(-1)
x.view_as(y)
x.reshape(3, -1)
x.T.reshape(6)
x.reshape_as(y)
torch.reshape(x, (6,))
torch.flatten(S, 1)
torch.flatten(S, 0, 1)
torch.unflatten(v, 0, (3, 1))
x.T
x.mT
x.t()
S.transpose(0, 2)
torch.transpose(x, 0, 1)
S.permute(2, 0, 1)
torch.permute(S, (1, 0, 2))
torch.movedim(S, 0, 2)
torch.moveaxis(S, (0, 1), (1, 0))
torch.swapaxes(S, 0, 1)
torch.adjoint(x)
x.unsqueeze(0)
x.unsqueeze(-1)
x.unsqueeze(1).squeeze(1)
x.unsqueeze(1).squeeze()
torch.squeeze(x.unsqueeze(0).unsqueeze(0), (0, 1))
v.expand(2, 3)
v.expand(2, -1)
v.expand_as(x)
torch.broadcast_to(v, (2, 3))
torch.broadcast_tensors(v, x)
x.repeat(2, 1)
v.repeat(2, 2)
x.repeat(1, 2, 1)
torch.tile(x, (2,))
torch.tile(v, (2, 2))
torch.repeat_interleave(x, 2)
torch.repeat_interleave(x, 2, dim=1)
torch.repeat_interleave(v, torch.tensor([1, 0, 2]))
x.contiguous()
x.T.contiguous()
torch.flip(x, [0, 1])
torch.fliplr(x)
torch.flipud(x)
torch.roll(x, 1)
torch.roll(x, 1, 0)
torch.roll(x, (1, 2), (0, 1))
torch.rot90(x)
torch.rot90(x, 2, (1, 0))
torch.tril(A)
torch.triu(A, 1)
A.tril(-1)
torch.diag(v)
torch.diag(v, 1)
torch.diag(A)
torch.diag(A, -1)
torch.diagonal(A)
torch.diagonal(S, 0, 1, 2)
torch.diag_embed(x)
torch.diag_embed(x, offset=1)
torch.chunk(v, 2)
torch.split(x, 2, dim=1)
torch.split(v, [1, 2])
x.split(1)
torch.tensor_split(v, 2)
torch.tensor_split(v, (1,))
torch.select(x, 1, 2)
x.select(0, -1)
x.narrow(1, 1, 2)
torch.narrow(v, 0, 0, 2)
x[0]
x[-1, 1]
x[:, 1]
x[..., 1:]
x[:, ::2]
x[None]
x[0, None]
x[:, [0, 2]]
x[[0, 1], [1, 2]]
x[x > 0]
x[torch.tensor([1, 0, 1])]
x[torch.tensor([True, False])]
x[torch.tensor(1)]
x[...]
x[:]
x[1:1]
S[:, 0, torch.tensor([0, 2])]
S[0, :, 1]
S[0, :, torch.tensor([0, 2])]
S[torch.tensor([0, 1, 0]), :, 2]
S[None, 1, [0, 1, 1]]
S[[0, 1], None, [0, 0]]
S[True, [1, 0]]
S[:, False]
S[1, [True, False], :]
S[[0, 1], ..., [0, 2]]
torch.gather(x, 1, torch.tensor([[0, 2], [1, 1]]))
torch.take_along_dim(x, torch.tensor([[2], [0]]), 1)
torch.index_select(x, 1, torch.tensor([2, 0]))
torch.masked_select(x, x > 0)
torch.take(x, torch.tensor([0, 4, -1]))
torch.nonzero(i)
torch.argwhere(i)
i.nonzero(as_tuple=True)
x.masked_fill(x > 0, 9.0)
x.masked_fill(x > 0, torch.tensor(9.0, dtype=torch.float64))
x.masked_scatter(x > 0, y)
torch.scatter(x, 1, torch.tensor([[0, 2, 1], [1, 0, 2]]), y)
x.scatter(1, torch.tensor([[0], [2]]), 5.0)
x.scatter_add(1, torch.tensor([[0, 0, 1], [1, 0, 1]]), y)
x.index_add(1, torch.tensor([0, 2]), y[:, :2], alpha=2)
x.index_copy(1, torch.tensor([0, 2]), y[:, :2])
x.index_fill(1, torch.tensor([1]), 7.0)
x.index_put((torch.tensor([0, 1]), torch.tensor([2, 0])), v[:2])
x.index_put((torch.tensor([0, 0]), torch.tensor([2, 2])), v[:2], accumulate=True)
torch.sum(x, 0)
torch.sum(x, (0, 1))
torch.sum(x, 1, keepdim=True)
torch.sum(x, dim=-1)
torch.sum(i)
torch.sum(b)
torch.sum(f)
torch.sum(f, dtype=torch.float64)
torch.mean(x, 1)
torch.mean(x, (0, 1), keepdim=True)
torch.mean(i, dtype=torch.float32)
torch.prod(x, 0)
torch.prod(i)
torch.var(x, 1)
torch.var(x, unbiased=False)
torch.var(x, dim=1, correction=0)
torch.std(x, 1, keepdim=True)
torch.std(x, correction=0)
torch.var_mean(x, 1)
torch.std_mean(x)
torch.max(x, 1)
torch.max(x, 1, keepdim=True)
torch.min(x, 0)
torch.max(x, y)
torch.min(x, y)
torch.max(torch.ones(3, dtype=torch.float64) * v * 0)
torch.amax(x, 1)
torch.amin(x, (0, 1))
torch.amax(x * 0, 1)
torch.aminmax(x)
torch.aminmax(x, dim=1)
torch.argmax(x, 1)
torch.argmin(x, 0, keepdim=True)
torch.all(b, 0)
torch.any(b, 1)
torch.median(x, 1)
torch.median(v)
torch.quantile(x, 0.3)
torch.quantile(x, torch.tensor([0.25, 0.75], dtype=torch.float64), dim=1)
torch.logsumexp(x, 1)
torch.logsumexp(x, (0, 1))
torch.norm(x)
torch.norm(x, dim=1)
torch.norm(x, p=1)
torch.norm(x, 3, 1)
torch.norm(x, float('inf'))
x.norm(2, 1, True)
torch.cumsum(i, 0)
torch.cumsum(b, 0)
torch.cumsum(f, 0, dtype=torch.float64)
torch.diff(x)
torch.diff(x, dim=0)
torch.softmax(f, 0, dtype=torch.float64)
torch.softmax(x, 0)
torch.equal(x, x.clone())
torch.allclose(x, x + 1e-9)
torch.sort(x, 1, descending=True)
torch.sort(v)
torch.argsort(x, dim=0, descending=True)
torch.topk(x, 2)
torch.topk(x, 2, largest=False)
torch.topk(v, 1, 0)
torch.kthvalue(v, 2)
torch.kthvalue(x, 1, 1, True)
torch.unique(i)
torch.unique(i, return_inverse=True, return_counts=True)
torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
torch.bincount(torch.tensor([1, 2, 2]))
torch.bincount(torch.tensor([1, 2, 2]), minlength=5)
torch.histc(x.detach(), 4, -1, 1)
torch.searchsorted(torch.tensor([1., 2., 3.]), torch.tensor([0.5, 2., 4.]))
torch.searchsorted(torch.tensor([1., 2., 3.]), torch.tensor([0.5, 2., 4.]), right=True)
torch.bucketize(torch.tensor([0.5, 2., 4.]), torch.tensor([1., 2., 3.]))
torch.isin(i, torch.tensor([1, 2]))
torch.complex(x, y)
torch.view_as_real(torch.complex(x, y))
torch.complex(x, y).abs()
torch.complex(x, y).conj() * torch.complex(x, y)
torch.complex(x, y).real
torch.complex(x, y).imag
torch.exp(torch.complex(x, y))
torch.complex(x, y).angle()
x.to(torch.float32)
x.float()
x.double()
x.half()
x.int()
x.long()
x.bool()
x.type(torch.float32)
x.type_as(f)
x.to(f)
i.float()
x.type()
x.detach()
x.new_zeros(2)
x.new_ones((2, 2), dtype=torch.int64)
x.new_full((2,), 3)
x.new_tensor([1, 2])
torch.zeros_like(x)
torch.ones_like(i)
torch.full_like(x, 3)
torch.zeros(2, 3)
torch.ones((2,), dtype=torch.int32)
torch.full((2,), 3)
torch.full((2,), 3.0)
torch.full((2,), True)
torch.eye(2)
torch.eye(2, 3, dtype=torch.float64)
torch.arange(5)
torch.arange(1, 4)
torch.arange(1, 2, 0.25)
torch.arange(3.0)
torch.arange(5, 0, -2)
torch.linspace(0, 1, 5)
torch.logspace(0, 2, 3)
torch.tensor(3)
torch.tensor(3.5)
torch.tensor(True)
torch.tensor([1, 2.5])
torch.tensor([[1, 2], [3, 4]])
torch.tensor([])
torch.tensor([True, False])
torch.tensor(1 + 2j)
torch.tensor([1, 2], dtype=torch.float16)
torch.tensor([torch.tensor(1.), 2.])
torch.as_tensor([1, 2])
torch.asarray([1., 2.])
torch.tril_indices(3, 3)
torch.triu_indices(2, 3)
torch.vander(v.detach())
torch.vander(v.detach(), increasing=True)
torch.scalar_tensor(2)
torch.range(1, 3)
torch.is_tensor(x)
torch.numel(x)
x.size()
x.size(1)
x.dim()
x.ndim
x.shape
x.stride()
x.T.stride()
x.element_size()
x.nelement()
x.is_contiguous()
x.T.is_contiguous()
x.tolist()
v[0].item()
len(x)
x.is_floating_point()
x.is_leaf
x.storage_offset()
x[1].storage_offset()
torch.can_cast(torch.float64, torch.int32)
torch.is_nonzero(v[0])
torch.promote_types(torch.int32, torch.float32)
torch.result_type(i, 1.5)
torch.finfo(torch.float32).eps
torch.finfo(torch.float64).max
torch.iinfo(torch.int32).max
torch.Size([2, 3])
torch.Size([2, 3]).numel()
torch.Size([2, 3])[1:]
x.sigmoid().log()
(x * y).sum(0).prod()
torch.atleast_1d(v[0])
torch.atleast_2d(v)
x.view(torch.int64)
x.ravel()
x.addmm(A[:2, :2], x)
x.mul(y).add(1)
x.sub(1).div(2)
x.pow(2).sum().sqrt()
x.exp().log1p()
torch.square(x).mean()
x.softmax(dim=1)
x.log_softmax(dim=-1)
x.sum(0).cumsum(0)
x.matmul(v)
x.bool().any()
x.cpu()
x.flatten().dot(y.flatten())
x.unsqueeze(0).bmm(y.T.unsqueeze(0))
torch.rsub(x, 1)
x.minimum(y)
x.std(dim=0)
x.argsort()
torch.count_nonzero(i, dim=0)
torch.dot(i[0], i[1])
torch.mm(i, i.T)
x.index_select(0, torch.tensor([1]))
torch.logit(u, eps=0.1)
torch.nn.functional.relu(x)
torch.clone(x)
torch.concatenate([x, y], 0)
x.item() if x.numel() == 1 else x.numel()
x.relu()
x.erf()
x.fill_(1) if False else torch.full_like(x, 1.0)
""".strip().splitlines()


def inputs(torch):
    def leaf(values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    return {
        "x": leaf([[0.5, -1.25, 2.0], [1.5, 0.75, -0.3]]),
        "y": leaf([[1.5, 0.8, -0.6], [0.4, -2.0, 1.1]]),
        "p": leaf([[0.5, 1.25, 2.0], [1.5, 0.75, 3.3]]),
        "u": leaf([[0.5, 0.25, 0.9], [0.15, 0.75, 0.3]]),
        "v": leaf([0.7, -1.1, 0.4]),
        "w": leaf([1.3, 0.2, -0.9]),
        "r": leaf([0.6, -0.8]),
        "A": leaf([[2.0, 0.5, -0.3], [0.1, 1.5, 0.4], [-0.2, 0.3, 1.8]]),
        "B": leaf([[0.3, 0.9, 0.1], [1.1, -0.4, 0.6], [0.5, 0.2, -0.7]]),
        "S": leaf([[[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]], [[0.7, 0.8, -0.9], [1.0, 1.1, 1.2]]]),
        "f": torch.tensor([0.5, 1.5], dtype=torch.float32),
        "i": torch.tensor([[1, 2, 3], [4, 0, 2]]),
        "b": torch.tensor([[True, False, True], [False, False, True]]),
    }


SQUARE = {"trace", "det", "logdet"}
CASES = {}
for _name in UNARY:
    for _x in (
        ("A",)
        if _name in SQUARE
        else ("p + 1",)
        if "acosh" in _name or "arccosh" in _name
        else ("u", "i")
        if _name == "logit"
        else ("x", "u", "i", "b")
    ):
        CASES[f"torch.{_name}({_x})"] = expression(f"torch.{_name}({_x})", inputs)
for _name in BINARY:
    for _pair in ("x, y", "p, u", "i, 2", "i, i + 1", "x, v", "i, x"):
        CASES[f"torch.{_name}({_pair})"] = expression(f"torch.{_name}({_pair})", inputs)
for _name in REDUCTIONS:
    for _x in (
        ("x, 1", "x, dim=0, keepdim=True")
        if _name == "logsumexp"
        else ("x", "i", "b", "x, 1")
        if _name == "count_nonzero"
        else ("x", "i", "b", "x, 1", "x, dim=0, keepdim=True")
    ):
        CASES[f"torch.{_name}({_x})"] = expression(f"torch.{_name}({_x})", inputs)
for _name in ALONG:
    for _x in ("x, dim=0", "x, dim=1", "x, -1", "v, 0"):
        CASES[f"torch.{_name}({_x})"] = expression(f"torch.{_name}({_x})", inputs)
for _code in OTHERS:
    CASES[_code] = expression(_code, inputs)
