"""makemore, lecture notes set B: letters as vectors, one hidden layer, the letter that follows three."""

from __future__ import annotations

import itertools

import numpy as np

from . import tolerance
from .names import _each, _errors

NAMES = "emma olivia ava isabella sophia".split()
CONTEXT = 3
SEED = 2147483647


def _letters(torch):
    """Each letter of the names, and the full stop that ends them, after the three before it: X (32, 3), Y (32,)."""
    before, after = [], []
    for name in NAMES:
        context = [0] * CONTEXT
        for letter in [*name, "."]:
            number = 0 if letter == "." else ord(letter) - ord("a") + 1
            before.append(context)
            after.append(number)
            context = [*context[1:], number]
    return torch.tensor(before), torch.tensor(after)


def _parameters(torch):
    """C, W1, b1, W2, b2 of 27 letters → 3 × 2 → 100 tanh → 27, drawn in this order from one generator."""
    g = torch.Generator().manual_seed(SEED)
    C = torch.randn((27, 2), generator=g)
    W1 = torch.randn((6, 100), generator=g)
    b1 = torch.randn(100, generator=g)
    W2 = torch.randn((100, 27), generator=g)
    b2 = torch.randn(27, generator=g)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    return parameters


def _logits(torch, X, C, W1, b1, W2, b2):
    return torch.tanh(C[X].view(-1, 6) @ W1 + b1) @ W2 + b2


def _train(torch, F, X, Y, parameters, lr, steps):
    """The loss on all of X before each step, and after the last."""
    losses = []
    for step in range(steps + 1):
        loss = F.cross_entropy(_logits(torch, X, *parameters), Y)
        losses.append(loss.item())
        if step == steps:
            break
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data += -lr * p.grad
    return losses


# ---- the data and the forward pass -----------------------------------------------------------------------


def data_set(torch, nn, F, optim, data):
    X, Y = _letters(torch)
    return _each("""
        X
        Y
        X.shape, Y.shape, X.shape[0], X.dtype, Y.dtype
        X[5], Y[5], X[13, 2], X[-1], X[:2], Y[3:5]
        repr(Y[:8]), repr(X[:3]), repr(Y[0]), repr(Y)
    """, locals())  # fmt: skip


def letters_as_vectors(torch, nn, F, optim, data):
    """C[X] looks every letter up; the same as a one-hot row times C."""
    X, _ = _letters(torch)
    C = _parameters(torch)[0].detach()
    emb = C[X]
    shared = C[X]
    seen = shared.view(32, 6)
    shared[0, 1, 0] = 100.0
    return _each("""
        emb.shape, X[13, 2], emb[13, 2], C[1]
        C[5], C[[5, 6, 7]], C[torch.tensor([5, 6, 7, 7])]
        F.one_hot(torch.tensor(5), num_classes=27), F.one_hot(torch.tensor(5), num_classes=27).dtype
        F.one_hot(torch.tensor(5), num_classes=27).float() @ C
        emb.view(-1, 6)[13], emb.view(32, 6).shape, emb.view(emb.shape[0], -1).shape
        torch.cat([emb[:, 0, :], emb[:, 1, :], emb[:, 2, :]], 1).shape
        (torch.cat(torch.unbind(emb, 1), 1) == emb.view(32, 6)).all()
        seen[0]
        C[5, 0] == C[[5]][0, 0]
    """, locals())  # fmt: skip


def drawn_parameters(torch, nn, F, optim, data):
    """The generator's numbers, one tensor after the other."""
    parameters = _parameters(torch)
    g = torch.Generator()
    return _each("""
        sum(p.nelement() for p in parameters), [p.numel() for p in parameters], [p.shape for p in parameters]
        [p.sum() for p in parameters], [p.flatten()[-1] for p in parameters]
        [(p.is_leaf, p.requires_grad, p.grad, p.grad_fn, p.dtype) for p in parameters]
        parameters[0]
        g.manual_seed(2147483647) is g, g.initial_seed()
        torch.randint(0, 32, (40,), generator=g)
        torch.randperm(12, generator=g)
        torch.rand(3, generator=g)
        torch.normal(0.0, 1.0, (2, 2), generator=g)
    """, locals())  # fmt: skip


