"""D2L chapter 4: multilayer perceptrons, weight decay by groups, dropout, initialisation, house prices."""

from __future__ import annotations

import math

import numpy as np

from . import raised, tolerance


def _load_array(data, arrays, batch_size, is_train=True):
    return data.DataLoader(data.TensorDataset(*arrays), batch_size, shuffle=is_train)


def _line(torch, rows, columns=3):
    """Rows of a linear function with a little noise, from the default generator."""
    X = torch.normal(0, 1, (rows, columns))
    y = X @ torch.ones(columns, 1) * 0.5 + 0.1 + torch.normal(0, 0.01, (rows, 1))
    return X, y


def _houses():
    """Eight houses, four float64 features, prices: what is left of a table when pandas has made its arrays."""
    random = np.random.RandomState(3)
    features = random.normal(size=(8, 4))
    return features, np.exp(12 + features @ np.array([0.2, -0.1, 0.3, 0.0])).reshape(-1, 1)


# ---- one import reaches everything ---------------------------------------------------------------------------


def names_under_torch(torch, nn, F, optim, data):
    """`import torch` is enough for torch.nn, torch.optim and torch.utils.data."""
    return {
        "nn": torch.nn.Linear is nn.Linear,
        "functional": [torch.nn.functional.relu is F.relu, nn.functional.relu is F.relu],
        "init": torch.nn.init.normal_ is nn.init.normal_,
        "optim": torch.optim.SGD is optim.SGD,
        "data": torch.utils.data.DataLoader is data.DataLoader,
        "tensor": torch.Tensor is type(torch.ones(1)),
        "parameter": isinstance(nn.Parameter(torch.ones(1)), torch.Tensor),
    }


# ---- 4.1 activations -----------------------------------------------------------------------------------------


@tolerance(atol=1e-6)
def activations_over_a_range(torch, nn, F, optim, data):
    """arange(−8, 8, 0.1) that requires grad; backward(ones_like(x), retain_graph=True) for each activation."""
    x = torch.arange(-8.0, 8.0, 0.1, requires_grad=True)
    found = {"length": len(x), "shape": x.shape, "leaf": x.is_leaf, "ends": [x[0], x[-1]]}
    for name in ("relu", "sigmoid", "tanh"):
        if x.grad is not None:
            x.grad.data.zero_()
        y = getattr(torch, name)(x)
        y.backward(torch.ones_like(x), retain_graph=True)
        found[name] = y
        found[f"{name}_grad"] = [g.item() for i, g in enumerate(x.grad) if i != 80]
    return found


@tolerance(rtol=1e-3, atol=0)
def middle_of_the_range(torch, nn, F, optim, data):
    """Element 80 of that range is not 0 but 4.4e-16, where the gradient of relu is 1."""
    x = torch.arange(-8.0, 8.0, 0.1, requires_grad=True)
    torch.relu(x).sum().backward()
    return {"x": x[80], "grad": x.grad[79:82]}


def retain_graph_keeps_it(torch, nn, F, optim, data):
    x = torch.tensor([-1.0, 0.5], requires_grad=True)
    y = torch.sigmoid(x)
    for _ in range(2):
        y.backward(torch.ones_like(x), retain_graph=True)
    twice = x.grad.clone()
    y.backward(torch.ones_like(x))
    return {
        "twice": twice,
        "thrice": x.grad,
        "freed": raised("a second time", y.backward, torch.ones_like(x)),
        "gradient_of_another_shape": raised("shape", torch.tanh(x).backward, torch.ones(3)),
    }


def relu_at_zero(torch, nn, F, optim, data):
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    torch.relu(x).sum().backward()
    return {"grad": x.grad, "same": [torch.equal(torch.relu(x), other) for other in (F.relu(x), nn.ReLU()(x))]}


def relu_by_maximum(torch, nn, F, optim, data):
    """torch.max(X, a) with a = zeros_like(X); where both are 0 each gets one half."""
    X = torch.tensor([[-1.0, 0.0], [2.0, 3.0]], requires_grad=True)
    a = torch.zeros_like(X)
    y = torch.max(X, a)
    y.sum().backward()
    return {"a": [a, a.requires_grad, a.dtype], "y": y, "grad": X.grad, "grad_fn": repr(y.grad_fn)}


def linear_layers_collapse(torch, nn, F, optim, data):
    torch.manual_seed(0)
    one, two = nn.Linear(4, 3), nn.Linear(3, 2)
    X = torch.randn(5, 4)
    W, b = two.weight @ one.weight, two.weight @ one.bias + two.bias
    return {"agree": torch.allclose(two(one(X)), X @ W.T + b, atol=1e-6), "output": two(one(X)), "W": W}


