"""Neuromatch W1D2, tutorial 1: gradient descent, the graph behind autograd, a wide network that fits a sine."""

from __future__ import annotations

import random
import warnings
from math import pi

import numpy as np

from . import tolerance
from .names import _each, _errors


def seeds(torch, nn, F, optim, data):
    """What the notebook's first cells set, with or without a GPU."""
    random.seed(2021)
    np.random.seed(2021)  # noqa: NPY002  (the notebook's)
    torch.manual_seed(2021)
    torch.cuda.manual_seed_all(2021)
    torch.cuda.manual_seed(2021)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    drawn = torch.randn(3)
    worker = torch.initial_seed() % 2**32
    again = torch.manual_seed(2021)
    return _each("""
        drawn, torch.randn(3), worker, torch.initial_seed()
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
        torch.cuda.is_available(), "cuda" if torch.cuda.is_available() else "cpu"
        torch.device("cpu"), repr(torch.device("cpu")), torch.zeros(1).device, torch.zeros(1).to("cpu").device.type
        isinstance(again, torch.Generator)
        torch.manual_seed(2**40 + 3).initial_seed(), torch.initial_seed() % 2**32, torch.rand(2)
    """, locals())  # fmt: skip


# ---- gradient descent ------------------------------------------------------------------------------------


def _wave(torch, x, y):
    return torch.sin(x**2 + y**2)


def gradient_field(torch, nn, F, optim, data):
    """sin(x² + y²) on a grid: the gradient by hand is (2x·cos, 2y·cos)."""
    line = torch.linspace(-0.9, 0.9, 7)
    x, y = (grid.expand(7, 7).clone().requires_grad_() for grid in (line.reshape(7, 1), line))
    z = _wave(torch, x, y)
    z.backward(torch.ones_like(z))
    by_hand = 2 * x * torch.cos(x**2 + y**2), 2 * y * torch.cos(x**2 + y**2)
    return _each("""
        z, z.shape, z.grad_fn
        x.grad[0], y.grad[0]
        torch.allclose(x.grad, by_hand[0]), torch.allclose(y.grad, by_hand[1])
        np.hypot(x.grad.numpy(), y.grad.numpy()).max()
    """, locals() | globals())  # fmt: skip


def descent_path(torch, nn, F, optim, data):
    """Plain gradient descent, by hand and by an optimiser, from (0.9, 0.3) to the bottom."""
    by_hand = torch.tensor([0.9, 0.3], requires_grad=True)
    optimised = torch.tensor([0.9, 0.3], requires_grad=True)
    sgd = torch.optim.SGD([optimised], lr=0.2)
    path = []
    for _ in range(12):
        loss = _wave(torch, *by_hand)
        loss.backward()
        with torch.no_grad():
            by_hand -= 0.2 * by_hand.grad
        by_hand.grad.zero_()
        sgd.zero_grad()
        _wave(torch, optimised[0], optimised[1]).backward()
        sgd.step()
        path.append([loss.item(), *by_hand.tolist()])
    return {"path": path, "same": torch.allclose(by_hand, optimised), "leaf": [by_hand.is_leaf, by_hand.requires_grad]}


# ---- the graph -------------------------------------------------------------------------------------------


def simple_graph(torch, nn, F, optim, data):
    """One neuron tanh(wx + b) with w = −0.5, b = 0.5, x = 1, y = 7, by hand and by autograd: −14 both."""
    x, y_true = torch.tensor([1]), torch.tensor([7])
    w, b = torch.tensor([-0.5], requires_grad=True), torch.tensor([0.5], requires_grad=True)
    prediction = torch.tanh(x * w + b)
    square_loss = (y_true - prediction) ** 2
    found = _each("""
        [step.grad_fn for step in (x, w, x * w, x * w + b, prediction, y_true - prediction, square_loss)]
        x.dtype, (x * w).dtype, square_loss.dtype, square_loss.shape, square_loss.item(), prediction.item()
        repr(x), repr(w), repr(prediction), repr(square_loss), w.grad, square_loss.is_leaf
        isinstance(prediction, torch.Tensor), isinstance(1.0, torch.Tensor), type(x).__name__
    """, locals())  # fmt: skip
    square_loss.backward()
    t = prediction.detach()
    by_hand = -2 * (y_true - t) * (1 - t**2) * x, -2 * (y_true - t) * (1 - t**2)
    return found | _each("""
        w.grad, b.grad, repr(b.grad), by_hand, [grad == mine for grad, mine in zip((w.grad, b.grad), by_hand)]
        repr(w.grad == by_hand[0]), t.requires_grad, t == t, repr(t == t)
        w.grad_fn, w.is_leaf, x.grad, x.requires_grad, w.grad.requires_grad
    """, locals())  # fmt: skip


