"""Optimizers and schedules: trajectories on a small problem, in double precision."""

STEPS = 100
OPTIMIZERS = """
optim.SGD(p, lr=0.01)
optim.SGD(p, lr=0.01, momentum=0.9)
optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.1)
optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True)
optim.SGD(p, lr=0.01, weight_decay=0.1)
optim.SGD(p, lr=-0.01 + 0.02, maximize=True)
optim.Adam(p)
optim.Adam(p, lr=0.05)
optim.Adam(p, lr=0.05, betas=(0.8, 0.9), eps=1e-4)
optim.Adam(p, lr=0.05, weight_decay=0.1)
optim.Adam(p, lr=0.05, amsgrad=True)
optim.AdamW(p, lr=0.05)
optim.AdamW(p, lr=0.05, weight_decay=0.2, amsgrad=True)
optim.RMSprop(p, lr=0.02)
optim.RMSprop(p, lr=0.02, alpha=0.9, momentum=0.5)
optim.RMSprop(p, lr=0.02, centered=True)
optim.RMSprop(p, lr=0.02, weight_decay=0.1)
optim.Adagrad(p, lr=0.1)
optim.Adagrad(p, lr=0.1, lr_decay=0.01, weight_decay=0.1, initial_accumulator_value=0.5)
optim.Adadelta(p)
optim.Adadelta(p, lr=0.5, rho=0.8, weight_decay=0.1)
optim.Adamax(p, lr=0.05)
optim.NAdam(p, lr=0.05)
optim.NAdam(p, lr=0.05, weight_decay=0.1, momentum_decay=0.01)
optim.ASGD(p, lr=0.01)
optim.Rprop(p, lr=0.01)
optim.LBFGS(p, lr=0.5, max_iter=3)
optim.LBFGS(p, line_search_fn='strong_wolfe', max_iter=5)
optim.SGD([{'params': p[:1]}, {'params': p[1:], 'lr': 0.001, 'momentum': 0.5}], lr=0.01)
""".strip().splitlines()

SCHEDULES = """
S.StepLR(o, step_size=30)
S.StepLR(o, step_size=7, gamma=0.5)
S.MultiStepLR(o, milestones=[10, 50], gamma=0.3)
S.ExponentialLR(o, gamma=0.97)
S.CosineAnnealingLR(o, T_max=50)
S.CosineAnnealingLR(o, T_max=30, eta_min=0.01)
S.LambdaLR(o, lr_lambda=lambda epoch: 0.95 ** epoch)
S.MultiplicativeLR(o, lr_lambda=lambda epoch: 0.98)
S.LinearLR(o, start_factor=0.5, total_iters=20)
S.ConstantLR(o, factor=0.3, total_iters=10)
S.PolynomialLR(o, total_iters=40, power=2.0)
S.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2)
S.OneCycleLR(o, max_lr=0.5, total_steps=120)
S.OneCycleLR(o, max_lr=0.5, total_steps=120, anneal_strategy='linear', cycle_momentum=False)
S.SequentialLR(o, [S.ConstantLR(o, factor=0.1, total_iters=5), S.ExponentialLR(o, gamma=0.9)], milestones=[5])
S.ReduceLROnPlateau(o)
S.ReduceLROnPlateau(o, mode='max', factor=0.5, patience=3, cooldown=2, min_lr=0.01)
S.ReduceLROnPlateau(o, threshold_mode='abs', threshold=0.1, patience=2)
""".strip().splitlines()


def problem(torch):
    """Two parameters, and a loss that is neither convex nor the same in all directions."""
    w = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.1, -0.2], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8], [-1.2, 0.4, 0.9]], dtype=torch.float64)
    y = torch.tensor([[1.0, 0.0], [0.5, -0.5], [0.2, 0.9]], dtype=torch.float64)

    def loss():
        return ((torch.tanh(x @ w.t() + b) - y) ** 2).sum() + 0.05 * (w**2).sum()

    return [w, b], loss


def trajectory(code):
    def case(torch):
        params, loss = problem(torch)
        optimizer = eval(code, {"optim": torch.optim, "p": params})
        seen = []

        def closure():
            optimizer.zero_grad()
            value = loss()
            value.backward()
            return value

        for step in range(STEPS if "LBFGS" not in code else 15):
            value = optimizer.step(closure)
            if step % 10 == 9 or step < 3:
                seen.append(value.item())
        return {"losses": seen, "params": [p.detach() for p in params], "text": repr(optimizer)}

    return case


def schedule(code):
    def case(torch):
        params, _ = problem(torch)
        optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9)
        scheduler = eval(code, {"S": torch.optim.lr_scheduler, "o": optimizer})
        rates = []
        for epoch in range(STEPS):
            optimizer.step()
            if "Plateau" in code:
                scheduler.step(2.0 / (1 + 0.1 * min(epoch, 20)) + 0.01 * (epoch % 3))
            else:
                scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
        return {"rates": rates, "last": scheduler.get_last_lr()}

    return case


def restored(torch):
    """An optimizer whose state is taken over by another goes on as the first would."""
    params, loss = problem(torch)
    first = torch.optim.Adam(params, lr=0.05)
    for _ in range(5):
        first.zero_grad()
        loss().backward()
        first.step()
    second = torch.optim.Adam(params, lr=0.5)
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        second.zero_grad()
        loss().backward()
        second.step()
    state = second.state_dict()
    return {
        "params": [p.detach() for p in params],
        "keys": sorted(state),
        "group": {k: v for k, v in state["param_groups"][0].items() if k in ("lr", "betas", "eps", "params")},
        "state": sorted(state["state"][0]),
        "step": float(state["state"][0]["step"]),
    }


def groups(torch):
    params, loss = problem(torch)
    optimizer = torch.optim.SGD(params[:1], lr=0.1)
    optimizer.add_param_group({"params": params[1:], "lr": 0.01})
    loss().backward()
    optimizer.step()
    optimizer.zero_grad()
    return [len(optimizer.param_groups), optimizer.param_groups[1]["lr"], params[0].grad, params[1].detach()]


CASES = {code: trajectory(code) for code in OPTIMIZERS}
CASES.update({code: schedule(code) for code in SCHEDULES})
CASES.update({"state is restored": restored, "parameter groups": groups})
for _code in (
    "torch.optim.SGD([], lr=0.1)",
    "torch.optim.SGD([torch.ones(1)], lr=-1.0)",
    "torch.optim.SGD(torch.ones(1), lr=0.1)",
    "torch.optim.SGD([1], lr=0.1)",
    "torch.optim.SGD([torch.ones(1, requires_grad=True) * 2], lr=0.1)",
    "torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1, nesterov=True)",
    "torch.optim.Adam([torch.ones(1, requires_grad=True)], betas=(1.0, 0.9))",
    "torch.optim.Adam([torch.ones(1, requires_grad=True)], eps=-1.0)",
    "torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1, momentum=-1.0)",
    "torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1, weight_decay=-1.0)",
):
    CASES[_code] = lambda torch, code=_code: repr(eval(code, {"torch": torch}))