# ---- 4.2, 4.3 the perceptron by hand and in short ------------------------------------------------------------


def parameters_of_results(torch, nn, F, optim, data):
    """nn.Parameter(randn(…, requires_grad=True) * 0.01) is a leaf, though what it is made of is not."""
    torch.manual_seed(0)
    result = torch.randn(3, 2, requires_grad=True) * 0.01
    W, b = nn.Parameter(result), nn.Parameter(torch.zeros(2, requires_grad=True))
    return {
        "leaves": [result.is_leaf, W.is_leaf, b.is_leaf],
        "W": W,
        "flags": [W.requires_grad, W.grad_fn, isinstance(W, nn.Parameter)],
        "types": [type(W).__name__, isinstance(W, torch.Tensor)],
        "repr": repr(b),
        "frozen": nn.Parameter(torch.ones(2), requires_grad=False).requires_grad,
        "integers": raised("floating point", nn.Parameter, torch.ones(2, dtype=torch.int64)),
    }


@tolerance(rtol=1e-4)
def perceptron_by_hand(torch, nn, F, optim, data):
    torch.manual_seed(0)
    num_inputs, num_hiddens, num_outputs, lr = 784, 16, 10, 0.1
    W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens, requires_grad=True) * 0.01)
    b1 = nn.Parameter(torch.zeros(num_hiddens, requires_grad=True))
    W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs, requires_grad=True) * 0.01)
    b2 = nn.Parameter(torch.zeros(num_outputs, requires_grad=True))
    params = [W1, b1, W2, b2]

    def net(X):
        X = X.reshape((-1, num_inputs))
        H = torch.max(X @ W1 + b1, torch.zeros_like(X @ W1))
        return H @ W2 + b2

    loss = nn.CrossEntropyLoss(reduction="none")
    updater = torch.optim.SGD(params, lr=lr)
    X, y = torch.rand(32, 1, 28, 28), torch.arange(32) % 10
    losses = []
    for _ in range(6):
        l = loss(net(X), y)
        updater.zero_grad()
        l.mean().backward()
        updater.step()
        losses.append(l.sum().item())
    return {"losses": losses, "shape": l.shape, "b2": b2, "argmax": net(X).argmax(axis=1).type(y.dtype)}


@tolerance(rtol=1e-4)
def perceptron_in_short(torch, nn, F, optim, data):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))

    def init_weights(m):
        if type(m) == nn.Linear:  # noqa: E721  (the course's own test)
            nn.init.normal_(m.weight, std=0.01)

    returned = net.apply(init_weights)
    loss = nn.CrossEntropyLoss(reduction="none")
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)
    X, y = torch.rand(32, 1, 28, 28), torch.arange(32) % 10
    losses = []
    for _ in range(6):
        l = loss(net(X), y)
        trainer.zero_grad()
        l.mean().backward()
        trainer.step()
        losses.append(l.mean().item())
    return {"repr": repr(net), "returns_net": returned is net, "losses": losses, "weight": net[1].weight[0, :5]}


def two_ways_agree(torch, nn, F, optim, data):
    """The same weights by hand and in an nn.Sequential: one output, one gradient (the layer's transposed)."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    W1, W2 = [nn.Parameter(net[i].weight.T) for i in (0, 2)]
    b1, b2 = [nn.Parameter(net[i].bias) for i in (0, 2)]
    X, y = torch.randn(6, 4), torch.tensor([0, 1, 0, 1, 1, 0])
    by_hand = torch.relu(X @ W1 + b1) @ W2 + b2
    loss = nn.CrossEntropyLoss()
    loss(by_hand, y).backward()
    loss(net(X), y).backward()
    return {
        "outputs_agree": torch.allclose(by_hand, net(X), atol=1e-6),
        "gradients_agree": torch.allclose(W1.grad, net[0].weight.grad.T, atol=1e-6),
        "bias_grad": b2.grad,
        "names": [name for name, _ in net.named_parameters()],
    }


def flatten_layer(torch, nn, F, optim, data):
    X = torch.arange(24.0).reshape(2, 3, 4)
    return {
        "repr": repr(nn.Flatten()),
        "output": nn.Flatten()(X),
        "tuple": X.reshape((-1, 4)).shape,
        "method": X.flatten(),
    }


def losses_without_reduction(torch, nn, F, optim, data):
    logits = torch.tensor([[1.0, 2.0, -1.0], [0.5, 0.5, 0.5]], requires_grad=True)
    y = torch.tensor([1, 2])
    l = nn.CrossEntropyLoss(reduction="none")(logits, y)
    l.mean().backward()
    mean = logits.grad.clone()
    logits.grad = None
    nn.CrossEntropyLoss(reduction="none")(logits, y).sum().backward()
    return {
        "losses": [l, l.shape, repr(l)],
        "mean": mean,
        "sum": logits.grad,
        "squares": nn.MSELoss(reduction="none")(logits.detach(), torch.zeros(2, 3)),
        "refused": raised("scalar outputs", nn.CrossEntropyLoss(reduction="none")(logits, y).backward),
    }


def types_of_classes(torch, nn, F, optim, data):
    """argmax(axis=1), .type(dtype), ==: the course's accuracy."""
    y_hat, y = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]]), torch.tensor([0, 2])
    cmp = y_hat.argmax(axis=1).type(y.dtype) == y
    return {
        "right": float(cmp.type(y.dtype).sum()),
        "dtypes": [cmp.dtype, cmp.type(y.dtype).dtype, y.type(torch.float32).dtype],
        "picked": y_hat[[0, 1], y],
    }