def computational_graph(torch, nn, F, optim, data):
    """tanh(ln(1 + z·2x / sin y)) at (1.5, 0.7, 0.4), the gradient of each step kept."""
    x, y, z = (torch.tensor([v], requires_grad=True) for v in (1.5, 0.7, 0.4))
    a = torch.sin(y)
    b = 2 * x
    c = b / a
    d = z * c
    e = torch.log(1 + d)
    f = torch.tanh(e)
    for step in (a, b, c, d, e, f):
        step.retain_grad()
    f.backward()
    by_hand = (1 - torch.tanh(e) ** 2) / (1 + d) * z * (-b / a**2) * torch.cos(y)
    return _each("""
        f.item(), [v.grad.item() for v in (x, y, z)]
        [step.grad.item() for step in (a, b, c, d, e, f)]
        torch.allclose(y.grad, by_hand), [step.grad_fn for step in (a, b, c, d, 1 + d, e, f)]
        [step.retains_grad for step in (a, f, x)], [step.is_leaf for step in (a, f, x)]
    """, locals())  # fmt: skip


def _tree(function):
    """A function and the trees of its parents, without the constants, which are None."""
    return [function, [_tree(parent) for parent, _ in function.next_functions if parent is not None]]


def _functions(tree):
    return [tree[0], *(name for parent in tree[1] for name in _functions(parent))]


def walk_of_the_graph(torch, nn, F, optim, data):
    """next_functions lead from the loss to the leaves; a constant is None; a new pass makes new functions."""
    x = torch.tensor([1.0])
    w, b = torch.tensor([-0.5], requires_grad=True), torch.tensor([0.5], requires_grad=True)

    def forward():
        return (7.0 - torch.tanh(x * w + b)) ** 2

    first, second = forward(), forward()
    end = (b * 2).grad_fn.next_functions[0][0]
    return _each("""
        _tree(first.grad_fn), _tree(second.grad_fn)
        first.grad_fn.name(), first.grad_fn == first.grad_fn, first.grad_fn == second.grad_fn
        (x * w).grad_fn.next_functions, (w * b).grad_fn.next_functions, (2 * x).grad_fn
        _tree((x + x * w).grad_fn), _tree((w * w).grad_fn), _tree((w - 1).grad_fn), _tree((w + w * b).grad_fn)
        _tree(torch.cat([w, x, w * b]).grad_fn), _tree(torch.stack([w, x, w * b]).sum().grad_fn)
        end, end.variable is b, end.next_functions
        (w * b).grad_fn.next_functions[0][0] == (w + b).grad_fn.next_functions[0][0]
        len(set(_functions(_tree((w * b + w * b * b).grad_fn))))
    """, locals() | globals())  # fmt: skip