@tolerance(atol=1e-6)
def loss_in_three_steps(torch, nn, F, optim, data):
    """exp, divide by the sum, minus the mean log of the right one; and the same in one call."""
    X, Y = _letters(torch)
    C, W1, b1, W2, b2 = parameters = _parameters(torch)
    emb = C[X]
    joined = emb.view(-1, 6)
    product = joined @ W1
    before = product + b1
    h = torch.tanh(before)
    logits = h @ W2 + b2
    counts = logits.exp()
    total = counts.sum(1, keepdims=True)
    prob = counts / total
    right = prob[torch.arange(32), Y]
    log = right.log()
    mean = log.mean()
    loss = -mean
    fused = F.cross_entropy(logits, Y)
    found = _each("""
        loss.item(), fused.item(), repr(loss), repr(fused)
        [step.grad_fn for step in (emb, joined, product, before, h, logits, counts, total, prob, right, log, mean)]
        [step.shape for step in (emb, joined, product, before, h, logits, counts, total, prob, right, log, mean)]
        torch.allclose(prob.sum(1), torch.ones(32)), prob.sum(1).shape, prob.sum(1, keepdim=True).shape
        prob[0], log, logits[0]
    """, locals())  # fmt: skip
    for name, each in dict(steps=loss, fused=fused).items():
        for p in parameters:
            p.grad = None
        each.backward(retain_graph=True)
        found[f"gradients of {name}"] = [[p.grad.norm(), p.grad.abs().max(), p.grad.flatten()[:5]] for p in parameters]
    return found


def walk_of_the_loss(torch, nn, F, optim, data):
    """From the loss to the leaves by next_functions."""
    X, Y = _letters(torch)
    parameters = _parameters(torch)
    prob = _logits(torch, X, *parameters).exp()
    loss = -(prob / prob.sum(1, keepdim=True))[torch.arange(32), Y].log().mean()
    fused = F.cross_entropy(_logits(torch, X, *parameters), Y)

    def tree(function):
        return function and [function, [tree(parent) for parent, _ in function.next_functions]]

    def leaves(function):
        if not function.next_functions:
            return [next(i for i, p in enumerate(parameters) if p is function.variable)]
        return [leaf for parent, _ in function.next_functions if parent for leaf in leaves(parent)]

    return {
        "steps": tree(loss.grad_fn),
        "fused": fused.grad_fn,
        "leaves": [leaves(loss.grad_fn), leaves(fused.grad_fn)],
    }


def p_minus_y(torch, nn, F, optim, data):
    """The gradient of the fused loss by the logits is (softmax − one-hot) / rows."""
    X, Y = _letters(torch)
    logits = _logits(torch, X, *_parameters(torch))
    logits.retain_grad()
    F.cross_entropy(logits, Y).backward()
    expected = (F.softmax(logits, dim=1) - F.one_hot(Y, 27).float()) / 32
    return _each("""
        torch.allclose(logits.grad, expected, atol=1e-7)
        logits.grad[0]
        logits.grad.sum(1).abs().max() < 1e-6
    """, locals())  # fmt: skip


# ---- training --------------------------------------------------------------------------------------------


def one_batch_learnt_by_heart(torch, nn, F, optim, data):
    X, Y = _letters(torch)
    parameters = _parameters(torch)
    losses = _train(torch, F, X, Y, parameters, 0.1, 100)
    best = _logits(torch, X, *parameters).max(1)
    return _each("""
        losses[:5], losses[10::10], losses[99]
        best.values, best.indices, (best.indices == Y).sum().item()
        [(p.is_leaf, p.requires_grad, p.grad_fn) for p in parameters]
    """, locals())  # fmt: skip