# ---- 4.4 under- and overfitting ------------------------------------------------------------------------------


@tolerance(rtol=1e-3)
def polynomial_regression(torch, nn, F, optim, data):
    """Arrays of float64 made float32, a bias-free layer, losses by sum over counts."""
    random = np.random.RandomState(0)
    features = random.normal(size=(40, 1))
    powers = np.power(features, np.arange(6).reshape(1, -1)) / [math.gamma(i + 1) for i in range(6)]
    labels = powers[:, :4] @ np.array([5, 1.2, -3.4, 5.6])
    X, y = [torch.tensor(array, dtype=torch.float32) for array in (powers[:, :4], labels)]
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(X.shape[-1], 1, bias=False))
    loss = nn.MSELoss(reduction="none")
    train_iter = _load_array(data, (X[:30], y[:30].reshape(-1, 1)), 10)
    test_iter = _load_array(data, (X[30:], y[30:].reshape(-1, 1)), 10, is_train=False)
    trainer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(20):
        for rows, targets in train_iter:
            trainer.zero_grad()
            loss(net(rows), targets).mean().backward()
            trainer.step()
    test = sum(loss(net(rows), targets).sum().item() for rows, targets in test_iter) / 10
    return {"dtype": X.dtype, "repr": repr(net), "test": test, "weight": net[0].weight.data.numpy()}


def tensor_of_doubles(torch, nn, F, optim, data):
    array = np.array([[1.0, 0.1], [2.0, 1 / 3]])
    return {
        "kept": [torch.tensor(array).dtype, repr(torch.tensor(array))],
        "made_float32": [torch.tensor(array, dtype=torch.float32).dtype, torch.tensor(array, dtype=torch.float32)],
        "numbers": [torch.tensor([1, 2.0]).dtype, torch.tensor([1, 2]).dtype, torch.tensor([True]).dtype],
    }


# ---- 4.5 weight decay ----------------------------------------------------------------------------------------


@tolerance(rtol=1e-4)
def weight_decay_by_groups(torch, nn, F, optim, data):
    """A group for the weight, decayed, and one for the bias: "params" is a tensor, not a list."""
    torch.manual_seed(0)
    wd, lr, num_inputs = 3, 0.003, 20
    train_iter = _load_array(data, _line(torch, 20, num_inputs), 5)
    net = nn.Sequential(nn.Linear(num_inputs, 1))
    for param in net.parameters():
        param.data.normal_()
    loss = nn.MSELoss(reduction="none")
    trainer = torch.optim.SGD([{"params": net[0].weight, "weight_decay": wd}, {"params": net[0].bias}], lr=lr)
    norms = []
    for _ in range(5):
        for X, y in train_iter:
            trainer.zero_grad()
            l = loss(net(X), y)
            l.mean().backward()
            trainer.step()
        norms.append(net[0].weight.norm().item())
    return {
        "norms": norms,
        "bias": net[0].bias,
        "groups": [[group["lr"], group["weight_decay"], len(group["params"])] for group in trainer.param_groups],
        "same": trainer.param_groups[0]["params"][0] is net[0].weight,
    }


def groups_without_a_rate(torch, nn, F, optim, data):
    """The course's call has no lr: it is 0.001."""
    net = nn.Sequential(nn.Linear(2, 1))
    trainer = torch.optim.SGD([{"params": net[0].weight, "weight_decay": 0.5}, {"params": net[0].bias, "lr": 0.2}])
    return {"groups": [[group["lr"], group["weight_decay"]] for group in trainer.param_groups]}


