"""torch.nn.functional: values, nodes and gradients."""

from tests.torch.recorded import expression

EXPRESSIONS = """
F.relu(x)
F.relu6(x * 5)
F.leaky_relu(x)
F.leaky_relu(x, 0.2)
F.elu(x)
F.elu(x, 0.5)
F.selu(x)
F.celu(x, 2.0)
F.gelu(x)
F.gelu(x, approximate='tanh')
F.silu(x)
F.mish(x)
F.softplus(x)
F.softplus(x, beta=2)
F.softplus(x * 30)
F.softsign(x)
F.sigmoid(x)
F.tanh(x)
F.tanhshrink(x)
F.logsigmoid(x)
F.hardtanh(x)
F.hardtanh(x, -0.5, 0.7)
F.hardsigmoid(z * 3)
F.hardswish(x * 3)
F.hardshrink(x)
F.softshrink(x)
F.threshold(x, 0.1, 20)
F.prelu(x, torch.tensor([0.25], dtype=torch.float64))
F.glu(q)
F.glu(q, 1)
F.softmax(x, dim=1)
F.softmax(x)
F.softmin(x, dim=0)
F.log_softmax(x, dim=-1)
F.linear(x, W, c)
F.linear(x, W)
F.linear(q, Q, c)
F.linear(v, W, c)
F.bilinear(x, y, K, c)
F.embedding(n, E)
F.embedding(n, E, padding_idx=1)
F.embedding(n, E, scale_grad_by_freq=True)
F.embedding(torch.tensor([0, 1, 0, 0]), E, 1, scale_grad_by_freq=True)
F.embedding(n, E.detach().clone(), max_norm=0.5)
F.embedding(n, E * 3, None, 1.0, 1.0)
F.embedding(n, E, padding_idx=40)
F.one_hot(n)
F.one_hot(n, 5)
F.pad(x, (1, 2))
F.pad(x, (1, 0, 0, 2), value=3.0)
F.pad(x, (-1, 0))
F.pad(s, (1, 2), mode='reflect')
F.pad(s, (1, 2), mode='replicate')
F.pad(s, (1, 2), mode='circular') * 1
F.dropout(x, 0.5, training=False)
F.normalize(x)
F.normalize(x, p=1.0, dim=0)
F.scaled_dot_product_attention(s, s + 1, s * 2) * 1
F.scaled_dot_product_attention(s, s + 1, s * 2, is_causal=True) * 1
F.mse_loss(x, y)
F.mse_loss(x, y, reduction='sum')
F.mse_loss(x, y, reduction='none')
F.l1_loss(x, y)
F.l1_loss(x, y, reduction='none')
F.smooth_l1_loss(x, y)
F.smooth_l1_loss(x, y, beta=0.5, reduction='sum')
F.huber_loss(x, y, delta=0.7)
F.cross_entropy(x, k)
F.cross_entropy(x, k, reduction='sum')
F.cross_entropy(x, k, reduction='none')
F.cross_entropy(x, k, weight=h)
F.cross_entropy(x, k, label_smoothing=0.1)
F.cross_entropy(x, k, weight=h, label_smoothing=0.1)
F.cross_entropy(x, k, ignore_index=2)
F.cross_entropy(x, k, ignore_index=2, label_smoothing=0.2, weight=h)
F.cross_entropy(x, F.softmax(y, 1)) * 1
F.cross_entropy(x, F.softmax(y, 1), reduction='sum') * 1
F.cross_entropy(x[0], k[0])
F.cross_entropy(m, torch.tensor([[0, 1], [1, 0]]))
F.nll_loss(F.log_softmax(x, 1), k)
F.nll_loss(F.log_softmax(x, 1), k, weight=h, reduction='sum')
F.nll_loss(F.log_softmax(m, 1), torch.tensor([[0, 1], [1, 0]]))
F.binary_cross_entropy(u, t)
F.binary_cross_entropy(u, t, reduction='none')
F.binary_cross_entropy(u, t, weight=h)
F.binary_cross_entropy_with_logits(x, t)
F.binary_cross_entropy_with_logits(x, t, reduction='sum', pos_weight=h)
F.binary_cross_entropy_with_logits(x, t, weight=h)
F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction='batchmean')
F.kl_div(F.log_softmax(x, 1), F.log_softmax(y, 1), reduction='sum', log_target=True)
F.poisson_nll_loss(x, t * 3)
F.poisson_nll_loss(u, t * 3, log_input=False, full=True)
F.gaussian_nll_loss(x, y, u)
F.gaussian_nll_loss(x, y, u, full=True, reduction='sum')
F.soft_margin_loss(x, t * 2 - 1)
F.hinge_embedding_loss(x, t * 2 - 1)
F.margin_ranking_loss(x, y, t * 2 - 1, margin=0.1)
F.cosine_similarity(x, y)
F.cosine_similarity(x, y, dim=0)
F.cosine_embedding_loss(x, y, torch.tensor([1, -1]))
F.pairwise_distance(x, y) * 1
F.triplet_margin_loss(x, y, u)
F.triplet_margin_loss(x, y, u, swap=True, p=1)
F.layer_norm(x, (3,))
F.layer_norm(x, (3,), h, v)
F.layer_norm(x, (2, 3))
F.rms_norm(x, (3,)) * 1
F.rms_norm(x, (3,), v, 1e-5) * 1
F.batch_norm(x, None, None, training=True)
F.batch_norm(x, torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64), h, v, training=False)
F.batch_norm(x, torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64), v, h, training=True)
F.batch_norm(img, None, None, training=True)
F.group_norm(img, 2)
F.group_norm(img, 1, v[:2], h[:2])
F.instance_norm(img)
F.instance_norm(img, torch.zeros(2, dtype=img.dtype), torch.ones(2, dtype=img.dtype), use_input_stats=False)
F.instance_norm(x)
F.conv1d(s, K1)
F.conv1d(s, K1, c, stride=2, padding=1)
F.conv1d(s, K1, dilation=2, padding=2)
F.conv1d(s, K1, padding='same')
F.conv1d(s[0], K1)
F.conv2d(img, K2)
F.conv2d(img, K2, c, padding=1)
F.conv2d(img, K2, stride=2)
F.conv2d(img, K2, stride=(1, 2), padding=(0, 1))
F.conv2d(img, K3, groups=2)
F.conv2d(img, K2, padding='valid')
F.conv_transpose1d(s, K1)
F.conv_transpose1d(s, K1, stride=2, padding=1, output_padding=1)
F.conv_transpose2d(img, K2)
F.conv_transpose2d(img, K2, stride=2)
F.unfold(img, 2)
F.max_pool1d(s, 2)
F.max_pool2d(img, 2)
F.max_pool2d(img, 2, stride=1)
F.max_pool2d(img, 3, padding=1, stride=1)
F.max_pool2d(img, 2, return_indices=True)
F.avg_pool1d(s, 2)
F.avg_pool2d(img, 2)
F.avg_pool2d(img, 3, stride=1, padding=1)
F.avg_pool2d(img, 3, stride=1, padding=1, count_include_pad=False)
F.adaptive_avg_pool1d(s, 2)
F.adaptive_avg_pool2d(img, 1)
F.adaptive_avg_pool2d(img, (2, 1))
F.adaptive_max_pool2d(img, 2)
F.interpolate(img, scale_factor=2)
F.interpolate(img, size=(6, 6), mode='nearest')
F.interpolate(img, scale_factor=1.3)
F.interpolate(img, scale_factor=1.3, recompute_scale_factor=True)
F.interpolate(img, scale_factor=(0.7, 2.4))
F.interpolate(img, scale_factor=2, align_corners=True)
F.interpolate(img, scale_factor=2, antialias=True)
F.interpolate(img, size=3, recompute_scale_factor=True)
F.mse_loss(z, z * 2)
F.cross_entropy(z, k)
F.softmax(torch.tensor([1000.0, 0.0]), 0)
F.relu(torch.tensor([nan, -1.0, 0.0]))
""".strip().splitlines()