def names_of_the_functions(torch, nn, F, optim, data):
    """What `grad_fn` calls each operation."""
    a = torch.tensor([0.5, 0.25, 0.75], requires_grad=True)
    M = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    i = torch.tensor([0, 1])
    linear = nn.Linear(3, 2)
    return _each("""
        a + a, a + 1, 1 + a, a - a, a - 1, 1 - a, a * a, 2 * a, a / a, a / 2, -a, a**2, a**a, 2**a
        a.sin(), a.cos(), a.exp(), a.log(), a.tanh(), a.sqrt(), a.abs(), abs(a), a.relu(), a.sigmoid()
        torch.sin(a), torch.tanh(a), torch.relu(a), F.relu(a), torch.sigmoid(a), torch.exp(a), torch.log(a)
        nn.ReLU()(a), nn.Tanh()(a), nn.Sigmoid()(a)
        a.sum(), M.sum(0), M.sum((0, 1)), M.sum(1, keepdim=True), a.mean(), M.mean(0), a.max(), a.min(), M.max(1).values
        M @ M.T, M @ a, a @ a, torch.mm(M, M.T), torch.matmul(a, a), torch.dot(a, a), M.T @ i.float(), linear(M)
        linear(a)
        M[0], M[0:1], M[:, 1], M[i], M[i, i], M[M > 2], a[-1], M[None], M[0, 1]
        M.T, M.t(), M.transpose(0, 1), M.permute(1, 0), M.reshape(6), M.view(3, 2), M.flatten()
        a.expand(2, 3)
        torch.stack([a, a]), torch.cat([a, a]), a.clone(), a.unsqueeze(0), M[:1].squeeze(0), M[:1].squeeze()
        M.unbind(0)[0]
        torch.where(a > 0.3, a, 0.0), torch.maximum(a, 2 * a), torch.minimum(a, 2 * a), a.clamp(0, 1)
        torch.clamp(a, min=0.3)
        F.log_softmax(M, 1), F.softmax(M, 1), torch.softmax(M, 0), M.log_softmax(0), torch.logsumexp(M, 0)
        F.mse_loss(a, 2 * a), F.cross_entropy(M, i), nn.CrossEntropyLoss()(M, i), F.nll_loss(M, i)
        M.var(), M.std(), M.prod(), M.cumsum(0), M.amax(0), M.sort(1).values, M.gather(1, i.view(2, 1))
        M.triu(), M.tril()
        a.detach(), a, i, (a > 0.3), a.argmax(), torch.ones(2), a.data
    """, locals(), lambda result: result.grad_fn)  # fmt: skip


def contagion(torch, nn, F, optim, data):
    """A result requires a gradient when one of its inputs does, unless nobody records."""
    W, X = torch.ones(2, 3, requires_grad=True), torch.ones(3, 2)
    with torch.no_grad():
        unrecorded = W @ X
        inside = torch.is_grad_enabled()
        with torch.enable_grad():
            recorded = W @ X
    with torch.set_grad_enabled(False):
        switched = W * 2

    @torch.no_grad()
    def decorated():
        return W * 2

    asked = X.clone().requires_grad_()
    Y = W @ X
    cut = Y.detach()
    cut[0, 0] = 100.0
    return _each("""
        Y.requires_grad, X.requires_grad, (X @ X.T).requires_grad, (X * 2 + W.sum()).requires_grad
        (W > 0).requires_grad
        unrecorded.requires_grad, unrecorded.grad_fn, unrecorded.is_leaf, recorded.requires_grad, inside
        torch.is_grad_enabled()
        switched.requires_grad, decorated().requires_grad, asked.requires_grad, asked.is_leaf
        asked.requires_grad_(False).requires_grad
        Y.is_leaf, X.is_leaf, W.is_leaf, Y.detach().is_leaf, Y.detach().requires_grad, W.detach().requires_grad
        Y[0, 0].item(), cut[0, 0].item()
        repr(Y[1]), repr(unrecorded), repr(cut), repr(W), repr(W.detach())
        W.argmax().requires_grad, W.int().requires_grad, W.double().requires_grad, W.long().requires_grad
        torch.zeros_like(W).requires_grad, torch.tensor(2.0).requires_grad, (W * 2).data.requires_grad
        W.clone().requires_grad
    """, locals())  # fmt: skip


def gradients_accumulate(torch, nn, F, optim, data):
    """In leaves; not in what lies between."""
    x = torch.tensor([2.0, -1.0], requires_grad=True)
    found = {}
    for times in (1, 2, 3):
        (x**2).sum().backward()
        found[f"{times} times"] = x.grad.clone()
    x.grad.zero_()
    y = x**3
    y.retain_grad()
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    found["one graph twice"] = [x.grad, y.grad]
    x.grad = None
    first = x * 2
    (first * first + x).sum().backward()
    found["a step used twice"] = x.grad
    found |= _errors("""
        z.backward()                                    # backward through the graph a second time
        (x * 2).backward()                              # grad can be implicitly created only for scalar outputs
        torch.tensor([1.0]).sum().backward()            # does not require grad
        (x * 2).backward(torch.ones(3))                 # shape
        x.numpy()                                       # Can't call numpy() on Tensor that requires grad
        (x * 2).numpy()                                 # detach
        torch.tensor([1, 2], requires_grad=True)        # floating point
        torch.ones(2).retain_grad()                     # requires_grad
        (x * 2).item()                                  # 2
        bool(x > 0)                                     # ambiguous
        float(x.detach())                               # one element
    """, locals())  # fmt: skip
    return found