def groups_with_a_shared_parameter(torch, nn, F, optim, data):
    w = torch.ones(1, requires_grad=True)
    return {"error": raised("more than one parameter group", optim.SGD, [{"params": w}, {"params": [w]}], lr=0.1)}


def step_with_weight_decay(torch, nn, F, optim, data):
    """One step is (1 − ηλ)w − η·grad."""
    w = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    eta, lambd = 0.1, 0.5
    trainer = torch.optim.SGD([w], lr=eta, weight_decay=lambd)
    before = w.detach().clone()
    (w**2 * torch.tensor([1.0, 2.0, 0.0])).sum().backward()
    by_hand = (1 - eta * lambd) * before - eta * w.grad
    trainer.step()
    return {"w": w, "by_hand": by_hand, "agree": torch.allclose(w, by_hand), "grad": w.grad}


@tolerance(rtol=1e-4)
def decay_as_a_penalty(torch, nn, F, optim, data):
    """The squared norm halved, times λ, in the loss: the norm of w after four steps of the course's own sgd."""
    torch.manual_seed(0)
    w, b = torch.normal(0, 1, size=(20, 1), requires_grad=True), torch.zeros(1, requires_grad=True)
    X, y = _line(torch, 5, 20)
    norms = []
    for _ in range(4):
        l = ((X @ w + b - y) ** 2 / 2).mean() + 3 * torch.sum(w.pow(2)) / 2
        l.backward()
        with torch.no_grad():
            for param in (w, b):
                param -= 0.003 * param.grad  # noqa: PLW2901  (in place)
                param.grad.zero_()
        norms.append(torch.norm(w).item())
    return {"norms": norms, "b": b, "loss": l.item()}


def norms(torch, nn, F, optim, data):
    w = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    n = w.norm()
    n.backward()
    return {"norm": [n.item(), torch.norm(w).item()], "grad": w.grad, "repr": repr(n)}


# ---- 4.6 dropout ---------------------------------------------------------------------------------------------


def dropout_by_hand(torch, nn, F, optim, data):
    torch.manual_seed(0)
    X = torch.arange(16, dtype=torch.float32).reshape((2, 8))

    def dropout_layer(X, dropout):
        if dropout == 1:
            return torch.zeros_like(X)
        mask = (torch.rand(X.shape) > dropout).float()
        return mask * X / (1.0 - dropout)

    return {"X": repr(X), "outputs": [dropout_layer(X, p) for p in (0.0, 0.5, 1.0)]}


def dropout_modes(torch, nn, F, optim, data):
    """In training an element is 0 or x/(1 − p), by the generator's numbers; in evaluation nothing happens."""
    torch.manual_seed(0)
    layer, x = nn.Dropout(0.25), torch.arange(1.0, 21.0, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    layer.eval()
    still = layer(x)
    return {
        "repr": repr(layer),
        "training": y,
        "grad": x.grad,
        "zero_or_scaled": ((y == 0) | ((y - x / 0.75).abs() < 1e-5)).all().item(),
        "evaluation": torch.equal(still, x),
        "next": torch.rand(1),
    }


def dropout_edges(torch, nn, F, optim, data):
    x = torch.ones(12)
    torch.manual_seed(1)
    return {
        "none": nn.Dropout(0)(x),
        "all": nn.Dropout(1)(x),
        "functional": F.dropout(x, 0.5),
        "functional_eval": F.dropout(x, p=0.5, training=False),
        "default": nn.Dropout().p,
        "refused": raised("probability", nn.Dropout, 1.5),
    }


@tolerance(rtol=1e-4)
def dropout_net(torch, nn, F, optim, data):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    def init_weights(m):
        if type(m) == nn.Linear:  # noqa: E721
            nn.init.normal_(m.weight, std=0.1)

    net.apply(init_weights)
    X, y = torch.rand(4, 3, 4), torch.tensor([0, 1, 2, 0])
    loss, trainer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.5)
    losses = []
    for _ in range(4):
        trainer.zero_grad()
        l = loss(net(X), y)
        l.backward()
        trainer.step()
        losses.append(l.item())
    net.eval()
    return {"losses": losses, "training": [m.training for m in net], "eval": net(X)}


def batchnorm_modes(torch, nn, F, optim, data):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Sigmoid())
    net[0].weight.data.normal_(0, 1)
    X = torch.randn(6, 3)
    trained = net(X)
    net.eval()
    return {
        "training": trained,
        "evaluation": net(X),
        "running": [net[1].running_mean, net[1].running_var, net[1].num_batches_tracked],
        "flags": [net.training, net[1].training],
        "repr": repr(net),
    }