def search_for_a_learning_rate(torch, nn, F, optim, data):
    """The exponents go from −3 to 0, each minibatch has its own rate."""
    X, Y = _letters(torch)
    parameters = _parameters(torch)
    lre = torch.linspace(-3, 0, 1000)
    lrs = 10**lre
    g = torch.Generator().manual_seed(7)
    tried, exponents, losses = [], [], []
    for i in range(0, 1000, 25):
        ix = torch.randint(0, X.shape[0], (16,), generator=g)
        loss = F.cross_entropy(_logits(torch, X[ix], *parameters), Y[ix])
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = lrs[i]
        for p in parameters:
            p.data += -lr * p.grad
        tried.append(lr)
        exponents.append(lre[i])
        losses.append(loss.item())
    plotted = np.array([np.asarray(e) for e in exponents])
    return _each("""
        losses
        tried, [float(lr) for lr in tried[:5]], tried[0].item()
        plotted, str(plotted.dtype), plotted.shape
        lre.dtype, lrs.dtype, lr.dtype, lr.shape, lrs.grad_fn, (-lr * parameters[0]).grad_fn
        lre[0], lre[499], lre[500], lre[-1], lrs[0], lrs[499], lrs[-1]
        repr(lr), repr(lrs[:4]), repr(lre[-3:]), repr(-lr)
    """, locals())  # fmt: skip


def decay_of_the_learning_rate(torch, nn, F, optim, data):
    X, Y = _letters(torch)
    parameters = _parameters(torch)
    high = _train(torch, F, X, Y, parameters, 0.1, 60)
    low = _train(torch, F, X, Y, parameters, 0.01, 20)
    return {"at 0.1": high[::10], "then at 0.01": low[::5]}


@tolerance(atol=1e-6)
def gradient_of_the_embedding(torch, nn, F, optim, data):
    """A letter that stands in a batch more than once has the sum of its uses' gradients, one that does not has 0."""
    X, Y = _letters(torch)
    C, W1, b1, W2, b2 = _parameters(torch)
    F.cross_entropy(_logits(torch, X, C, W1, b1, W2, b2), Y).backward()
    by_product = C.detach().clone().requires_grad_()
    emb = F.one_hot(X, 27).float() @ by_product
    F.cross_entropy(torch.tanh(emb.view(-1, 6) @ W1 + b1) @ W2 + b2, Y).backward()
    layer = nn.Embedding(27, 2)
    layer.weight.data.copy_(C.data)
    F.cross_entropy(torch.tanh(layer(X).view(-1, 6) @ W1 + b1) @ W2 + b2, Y).backward()
    counts = torch.zeros(3, 2, requires_grad=True)
    counts[torch.tensor([[0, 2, 0], [0, 0, 2]])].sum().backward()
    return _each("""
        C.grad
        [C.grad[i].abs().sum() for i in range(27) if not (i == X).any()]
        counts.grad
        torch.allclose(by_product.grad, C.grad, atol=1e-6), torch.allclose(layer.weight.grad, C.grad, atol=1e-6)
        layer(X).grad_fn, layer(X).shape
    """, locals())  # fmt: skip


def sampled_names(torch, nn, F, optim, data):
    """Names drawn letter by letter from the trained net."""
    X, Y = _letters(torch)
    parameters = _parameters(torch)
    _train(torch, F, X, Y, parameters, 0.1, 100)
    g = torch.Generator().manual_seed(SEED + 10)
    names = []
    for _ in range(8):
        name, context = "", [0] * CONTEXT
        while len(name) < 20:
            probs = F.softmax(_logits(torch, torch.tensor([context]), *parameters), dim=1)
            number = torch.multinomial(probs, num_samples=1, generator=g).item()
            if number == 0:
                break
            name += chr(ord("a") + number - 1)
            context = [*context[1:], number]
        names.append(name)
    return {"names": names, "probabilities of the last letter": probs}