# ---- arrays, dtypes, printing ------------------------------------------------------------------------------


def arrays_of_tensors(torch, nn, F, optim, data):
    """What matplotlib asks of a tensor."""
    t = torch.linspace(-1.0, 1.0, 5).reshape(5, 1)
    model = nn.Linear(1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's __array__ has no `copy` yet, and NumPy says so
        copied, single = np.array(t), np.array(t, dtype=np.float64, copy=True)
    copied[0, 0] = 7.0
    shared, kept = np.asarray(t), torch.tensor(np.asarray(t))
    wrapped = torch.from_numpy(shared)
    t[1, 0] = 9.0
    return _each("""
        shared, copied, single, kept, wrapped
        str(np.asarray(t).dtype), str(single.dtype), str(np.asarray(torch.arange(3)).dtype)
        str(np.asarray(t > 0).dtype)
        t.numpy(), t.__array__(), str(t.__array__(np.float64).dtype), type(t.numpy()).__name__
        model(t).detach().numpy().shape, np.asarray(torch.tensor(2.5)).shape, float(np.asarray(torch.tensor(2.5)))
        np.mean(t.numpy()), np.sqrt(torch.tensor([4.0, 9.0]).numpy()), np.concatenate([t, t]).shape
        np.column_stack([t, t]).shape
        wrapped.dtype, torch.from_numpy(np.arange(3)).dtype, torch.from_numpy(np.ones(2)).dtype
        torch.as_tensor(np.ones(2, "float32")).dtype
        [v for row in t for v in row.tolist()], [float(v) for v in t], list(map(len, [t, t.T]))
    """, locals() | globals())  # fmt: skip


DIR = """
__add__ __array__ __bool__ __eq__ __float__ __getitem__ __iadd__ __int__ __iter__ __len__ __matmul__ __mul__
__neg__ __pow__ __radd__ __repr__ __rmul__ __rpow__ __rsub__ __rtruediv__ __setitem__ __sub__ __truediv__ __abs__
__index__ __hash__ T abs add add_ all amax any argmax argmin backward bool clamp clamp_ clone copy_
cos cpu cumsum data detach device dim div double dtype exp expand flatten float gather grad grad_fn half int
is_contiguous is_leaf item log log_softmax logsumexp long max mean min mm mul mul_ ndim nelement norm numel numpy
permute pow prod relu requires_grad requires_grad_ reshape retain_grad shape sigmoid sin size softmax sort split
sqrt square squeeze std stride sub sub_ sum t tanh to tolist transpose tril triu type unbind unsqueeze var
view zero_
""".split()


def dir_of_a_tensor(torch, nn, F, optim, data):
    """The names the courses use are among those that `dir` lists."""
    listed = set(dir(torch.tensor([1.0])))
    return {"missing": [name for name in DIR if name not in listed], "some": len(listed) > len(DIR)}


def dtypes_meet(torch, nn, F, optim, data):
    """int64 with float32 is float32; Python numbers never widen a tensor of their own kind."""
    i, f, d, b = torch.tensor([1]), torch.tensor([1.5]), torch.tensor([1.5], dtype=torch.float64), torch.tensor([True])
    return _each("""
        i.dtype, f.dtype, d.dtype, b.dtype, torch.tensor(1).dtype, torch.tensor(1.0).dtype, torch.tensor([1, 2.0]).dtype
        (i * f).dtype, (f * i).dtype, (f * d).dtype, (i * d).dtype, (b * f).dtype, (b + i).dtype, (b + b).dtype
        (i * 2.0).dtype, (i * 2).dtype, (f * 2).dtype, (i / 2).dtype, (i / i).dtype, (i // 2).dtype, (i**2).dtype
        (2**i).dtype
        (i**0.5).dtype, (b * 1.0).dtype, torch.sin(i).dtype, torch.tanh(b).dtype, (1 - i).dtype, (-i).dtype
        (i > f).dtype
        i * f, (f - i) ** 2, torch.sin(i), i / 2, i == f, f == d, repr(i * f), repr(f * d), repr(b + b)
        (f + np.float64(1.0)).dtype, (f * d[0]).dtype, (f * i[0]).dtype, (i * f[0]).dtype, (i * d[0]).dtype
        (f[0] * d[0]).dtype
    """, locals() | globals())  # fmt: skip


def printed(torch, nn, F, optim, data):
    """What the notebook's cells show."""
    w = torch.tensor([0.5], requires_grad=True)
    x = torch.linspace(-1.0, 1.0, 32).reshape(32, 1)
    return _each("""
        str(w), repr(w), f"{w}", f"{w.item():.3f}", str(w * 2), str(w.sum()), f'{w.sum()}', f'{w.sum():.1f}'
        str(w.detach())
        str(x), str(x[:3]), str(x.T), str(x.shape), str(x.reshape(4, 8)), repr(x[0]), repr(x[0, 0]), repr(x.dtype)
        str(w.grad), str(w.grad_fn), str((w + w).grad_fn), str(torch.sin(w).grad_fn), repr(w == w)
        str([w, w * 2]), f"{torch.tensor(3)}", f"{torch.tensor(2.5)}", "%.2f" % torch.tensor(2.5)
        f"{torch.tensor(2.5):.2f}"
    """, locals())  # fmt: skip


# ---- the wide network -----------------------------------------------------------------------------------


def _wide_net(torch, nn, n_hidden):
    class WideNet(nn.Module):
        """1 → n tanh → 1."""

        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh(), nn.Linear(n_hidden, 1))

        def forward(self, x):
            return self.layers(x)

    return WideNet()