# ---- 4.7 forward and backward --------------------------------------------------------------------------------


def one_hidden_layer_with_a_regulariser(torch, nn, F, optim, data):
    """J = L + λ/2(|W1|² + |W2|²), and ∂J/∂W2 = ∂J/∂o hᵀ + λW2 by hand."""
    x, target, lambd = torch.tensor([1.0, -2.0]), torch.tensor([0.5]), 0.1
    W1 = torch.tensor([[0.2, -0.4], [0.7, 0.1], [-0.3, 0.5]], requires_grad=True)
    W2 = torch.tensor([[0.6, -0.1, 0.9]], requires_grad=True)
    h = torch.sigmoid(W1 @ x)
    o = W2 @ h
    L = ((o - target) ** 2 / 2).sum()
    J = L + lambd / 2 * ((W1**2).sum() + (W2**2).sum())
    J.backward()
    by_hand = (o - target).detach().reshape(1, 1) @ h.detach().reshape(1, 3) + lambd * W2.detach()
    return {
        "J": J.item(),
        "W1": W1.grad,
        "W2": W2.grad,
        "agree": torch.allclose(by_hand, W2.grad),
        "names": [repr(t.grad_fn) for t in (h, o, L, J)],
    }


# ---- 4.8 vanishing, exploding, symmetry ----------------------------------------------------------------------


def _depth_ratio(torch, nn, activation, init):
    """The gradient norm of the first of 12 layers over that of the last."""
    torch.manual_seed(2021)
    net = nn.Sequential(*[layer for _ in range(12) for layer in (nn.Linear(64, 64), activation())])

    def initialise(m):
        if type(m) == nn.Linear:  # noqa: E721
            init(m.weight)
            nn.init.zeros_(m.bias)

    net.apply(initialise)
    (net(torch.randn(100, 64)) ** 2).mean().backward()
    return net[0].weight.grad.norm().item() / net[-2].weight.grad.norm().item()


@tolerance(rtol=1e-3, atol=0)
def gradients_vanish(torch, nn, F, optim, data):
    """Through 12 sigmoid layers 2.5e-8 of the gradient is left, through tanh or relu with their scales all of it."""
    return {
        "sigmoid": _depth_ratio(torch, nn, nn.Sigmoid, nn.init.xavier_uniform_),
        "tanh": _depth_ratio(torch, nn, nn.Tanh, nn.init.xavier_uniform_),
        "relu": _depth_ratio(torch, nn, nn.ReLU, nn.init.kaiming_normal_),
    }


def sigmoid_gradient_at_the_ends(torch, nn, F, optim, data):
    x = torch.tensor([-8.0, 0.0, 8.0], requires_grad=True)
    torch.sigmoid(x).backward(torch.ones_like(x))
    return {"grad": x.grad, "picture": x.grad.numpy(), "values": torch.sigmoid(x).detach().numpy()}


@tolerance(rtol=1e-3)
def products_explode(torch, nn, F, optim, data):
    """A hundred random 4×4 matrices, multiplied."""
    torch.manual_seed(0)
    M = torch.normal(0, 1, size=(4, 4))
    first = repr(M)
    for _ in range(100):
        M = torch.mm(M, torch.normal(0, 1, size=(4, 4)))
    return {"first": first, "product": M}


def matrix_product_refuses(torch, nn, F, optim, data):
    return {
        "shapes": raised("cannot be multiplied (2x3 and 2x3)", torch.mm, torch.ones(2, 3), torch.ones(2, 3)),
        "vectors": raised("", torch.mm, torch.ones(3), torch.ones(3, 2)),
    }


def symmetry_stays(torch, nn, F, optim, data):
    """Five hidden units with constant weights stay one and the same."""
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    nn.init.constant_(net[0].weight, 0.5)
    nn.init.zeros_(net[0].bias)
    nn.init.constant_(net[2].weight, 0.3)
    nn.init.constant_(net[2].bias, 0)
    torch.manual_seed(0)
    X, y = _line(torch, 16)
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(10):
        trainer.zero_grad()
        nn.MSELoss()(net(X), y).backward()
        trainer.step()
    rows = {tuple(round(cell, 4) for cell in row) for row in net[0].weight.tolist()}
    return {
        "distinct": len(rows),
        "row": net[0].weight[0],
        "rows_agree": torch.allclose(net[0].weight[0], net[0].weight[4]),
    }