# ---- the pairs of letters, with which the lectures begin ---------------------------------------------------


def pairs_of_letters(torch, nn, F, optim, data):
    """Counts, rows that sum to 1, names drawn from them, the likelihood of a name."""
    N = torch.zeros((27, 27), dtype=torch.int32)
    for name in NAMES:
        numbers = [0, *(ord(letter) - ord("a") + 1 for letter in name), 0]
        for first, second in itertools.pairwise(numbers):
            N[first, second] += 1
    P = (N + 1).float()
    P /= P.sum(1, keepdims=True)
    g = torch.Generator().manual_seed(SEED)
    drawn = []
    for _ in range(5):
        number, name = 0, []
        while len(name) < 30:
            number = torch.multinomial(P[number], num_samples=1, replacement=True, generator=g).item()
            if number == 0:
                break
            name.append(number)
        drawn.append(name)
    likelihood = 0.0
    for first, second in itertools.pairwise([0, 1, 22, 1, 0]):
        likelihood += torch.log(P[first, second])
    return _each("""
        N[[0, 1, 13]], N.sum(), N.dtype, N.sum().dtype, (N + 1).dtype, P.dtype
        P[0], P[0].sum(), P.sum(1).shape, P.sum(1, keepdim=True).shape, P.sum(0, keepdim=True).shape
        drawn
        N[1, 22].item(), repr(N[1, 22]), likelihood, repr(likelihood), -likelihood / 4
    """, locals())  # fmt: skip


def letters_drawn_many_at_once(torch, nn, F, optim, data):
    g = torch.Generator().manual_seed(SEED)
    p = torch.rand(3, generator=g)
    p = p / p.sum()
    return _each("""
        p
        torch.multinomial(p, num_samples=100, replacement=True, generator=g)
        torch.multinomial(p, 3, generator=g)
        torch.multinomial(torch.stack([p, 1 - p]), 2, generator=g)
    """, locals()) | _errors("""
        torch.multinomial(p, 4)     # cannot
    """, locals())  # fmt: skip


# ---- behaviour -------------------------------------------------------------------------------------------


def the_fused_loss_is_stable(torch, nn, F, optim, data):
    """Three steps give nan or inf where the fused loss does not."""
    found = {}
    for right in (0, 1):
        logits = torch.tensor([[100.0, -100.0]], requires_grad=True)
        Y = torch.tensor([right])
        counts = logits.exp()
        prob = counts / counts.sum(1, keepdim=True)
        loss = -prob[torch.arange(1), Y].log().mean()
        fused = F.cross_entropy(logits, Y)
        fused.backward()
        found[f"class {right}"] = [loss.item(), fused.item(), logits.grad, repr(loss), repr(prob)]
    logits = torch.tensor([-5.0, -3.0, 0.0, 100.0])
    shifted = (logits - logits.max()).exp()
    return found | _each("""
        logits.exp(), shifted / shifted.sum(), F.softmax(logits, dim=0)
        torch.allclose(F.softmax(torch.tensor([1.0, 2.0]), 0), F.softmax(torch.tensor([11.0, 12.0]), 0))
    """, locals())  # fmt: skip


def data_of_a_leaf(torch, nn, F, optim, data):
    """`.data` changes the parameter in place and no graph hears of it; the parameter is a leaf before and after."""
    p = torch.tensor([1.0, -2.0])
    found = {"plain": [p.requires_grad, p.is_leaf, p.grad]}
    p.requires_grad = True
    (p**2).sum().backward()
    alias = p.data
    p.data += -0.1 * p.grad
    found |= _each("""
        p.grad
        p.requires_grad, p.is_leaf, p.grad_fn, p.data.requires_grad, p.grad.requires_grad, p.data.is_leaf
        alias, p, repr(p), repr(p.data)
    """, locals())  # fmt: skip
    p.data = torch.tensor([5.0, 6.0])
    found["another array"] = [p, alias, p.is_leaf]
    starts = {"from None": None, "from zeros": torch.zeros(2), "on top of another": torch.tensor([0.5, 0.25])}
    for name, gradient in starts.items():
        p.grad = gradient
        (p * 3).sum().backward()
        (p * 3).sum().backward()
        found[name] = [p.grad, gradient]
    return found | _errors("""
        p += 1                                      # a leaf Variable that requires grad is being used in an in-place
        p.grad = torch.zeros(3)                     # gradient
        p.grad = 1.0                                # Tensor
        torch.tensor([1]).requires_grad = True      # floating point
        (p * 2).requires_grad = False               # leaf
    """, locals())  # fmt: skip