def inputs(torch):
    def leaf(values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    def numbers(*shape):
        count = 1
        for n in shape:
            count *= n
        values = [((37 * i + 11) % 23 - 11) / 7 + 0.01 * i for i in range(count)]
        return torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()

    return {
        "x": leaf([[0.5, -1.25, 2.0], [1.5, 0.75, -0.3]]),
        "y": leaf([[1.5, 0.8, -0.6], [0.4, -2.0, 1.1]]),
        "z": torch.tensor([[0.5, -1.25, 2.0], [1.5, 0.75, -0.3]], requires_grad=True),
        "u": leaf([[0.5, 0.25, 0.9], [0.15, 0.75, 0.3]]),
        "t": torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=torch.float64),
        "v": leaf([0.7, -1.1, 0.4]),
        "h": torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64),
        "k": torch.tensor([2, 0]),
        "n": torch.tensor([[0, 2, 1], [1, 1, 3]]),
        "q": numbers(2, 2, 4),
        "s": numbers(2, 2, 5),
        "m": numbers(2, 2, 2),
        "W": numbers(2, 3),
        "Q": numbers(2, 4),
        "c": leaf([0.1, -0.2]),
        "K": numbers(2, 3, 3),
        "E": numbers(4, 3),
        "K1": numbers(2, 2, 3),
        "img": numbers(2, 2, 4, 4),
        "K2": numbers(2, 2, 3, 3),
        "K3": numbers(2, 1, 2, 2),
    }


CASES = {code: expression(code, inputs) for code in EXPRESSIONS}
