"""Programs as people write them for PyTorch, with what PyTorch 2.13.0 gives for them; and beginners' mistakes.

Each program takes the package as its one argument, so that it runs under PyTorch too where that is installed: the
numbers beside it are then checked as well.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradx

PROGRAMS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {}


def gives(*numbers: float) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register a program with the numbers that it returns under PyTorch."""

    def register(program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        PROGRAMS[program.__name__] = program, list(numbers)
        return program

    return register


def numbers_of(program: Callable[[Any], Any], torch: Any) -> list[float]:
    torch.manual_seed(0)
    return [float(x.detach() if hasattr(x, "detach") else x) for x in program(torch)]


@pytest.fixture(params=["microgradx", "torch"])
def torch(request: pytest.FixtureRequest) -> Any:
    return microgradx if request.param == "microgradx" else pytest.importorskip("torch")


# ---- whole programs --------------------------------------------------------------------------------------
@gives(0.7244061, 0.6707742, 0.5632306, 0.7625)
def moons(torch: Any) -> Any:
    """A classifier of two half moons, with Adam and BCEWithLogitsLoss."""
    nn = torch.nn
    turn, y = torch.rand(80) * math.pi, torch.randint(0, 2, (80,))
    X = torch.stack([torch.cos(turn) * (1 - 2 * y) + y, torch.sin(turn) * (1 - 2 * y) + 0.5 * y], 1)
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer, criterion, losses = torch.optim.Adam(model.parameters(), lr=1e-2), nn.BCEWithLogitsLoss(), []
    for _ in range(30):
        out = model(X).squeeze(1)
        loss = criterion(out, y.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [losses[0], losses[10], losses[-1], ((out > 0).long() == y).float().mean()]


@gives(3, 1, 4, 2, 0, 4, 3, 3, 1.523169, 0.7752715)
def bigram(torch: Any) -> Any:
    """Counts of letter pairs, names sampled from them, and one neuron a letter that learns the same."""
    F = torch.nn.functional
    words = ["emma", "olivia", "ava"]
    letters = [".", *sorted(set("".join(words)))]
    pairs = [(letters.index(a), letters.index(b)) for w in words for a, b in zip("." + w, w + ".", strict=True)]
    counts = torch.zeros((len(letters), len(letters)), dtype=torch.int32)
    for a, b in pairs:
        counts[a, b] += 1
    p = (counts + 1).float()
    p /= p.sum(1, keepdim=True)
    g, at, walk = torch.Generator().manual_seed(2147483647), 0, []
    for _ in range(8):
        at = torch.multinomial(p[at], num_samples=1, replacement=True, generator=g).item()
        walk.append(at)
    x, y = torch.tensor(pairs).T
    W = torch.randn((len(letters), len(letters)), generator=g, requires_grad=True)
    for _ in range(10):
        e = (F.one_hot(x, num_classes=len(letters)).float() @ W).exp()
        loss = -(e / e.sum(1, keepdims=True))[torch.arange(len(x)), y].log().mean() + 0.01 * (W**2).mean()
        W.grad = None
        loss.backward()
        W.data += -10 * W.grad
    return [*walk, sum(-p[a, b].log() for a, b in pairs) / len(pairs), loss]


@gives(1.98566, 0.2979049, 0.3111876, 3.608726, -0.07379521)
def normalised_by_hand(torch: Any) -> Any:
    """makemore's third lecture: embedding, batch normalisation by hand with running statistics, tanh."""
    g = torch.Generator().manual_seed(2147483647)
    X, Y = torch.randint(0, 9, (40, 3), generator=g), torch.randint(0, 9, (40,), generator=g)
    C, W1, W2 = (torch.randn(shape, generator=g) * 0.3 for shape in ((9, 4), (12, 10), (10, 9)))
    gain, bias, mean, std = torch.ones((1, 10)), torch.zeros((1, 10)), torch.zeros((1, 10)), torch.ones((1, 10))
    parameters = [C, W1, W2, gain, bias]
    for p in parameters:
        p.requires_grad = True
    for _ in range(20):
        batch = torch.randint(0, X.shape[0], (16,), generator=g)
        h = C[X[batch]].view(16, -1) @ W1
        m, s = h.mean(0, keepdim=True), h.std(0, keepdim=True)
        with torch.no_grad():
            mean, std = 0.9 * mean + 0.1 * m, 0.9 * std + 0.1 * s
        loss = torch.nn.functional.cross_entropy(torch.tanh(gain * (h - m) / s + bias) @ W2, Y[batch])
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
    return [loss, loss.log10(), mean.sum(), std.sum(), gain.grad.sum()]


@gives(1.962037, 0, 3, 3, 6, 0, 0, 639)
def attention(torch: Any) -> Any:
    """One causal head: tril, masked_fill, softmax, dropout, a buffer, layer norm, AdamW."""
    nn, F = torch.nn, torch.nn.functional

    class Head(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.key, self.query, self.value = (nn.Linear(8, 8, bias=False) for _ in range(3))
            self.register_buffer("tril", torch.tril(torch.ones(6, 6)))
            self.dropout, self.norm = nn.Dropout(0.1), nn.LayerNorm(8)

        def forward(self, x: Any) -> Any:
            _, T, C = x.shape
            x = self.norm(x)
            scores = self.query(x) @ self.key(x).transpose(-2, -1) * C**-0.5
            scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
            return self.dropout(F.softmax(scores, dim=-1)) @ self.value(x)

    class Language(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(7, 8), nn.Embedding(6, 8)
            self.heads = nn.ModuleList([Head(), Head()])
            self.out = nn.Linear(16, 7)

        def forward(self, x: Any) -> Any:
            x = self.token(x) + self.place(torch.arange(x.shape[1]))
            return self.out(torch.cat([head(x) for head in self.heads], dim=-1))

    model, text = Language(), torch.randint(7, (60,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(6):
        starts = torch.randint(len(text) - 6, (4,))
        x, y = (torch.stack([text[i + k : i + k + 6] for i in starts]) for k in (0, 1))
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, 7), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    known = torch.zeros((1, 1), dtype=torch.long)
    for _ in range(5):
        known = torch.cat((known, torch.multinomial(F.softmax(model(known)[:, -1, :], dim=-1), num_samples=1)), dim=1)
    return [loss, *known[0].tolist(), sum(p.numel() for p in model.parameters())]


@gives(0.6161932, 0.06191001, 0.7739097, 0.02043581, 4)
def recurrent(torch: Any) -> Any:
    """An LSTM by hand: legacy constructor, uniform_ on .data, chunk, gradients clipped."""
    nn = torch.nn

    class LSTM(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, i: int, h: int) -> None:
            super().__init__()
            self.h = h
            self.W, self.U = nn.Parameter(torch.Tensor(i, 4 * h)), nn.Parameter(torch.Tensor(h, 4 * h))
            self.b = nn.Parameter(torch.Tensor(4 * h))
            for p in self.parameters():
                p.data.uniform_(-1 / math.sqrt(h), 1 / math.sqrt(h))

        def forward(self, x: Any) -> Any:
            h, c = (torch.zeros(x.size(0), self.h),) * 2
            steps = []
            for t in range(x.size(1)):
                i, f, g, o = (x[:, t, :] @ self.W + h @ self.U + self.b).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * torch.tanh(g)
                h = o.sigmoid() * torch.tanh(c)
                steps.append(h.unsqueeze(0))
            return torch.cat(steps, dim=0).transpose(0, 1).contiguous(), (h, c)

    model, x = LSTM(3, 4), torch.randn(5, 6, 3)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    for _ in range(5):
        out, (h, _) = model(x)
        loss = ((out[:, :-1, :3] - x[:, 1:]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        optimizer.step()
    return [loss, norm, h.detach().sum(), model.b.grad.norm(), out.shape[2]]


@gives(7.162366, 7.392151, 7.094854)
def variational(torch: Any) -> Any:
    """A variational autoencoder: reparametrisation, a sum of BCE and KL, a loader of one tensor."""
    nn, F, data = torch.nn, torch.nn.functional, torch.utils.data
    encode, mean, spread, decode = nn.Linear(10, 6), nn.Linear(6, 2), nn.Linear(6, 2), nn.Linear(2, 10)
    optimizer = torch.optim.Adam([p for m in (encode, mean, spread, decode) for p in m.parameters()], lr=1e-2)
    X, totals = torch.bernoulli(torch.rand(24, 10)), []
    for _ in range(3):
        total = 0.0
        for (x,) in data.DataLoader(data.TensorDataset(X), batch_size=8, shuffle=True):
            h = F.relu(encode(x))
            mu, logvar = mean(h), spread(h)
            z = mu + torch.randn_like(logvar) * torch.exp(0.5 * logvar)
            loss = F.binary_cross_entropy(torch.sigmoid(decode(z)), x, reduction="sum")
            loss = loss - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        totals.append(total / len(X))
    return totals


@gives(1.127555, 7, 0.05, -0.4891895, 8)
def early_stopping(torch: Any) -> Any:
    """Validation, the best weights kept by deepcopy, a rate that falls on plateaus, batch norm and dropout."""
    nn, F, data = torch.nn, torch.nn.functional, torch.utils.data
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    train, valid = data.random_split(data.TensorDataset(torch.randn(60, 4), torch.randint(0, 3, (60,))), [40, 20])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    best, kept, waited, epochs = math.inf, model.state_dict(), 0, 0
    while waited < 3 and epochs < 12:
        epochs += 1
        model.train()
        for x, y in data.DataLoader(train, batch_size=16, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y, label_smoothing=0.1).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = sum(F.cross_entropy(model(x), y).item() * len(y) for x, y in data.DataLoader(valid, 10)) / len(valid)
        scheduler.step(loss)
        best, kept, waited = (loss, copy.deepcopy(model.state_dict()), 0) if loss < best else (best, kept, waited + 1)
    model.load_state_dict(kept)
    return [best, epochs, optimizer.param_groups[0]["lr"], kept["1.running_mean"].sum(), kept["1.num_batches_tracked"]]


@gives(9.025304, 8.480095, 8.598645, 7.797703, 7.398333)
def penalised_gradient(torch: Any) -> Any:
    """The critic of a WGAN: the gradient by its input is part of the loss."""
    nn, losses = torch.nn, []
    critic = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer, real = torch.optim.Adam(critic.parameters(), lr=1e-2, betas=(0.5, 0.9)), torch.randn(16, 2) + 2
    for _ in range(5):
        fake, a = torch.randn(16, 2), torch.rand(16, 1)
        between = (a.expand_as(real) * real + (1 - a) * fake).requires_grad_(True)
        score = critic(between)
        (slope,) = torch.autograd.grad(outputs=score, inputs=between, grad_outputs=torch.ones_like(score),
                                       create_graph=True, retain_graph=True, only_inputs=True)  # fmt: skip
        loss = critic(fake).mean() - critic(real).mean() + 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@gives(6, 3, 2, 3, 12, 1, 2, 1, 18, 8, 4, 20, 0.1966119, -0.1966119, -0.1966119, 0.1966119)
def curvature(torch: Any) -> Any:
    """A Hessian row by row, a Hessian-vector product, a Jacobian."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (g,) = torch.autograd.grad((x**3).sum() + x.prod(), x, create_graph=True)
    hessian = torch.stack([torch.autograd.grad(e, x, retain_graph=True)[0] for e in g])
    (hvp,) = torch.autograd.grad(g @ torch.tensor([1.0, 0.0, 1.0]), x)
    jacobian = torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 0), torch.tensor([0.0, 1.0]))
    return [*hessian.flatten(), *hvp, *jacobian.flatten()]


@gives(0.2016407, 0.1732952, 0.1664172)
def own_optimisers(torch: Any) -> Any:
    """Momentum and Adam by hand, in place under no_grad; a subclass of Optimizer with state."""

    class Momentum:
        def __init__(self, parameters: Any) -> None:
            self.parameters = list(parameters)
            self.v = [torch.zeros_like(p) for p in self.parameters]

        @torch.no_grad  # type: ignore[untyped-decorator]
        def step(self) -> None:
            for p, v in zip(self.parameters, self.v, strict=True):
                v.mul_(0.9).add_(p.grad)
                p.add_(v, alpha=-0.05)

        def zero_grad(self) -> None:
            for p in self.parameters:
                if p.grad is not None:
                    p.grad.detach_()
                    p.grad.zero_()

    class Adam(Momentum):
        steps = 0

        def step(self) -> None:
            self.steps += 1
            with torch.no_grad():
                for i, p in enumerate(self.parameters):
                    m, v = self.v[i] if self.steps > 1 else (torch.zeros_like(p), torch.zeros_like(p.data))
                    m.mul_(0.9).add_(p.grad, alpha=0.1)
                    v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
                    bound = (v / (1 - 0.999**self.steps)).sqrt().add_(1e-8)
                    p.addcdiv_(m / (1 - 0.9**self.steps), bound, value=-0.02)
                    self.v[i] = (m, v)

    class Averaged(torch.optim.Optimizer):  # type: ignore[misc, name-defined]
        def __init__(self, parameters: Any, lr: float = 0.1) -> None:
            super().__init__(parameters, {"lr": lr})

        def step(self) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    if not state:
                        state["mean"] = torch.zeros_like(p.data)
                    state["mean"].mul_(0.5).add_(p.grad.data)
                    p.data.add_(state["mean"], alpha=-group["lr"])

    nn, found = torch.nn, []
    X = torch.randn(32, 3)
    y = torch.sin(X.sum(1, keepdim=True))
    for make in (Momentum, Adam, Averaged):
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = make(net.parameters())
        for _ in range(12):
            optimizer.zero_grad()
            loss = ((net(X) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        found.append(loss.item())
    return found


@gives(1, 2, 2.264023, 2.363389, 1)
def tied_weights(torch: Any) -> Any:
    """One matrix for reading and writing: one parameter, two gradients added, also in a deep copy."""
    nn = torch.nn
    read, write = nn.Embedding(7, 5), nn.Linear(5, 7, bias=False)
    write.weight = read.weight
    model = nn.Sequential(read, nn.Tanh(), write)
    optimizer, x = torch.optim.Adagrad(model.parameters(), lr=0.1), torch.randint(0, 7, (20,))
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(x[:-1]), x[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    copied = copy.deepcopy(model)
    shared = copied[0].weight is copied[2].weight
    return [len(list(model.parameters())), len(model.state_dict()), loss, read.weight.grad.abs().sum(), shared]


@gives(
    0.25, 1, 4, 0.124353, 0.7615942, -0.9999998, 0.0620965, 0.642015, 0.9640275, 1.5, 3, -4, 11.23005, 22.4482,
    -20.07064
)  # fmt: skip
def written_in_parts(torch: Any) -> Any:
    """Results put into a tensor one index at a time, and read again while it fills."""
    w = torch.tensor([0.5, 1.0, -2.0], requires_grad=True)
    z = torch.zeros(3, 3)
    z[0] = w**2
    for i in range(1, 3):
        z[i] = torch.tanh(z[i - 1].clone() * w)
    h = w.clone()
    h[h > 0] = h[h > 0] * 3
    h[-1] *= 2
    (z.sum() + (h**2).sum()).backward()
    return [*z.flatten(), *h, *w.grad]


@gives(
    1, 1, -0.5238466, -0.01005868, -0.6843345, -0.002856433, 0.4473255, 0.2495578, 0.01972276, -0.24927,
    0.07344955
)  # fmt: skip
def frozen_and_grouped(torch: Any) -> Any:
    """A frozen layer keeps its weights; each group has its own rate; gradients of four parts add up to the whole's."""
    nn = torch.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    groups = [{"params": net[2].weight, "weight_decay": 0.1}, {"params": [net[2].bias], "lr": 1.0}]
    optimizer, x, y = torch.optim.SGD(groups, lr=0.1, momentum=0.9), torch.randn(8, 3), torch.randn(8, 1)
    for _ in range(3):
        for a, b in zip(x.chunk(4), y.chunk(4), strict=True):
            (nn.functional.mse_loss(net(a), b) / 4).backward()
        optimizer.step()
        gradient = net[2].weight.grad.clone()
        optimizer.zero_grad()
    return [
        torch.equal(before, net[0].weight),
        net[0].weight.grad is None,
        *gradient[0],
        *net[2].weight[0],
        *net[2].bias,
    ]


@gives(3, 1, 1, 1, 1, 4, 2, 3, 0, 1)
def items_by_name(torch: Any) -> Any:
    """A Dataset of dictionaries and of NumPy rows, collated by the loader."""
    data = torch.utils.data

    class Rows(data.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return 5

        def __getitem__(self, i: int) -> dict[str, Any]:
            return {"row": np.full(2, i, np.float32), "label": i, "half": i / 2, "name": f"row {i}"}

    batches = list(data.DataLoader(Rows(), batch_size=2, shuffle=True))
    kinds = [
        batches[0][k].dtype == t for k, t in (("row", torch.float32), ("label", torch.int64), ("half", torch.float64))
    ]
    return [len(batches), *kinds, *(x for b in batches for x in b["label"]), batches[0]["name"][0] == "row 1"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_what_it_prints_under_pytorch(name: str, torch: Any) -> None:
    program, expected = PROGRAMS[name]
    np.testing.assert_allclose(numbers_of(program, torch), expected, rtol=2e-4, atol=2e-6)


# ---- details that programs rely on -----------------------------------------------------------------------
def test_the_median_of_all_shares_its_gradient_among_equals(torch: Any) -> None:
    x = torch.tensor([3.0, 1.0, 1.0, 1.0, 2.0], requires_grad=True)
    x.median().backward()
    assert x.grad.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0])


@pytest.mark.parametrize(
    "divide", [lambda x: x // 0, lambda x: x % 0, lambda x: 2 // (x * 0), lambda x: x.floor_divide(x * 0)]
)
def test_whole_numbers_do_not_divide_by_zero(torch: Any, divide: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        divide(torch.tensor([1, 2]))
    assert not torch.isfinite(divide(torch.tensor([1.0, 2.0]))).any()


@pytest.mark.parametrize("zero", [0, 0.0, False])
def test_a_number_zero_divides_as_a_tensor_of_zeros_does(torch: Any, zero: Any) -> None:
    x = torch.tensor([3.0, -1.0], requires_grad=True)
    y = x / zero
    y.sum().backward()
    assert y.tolist() == [math.inf, -math.inf]
    assert x.grad.tolist() == [math.inf, math.inf]


def test_gradients_zeroed_by_a_module_are_the_same_tensors(torch: Any) -> None:
    model = torch.nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    seen = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is seen
    assert seen.tolist() == [[0.0, 0.0]]


def test_a_state_prints_as_an_ordered_dictionary(torch: Any) -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    assert isinstance(model.state_dict(), OrderedDict)
    assert repr(model.state_dict()) == repr(OrderedDict({"weight": model.weight.detach()}))


@pytest.mark.parametrize("brackets", [True, False])
def test_no_grad_decorates_with_brackets_and_without(torch: Any, brackets: bool) -> None:
    decorate = torch.no_grad() if brackets else torch.no_grad

    @decorate  # type: ignore[untyped-decorator]
    def twice(x: Any) -> Any:
        return 2 * x

    assert twice.__name__ == "twice"
    assert not twice(torch.ones(1, requires_grad=True)).requires_grad
    assert torch.is_grad_enabled()


def test_the_older_constructors_take_data_or_a_shape(torch: Any) -> None:
    assert torch.LongTensor([2**53 + 1]).tolist() == [2**53 + 1]
    found = [
        torch.Tensor(2, 3),
        torch.FloatTensor(2, 3),
        torch.DoubleTensor(4),
        torch.BoolTensor([0, 1]),
        torch.FloatTensor(),
    ]
    assert [tuple(x.shape) for x in found] == [(2, 3), (2, 3), (4,), (2,), (0,)]
    assert [x.dtype for x in found] == [torch.float32, torch.float32, torch.float64, torch.bool, torch.float32]


# ---- beginners' mistakes ---------------------------------------------------------------------------------
def _without_super(torch: Any) -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.layer = torch.nn.Linear(2, 2)

    return Net()


def _twice_backward(torch: Any) -> None:
    y = (torch.ones(2, requires_grad=True) ** 2).sum()
    y.backward()
    y.backward()


def _too_early(torch: Any) -> None:
    torch.ones(2, requires_grad=True).grad.zero_()


def _changed_output(torch: Any) -> None:
    y = torch.ones(2, requires_grad=True).exp()
    y += 1
    y.sum().backward()


def _changed_leaf(torch: Any) -> None:
    w = torch.ones(2, requires_grad=True)
    w -= 0.1


def _layer(torch: Any) -> Any:
    layer = torch.nn.BatchNorm1d(2)
    layer.act = torch.nn.ReLU()
    return layer


MISTAKES: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (_without_super, AttributeError, "cannot assign module before Module.__init__"),
    (_twice_backward, RuntimeError, "backward through the graph a second time"),
    (_too_early, AttributeError, "NoneType"),
    (_changed_output, RuntimeError, "modified by an inplace operation"),
    (_changed_leaf, RuntimeError, "a leaf Variable that requires grad"),
    (lambda torch: torch.nn.CrossEntropyLoss(torch.zeros(2, 3), torch.tensor([0, 1])), RuntimeError, ""),
    (lambda torch: torch.nn.MSELoss(torch.zeros(2), torch.zeros(2)), RuntimeError, ""),
    (lambda torch: torch.sum([1.0, 2.0]), TypeError, r"argument 'input' \(position 1\) must be Tensor, not list"),
    (lambda torch: torch.mean(3.0), TypeError, r"must be Tensor, not float"),
    (lambda torch: torch.allclose(torch.ones(2), [1.0, 1.0]), TypeError, "'other'.* must be Tensor, not list"),
    (lambda torch: torch.argmax((1, 2)), TypeError, "must be Tensor, not tuple"),
    (lambda torch: torch.ones(3).item(), RuntimeError, "3 elements cannot be converted to Scalar"),
    (lambda torch: torch.tensor([1, 2], requires_grad=True), RuntimeError, "floating point"),
    (lambda torch: torch.ones(2, requires_grad=True).numpy(), RuntimeError, "detach"),
    (lambda torch: (torch.ones(2, requires_grad=True) * 2).backward(), RuntimeError, "only for scalar outputs"),
    (lambda torch: torch.ones(2).sum().backward(), RuntimeError, "does not require grad"),
    (lambda torch: torch.nn.Linear(2, 3)(torch.ones(4, 5)), RuntimeError, "4x5 and 2x3"),
    (lambda torch: torch.nn.Linear(1, 5)(torch.ones(4, 5)), RuntimeError, "4x5 and 1x5"),
    (lambda torch: torch.nn.Linear(1, 1)(torch.ones(2, 4, 3)), RuntimeError, "8x3 and 1x1"),
    (lambda torch: torch.nn.Linear(2, 3)(torch.ones(4, 2).double()), RuntimeError, "dtype"),
    (lambda torch: torch.nn.Linear(2, 3)(np.ones((4, 2))), TypeError, "must be Tensor, not"),
    (lambda torch: torch.nn.Sequential([torch.nn.ReLU()]), TypeError, "not a Module subclass"),
    (lambda torch: setattr(_layer(torch), "weight", 3.0), TypeError, "cannot assign 'float' as parameter 'weight'"),
    (lambda torch: setattr(_layer(torch), "weight", torch.ones(2)), TypeError, "FloatTensor' as parameter 'weight'"),
    (lambda torch: setattr(_layer(torch), "act", torch.relu), TypeError, "as child module 'act'"),
    (lambda torch: setattr(_layer(torch), "running_var", 1.0), TypeError, "cannot assign 'float' as buffer"),
    (lambda torch: _layer(torch).register_parameter("p", torch.ones(2)), TypeError, "object to parameter 'p'"),
    (lambda torch: _layer(torch).train("no"), ValueError, "training mode is expected to be boolean"),
    (
        lambda torch: torch.nn.CrossEntropyLoss()(torch.zeros(3, 2), torch.tensor([0, 1, 2])),
        IndexError,
        "Target 2 is out",
    ),
    (lambda torch: torch.nn.BCELoss()(torch.rand(3, 1), torch.ones(3)), ValueError, "target size"),
    (lambda torch: torch.ones(2) + torch.ones(3), RuntimeError, r"size of tensor a \(2\) must match"),
    (lambda torch: torch.zeros(2, 3).view(5), RuntimeError, "shape"),
    (lambda torch: bool(torch.ones(2)), RuntimeError, "more than one value is ambiguous"),
    (lambda torch: torch.optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
]


@pytest.mark.parametrize("index", range(len(MISTAKES)))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_mistake_raises_what_pytorch_raises(index: int, torch: Any) -> None:
    program, kind, text = MISTAKES[index]
    with pytest.raises(kind, match=text):
        program(torch)


def test_values_and_tensors_do_not_mix() -> None:
    for a, b in ((microgradx.Value(1.0), microgradx.ones(1)), (microgradx.ones(1), microgradx.Value(1.0))):
        with pytest.raises(TypeError, match="Value"):
            a + b