def shapes_that_do_not_fit(torch, nn, F, optim, data):
    X, Y = _letters(torch)
    C, W1, b1, _, _ = _parameters(torch)
    emb = C[X]
    return _errors("""
        emb.view(-1, 5)                     # shape '[-1, 5]' is invalid for input of size 192
        emb.transpose(0, 1).view(-1, 6)                                 # view size is not compatible
        emb.view(-1, 2) @ W1                # mat1 and mat2 shapes cannot be multiplied (96x2 and 6x100)
        emb.view(-1, 6) @ W1 + b1[:99]                                  # must match
        C[torch.tensor([27])]                                           # out of bounds
        C[torch.tensor([1.0])]                                          # ind
        emb[torch.arange(31), Y]                                        # shape mismatch
        F.cross_entropy(torch.zeros(1, 27), torch.tensor([27]))         # Target 27 is out of bounds
        F.cross_entropy(torch.zeros(2, 27), torch.tensor([1, 2, 3]))    # batch_size
        torch.cat([torch.zeros(2, 2), torch.zeros(3, 3)], 1)            # Sizes of tensors must match
    """, locals()) | {"reshape": emb.transpose(0, 1).reshape(-1, 6).shape}  # fmt: skip


def other_cells(torch, nn, F, optim, data):
    """What else the lectures call."""
    t = torch.tensor([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]])
    copy = t.clone()
    copy[0, 0] = 9.0
    a = torch.arange(18)
    return _each("""
        t[0, 0], copy[0, 0], copy
        t.norm(), t.norm().shape, t.exp(), torch.tanh(t), -t, t.abs().max()
        t.max(1), t.max(1).values, t.max(1).indices, [part.dtype for part in t.max(1)], t.max(), t.min(0)
        t.argmax(), t.argmax(1), t.max(1, keepdim=True).values, t.mean(0, keepdim=True), t.std(0, keepdim=True)
        torch.allclose(t, copy), torch.allclose(t, t + 1e-9), torch.equal(t, t.clone())
        a.view(2, 9), a.view(3, 3, 2).shape, a.view(9, 2).is_contiguous(), a.view(9, 2).t().is_contiguous()
        a.view(9, 2).stride(), a.view(9, 2).T.stride(), a.view(3, 3, 2).stride()
        torch.arange(32).dtype, torch.arange(3), torch.arange(1, 2, 0.5), torch.zeros((2, 2)), torch.ones(2)
        t.tolist(), len(t), [row.sum() for row in t]
        t.nelement(), t.numel(), t.ndim, t.dim(), t.size(), t.size(1), t.shape[-1]
        -0.1 * torch.tensor(0.5), -torch.tensor(0.5) * t, torch.tensor(0.5) / t.shape[0]
        float(t[0, 0]), int(t[0, 0]), "abc"[torch.tensor(2)], f"{t[0, 1]:.3f}", f"{t[0, 1].item():.4f}"
        bool(t[0, 0] > 2)
        max(t[0, 0], t[0, 1]), sorted([t[0, 0], t[0, 1]]), sum([t[0, 0], t[0, 1]])
        (t == copy).all(), (t == copy).sum(), (t == copy).float().mean()
        [i for i in torch.arange(3)], 2 in a, 2.5 in t
    """, locals() | globals())  # fmt: skip