# ---- initialisation ------------------------------------------------------------------------------------------


def initialisers(torch, nn, F, optim, data):
    """Each writes into the parameter and returns it, with the numbers of the seed."""
    found = {}
    for name, options in {
        "normal_": {"std": 0.01},
        "uniform_": {"a": -0.5, "b": 0.25},
        "xavier_uniform_": {},
        "xavier_normal_": {},
        "kaiming_normal_": {},
        "kaiming_uniform_": {"nonlinearity": "relu"},
        "constant_": {"val": 0.75},
        "ones_": {},
        "zeros_": {},
    }.items():
        layer = nn.Linear(6, 5)
        torch.manual_seed(0)
        returned = getattr(nn.init, name)(layer.weight, **options)
        found[name] = [layer.weight, returned is layer.weight, layer.weight.requires_grad, layer.weight.is_leaf]
    return found


def initialisers_by_position(torch, nn, F, optim, data):
    w = torch.empty(3, 6)
    torch.manual_seed(0)
    return {
        "normal": nn.init.normal_(w, 1.0, 0.5).clone(),
        "uniform": nn.init.uniform_(w, 0, 2).clone(),
        "constant": nn.init.constant_(w, 42).clone(),
        "gain": nn.init.xavier_uniform_(w, gain=nn.init.calculate_gain("tanh")),
        "of_a_vector": raised("an in and fan out can not be computed", nn.init.xavier_uniform_, torch.empty(3)),
    }


def initialised_by_apply(torch, nn, F, optim, data):
    """A different rule for each layer, as the course does: net[0].apply(…), net[2].apply(…)."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))

    def xavier(m):
        if type(m) == nn.Linear:  # noqa: E721
            nn.init.xavier_uniform_(m.weight)

    def constant(m):
        if type(m) == nn.Linear:  # noqa: E721
            nn.init.constant_(m.weight, 42)

    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    net[0].apply(xavier)
    net[2].apply(constant)
    return {"order": seen, "first": net[0].weight.data[0], "second": net[2].weight.data}


def data_drawn_anew(torch, nn, F, optim, data):
    """param.data.normal_() and uniform_ write into the parameter, outside the graph."""
    torch.manual_seed(0)
    layer = nn.Linear(20, 1)
    weight = layer.weight
    drawn = layer.weight.data.normal_()
    layer.bias.data.fill_(0.5)
    normal = layer.weight.clone()
    layer.weight.data.uniform_(-1, 1)
    return {
        "normal": normal,
        "uniform": layer.weight,
        "bias": layer.bias,
        "same_object": layer.weight is weight,
        "data": [drawn.requires_grad, layer.weight.data.requires_grad, layer.weight.is_leaf],
    }


@tolerance(rtol=1e-4)
def default_initialisation(torch, nn, F, optim, data):
    """Linear: weight, then bias, both uniform within 1/√in; the variance of what comes through layer by layer."""
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Linear(64, 64) for _ in range(4)])
    H, variances = torch.randn(100, 64), []
    for layer in net:
        H = torch.tanh(layer(H))
        variances.append(H.var().item())
    return {"bound": net[0].weight.abs().max().item(), "bias": net[0].bias[:5], "variances": variances}


# ---- the random numbers that the chapter draws ---------------------------------------------------------------


def random_numbers(torch, nn, F, optim, data):
    torch.manual_seed(42)
    return {
        "normal": torch.normal(0, 1, size=(4, 4)),
        "normal_tuple": torch.normal(0.0, 0.01, (3, 1)),
        "randn": torch.randn(2, 3),
        "rand": torch.rand((2, 3)),
        "randn_requires": torch.randn(2, requires_grad=True).requires_grad,
        "long": torch.randn(35),
    }


# ---- 4.10 house prices ---------------------------------------------------------------------------------------


@tolerance(rtol=1e-4)
def log_rmse(torch, nn, F, optim, data):
    """The predictions clamped to 1 at least, the root of the mean square of logarithms."""
    features, prices = _houses()
    train_features = torch.tensor(features, dtype=torch.float32)
    train_labels = torch.tensor(prices, dtype=torch.float32)
    torch.manual_seed(0)
    net, loss = nn.Sequential(nn.Linear(train_features.shape[1], 1)), nn.MSELoss()
    net[0].bias.data.fill_(1.2)
    clipped_preds = torch.clamp(net(train_features), 1, float("inf"))
    rmse = torch.sqrt(loss(torch.log(clipped_preds), torch.log(train_labels)))
    rmse.backward()
    return {
        "bias_grad": net[0].bias.grad,
        "dtypes": [train_features.dtype, train_labels.dtype],
        "clipped": clipped_preds,
        "rmse": rmse.item(),
        "type": type(rmse.item()).__name__,
        "repr": repr(rmse),
    }


def clamp_at_the_limit(torch, nn, F, optim, data):
    """Positional limits, an int and an infinite float; the gradient is 1 at the limit, 0 beyond."""
    z = torch.tensor([-2.0, 0.999, 1.0, 1.5, 4.0], requires_grad=True)
    y = torch.clamp(z, 1, float("inf"))
    y.sum().backward()
    return {
        "y": y,
        "grad": z.grad,
        "grad_fn": repr(y.grad_fn),
        "both": torch.clamp(z, min=0.0, max=1.5).detach(),
        "method": z.clamp(1, 2).detach(),
        "min_only": torch.clamp(z.detach(), min=1),
    }


@tolerance(rtol=1e-4)
def adam_with_weight_decay(torch, nn, F, optim, data):
    """The course's training function: load_array, Adam(lr, weight_decay), MSE; log-RMSE after each epoch."""
    features, prices = _houses()
    train_features, train_labels = [torch.tensor(array, dtype=torch.float32) for array in (features, prices / 1e5)]
    torch.manual_seed(0)
    net, loss = nn.Sequential(nn.Linear(train_features.shape[1], 1)), nn.MSELoss()
    train_iter = _load_array(data, (train_features, train_labels), 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=0.1)
    train_ls = []
    for _ in range(6):
        for X, y in train_iter:
            optimizer.zero_grad()
            l = loss(net(X), y)
            l.backward()
            optimizer.step()
        train_ls.append(loss(net(train_features), train_labels).item())
    preds = net(train_features).detach().numpy()
    return {
        "train_ls": train_ls,
        "last": float(train_ls[-1]),
        "weight_decay": optimizer.param_groups[0]["weight_decay"],
        "preds": preds,
        "kind": [type(preds).__name__, str(preds.dtype), list(preds.reshape(1, -1)[0].shape)],
    }