def _noisy_sine(torch, n=32):
    torch.manual_seed(2021)
    x = torch.linspace(-1.0, 1.0, n).reshape(n, 1)
    noise = torch.randn(n, 1) / 4
    return x, torch.sin(pi * x) + noise


def wide_net_untrained(torch, nn, F, optim, data):
    """The first loss, 0.888942301273346, the text of the model, its parameters and its graph."""
    x, y = _noisy_sine(torch)
    torch.manual_seed(2021)
    net = _wide_net(torch, nn, 512)
    prediction = net(x)
    loss = nn.MSELoss()(prediction, y)
    loss.backward()
    return _each("""
        loss.item(), repr(loss), loss.grad_fn, F.mse_loss(prediction, y).item(), ((prediction - y) ** 2).mean().item()
        str(net), repr(net.layers[1])
        [(name, p.shape, p.requires_grad, p.is_leaf) for name, p in net.named_parameters()]
        sum(p.numel() for p in net.parameters()), list(net.state_dict()), [name for name, _ in net.named_modules()]
        x, y
        [p.flatten()[:4] for p in net.parameters()], [p.grad.norm() for p in net.parameters()]
        prediction[:4], repr(prediction[:4])
        sorted({repr(f).split()[0] for f in _functions(_tree(loss.grad_fn))} - {"<TBackward0"})
    """, locals() | globals())  # fmt: skip


@tolerance(rtol=1e-4)
def wide_net_trained(torch, nn, F, optim, data):
    """1 + 1847 steps with momentum."""
    x, y = _noisy_sine(torch)
    torch.manual_seed(2021)
    net = _wide_net(torch, nn, 512)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.003, momentum=0.9)
    losses = []
    for _ in range(1848):
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    unseen = torch.linspace(-1.0, 1.0, 7).reshape(7, 1)
    return _each("""
        losses[:4], losses[101], losses[1847], losses[4::100]
        net(unseen).detach().numpy(), net(torch.tensor([[2.0]])).item()
        optimizer.state_dict()["param_groups"][0]["lr"], sorted(optimizer.state_dict())
    """, locals())  # fmt: skip