def load_array(torch, nn, F, optim, data):
    """batch_size by position, three arrays at once."""
    arrays = torch.arange(10.0).reshape(5, 2), torch.arange(5), torch.ones(5)
    torch.manual_seed(0)
    shuffled = [[part.tolist() for part in batch] for batch in _load_array(data, arrays, 2)]
    in_order = [[part.tolist() for part in batch] for batch in _load_array(data, arrays, 2, is_train=False)]
    return {
        "shuffled": shuffled,
        "in_order": in_order,
        "unequal": raised("", data.TensorDataset, torch.ones(2), torch.ones(3)),
    }


def numpy_refused(torch, nn, F, optim, data):
    """numpy() of what requires grad is refused, also for a leaf; inside no_grad it is allowed."""
    phrase = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.no_grad():
        inside = w.numpy()
    return {
        "leaf": raised(phrase, w.numpy),
        "result": raised(phrase, (w * 2).numpy),
        "inside_no_grad": inside,
        "detached": w.detach().numpy(),
        "parameter": raised(phrase, nn.Linear(1, 1).weight.numpy),
    }


def detach_shares(torch, nn, F, optim, data):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    y = w * 2
    cut = y.detach()
    array = cut.numpy()
    array[0] = 9.0
    return {
        "cut": cut,
        "y": y.tolist(),
        "flags": [cut.requires_grad, cut.grad_fn, cut.is_leaf, y.requires_grad],
    }


def k_fold(torch, nn, F, optim, data):
    """X[slice, :], torch.cat([a, b], 0): each fold once for validation, the others joined."""
    k, X, y = 3, torch.arange(14.0).reshape(7, 2), torch.arange(7)
    fold_size = X.shape[0] // k
    folds = []
    for i in range(k):
        X_train, X_valid = None, None
        for j in range(k):
            idx = slice(j * fold_size, (j + 1) * fold_size)
            X_part, y_part = X[idx, :], y[idx]
            if j == i:
                X_valid, y_valid = X_part, y_part
            elif X_train is None:
                X_train, y_train = X_part, y_part
            else:
                X_train = torch.cat([X_train, X_part], 0)
                y_train = torch.cat([y_train, y_part], 0)
        folds.append([X_train, y_train, X_valid, y_valid])
    return {"folds": folds, "refused": raised("", torch.cat, [X, torch.ones(2, 3)], 0)}


def cat_gradient(torch, nn, F, optim, data):
    a, b = torch.ones(1, 2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    joined = torch.cat([a, b], 0)
    (joined * torch.arange(6.0).reshape(3, 2)).sum().backward()
    return {"shape": joined.shape, "a": a.grad, "b": b.grad, "along_1": torch.cat((b, b), dim=1).shape}


def slices(torch, nn, F, optim, data):
    """A slice shares memory with its tensor and passes its gradient on."""
    X = torch.arange(12.0).reshape(4, 3)
    X[slice(1, 3), :] = 0
    part = X[2:, 1]
    part += 100
    w = torch.ones(4, 3, requires_grad=True)
    w[slice(0, 2), :].sum().backward()
    return {"X": X, "grad": w.grad, "last": X[-1], "step": X[::2, 0]}


# ---- the names of grad_fn ------------------------------------------------------------------------------------


def _leaves(torch):
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = torch.tensor([[0.5, 0.25], [2.0, 1.0]], requires_grad=True)
    v = torch.tensor([1.0, -1.0], requires_grad=True)
    return a, b, v


def _names(**results):
    return {name: repr(result.grad_fn) for name, result in results.items()}


def grad_fn_of_arithmetic(torch, nn, F, optim, data):
    a, b, _ = _leaves(torch)
    return _names(
        add=a + b,
        mul=a * b,
        sub=a - b,
        div=a / b,
        neg=-a,
        pow=a**2,
        radd=1 + a,
        rmul=2 * a,
        rsub=1 - a,
        add_scalar=a + 1,
    )


def grad_fn_of_reciprocals_and_powers(torch, nn, F, optim, data):
    a, b, _ = _leaves(torch)
    return _names(rdiv=1 / a, pow_tensor=a**b, rpow=2**a)


def grad_fn_of_functions(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    return _names(
        sin=torch.sin(a),
        cos=torch.cos(a),
        exp=a.exp(),
        log=a.log(),
        tanh=torch.tanh(a),
        sqrt=torch.sqrt(a),
        abs=a.abs(),
        relu=torch.relu(a),
        sigmoid=torch.sigmoid(a),
    )


def grad_fn_of_reductions(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    return _names(
        sum=a.sum(),
        sum_dim=a.sum(1),
        sum_keepdim=a.sum(1, keepdim=True),
        mean=a.mean(),
        max=a.max(),
    )


def grad_fn_of_max_along_a_dim(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    values, indices = a.max(1)
    return {**_names(values=values), "indices": [indices, indices.requires_grad]}


def grad_fn_of_products(torch, nn, F, optim, data):
    a, b, v = _leaves(torch)
    return _names(matrix=a @ b, vector=a @ v, dot=v @ v, mm=torch.mm(a, b), linear=nn.Linear(2, 3)(a))


def grad_fn_of_indexing(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    return _names(
        select=a[0], slice=a[0:1], index=a[torch.tensor([0, 0])], pair=a[torch.arange(2), torch.tensor([0, 1])]
    )


def grad_fn_of_shapes(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    return _names(
        T=a.T,
        reshape=a.reshape(4),
        view=a.view(-1),
        unsqueeze=a.unsqueeze(0),
        squeeze=a[0:1].squeeze(),
        clone=a.clone(),
    )


def grad_fn_of_less_common_forms(torch, nn, F, optim, data):
    """Beyond what the courses print: the same operations in forms for which PyTorch has another name."""
    a, _, _ = _leaves(torch)
    return _names(mean_dim=a.mean(0), squeeze_dim=a[0:1].squeeze(0), reshape_that_copies=a.T.reshape(4), norm=a.norm())


def grad_fn_of_joins_and_choices(torch, nn, F, optim, data):
    a, b, _ = _leaves(torch)
    return _names(
        stack=torch.stack([a, b]),
        cat=torch.cat([a, b], 0),
        where=torch.where(a > 2, a, b),
        maximum=torch.maximum(a, b),
        clamp=torch.clamp(a, 1, 2),
    )


def grad_fn_of_losses(torch, nn, F, optim, data):
    a, b, _ = _leaves(torch)
    y = torch.tensor([0, 1])
    return _names(
        softmax=F.softmax(a, dim=1),
        log_softmax=F.log_softmax(a, dim=1),
        mse=nn.MSELoss()(a, b),
        cross_entropy=F.cross_entropy(a, y),
    )


def grad_fn_of_a_leaf(torch, nn, F, optim, data):
    a, _, _ = _leaves(torch)
    return {"leaf": a.grad_fn, "plain": torch.ones(1).grad_fn, "name": (a + 1).grad_fn.name(), "printed": repr(a * 2)}
