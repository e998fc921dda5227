"""CMU 11-785 HW1: datasets and loaders, the five parts of a torch pipeline, the layers and optimizers of mytorch."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np

from . import raised, tolerance

OPTIMISERS = {
    "plain": lambda optim, p: optim.SGD(p, lr=0.03),
    "momentum": lambda optim, p: optim.SGD(p, lr=0.03, momentum=0.9),
    "nesterov": lambda optim, p: optim.SGD(p, lr=0.03, momentum=0.9, nesterov=True),
    "adagrad": lambda optim, p: optim.Adagrad(p, lr=0.1),
    "rmsprop": lambda optim, p: optim.RMSprop(p, lr=0.02),
    "adam": lambda optim, p: optim.Adam(p, lr=0.1),
    "rprop": lambda optim, p: optim.Rprop(p, lr=0.1),
}


def _pictures(torch, rows):
    """Bytes (rows, 28, 28) and classes, as the course's MNIST files hold them."""
    random = np.random.RandomState(11)
    classes = random.randint(0, 10, rows).astype(np.int64)
    pictures = random.randint(0, 100, (rows, 28, 28)).astype(np.uint8)
    for picture, row in zip(pictures, classes, strict=True):
        picture[2 * row + 2 : 2 * row + 5] += 150
    return torch.tensor(pictures), torch.tensor(classes)


def _dataset(torch, data, rows):
    class Pictures(data.Dataset):
        def __init__(self, X, Y):
            self.X, self.Y = X, Y

        def __len__(self):
            return len(self.Y)

        def __getitem__(self, index):
            return self.X[index].float().reshape(-1), self.Y[index].long()

    return Pictures(*_pictures(torch, rows))


def _model(nn, sizes):
    """A module that makes its Sequential from a list of layers."""

    class MLP(nn.Module):
        def __init__(self, sizes):
            super().__init__()
            layers = []
            for fan_in, fan_out in itertools.pairwise(sizes):
                layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
            self.layers = nn.Sequential(*layers[:-1])

        def forward(self, x):
            return self.layers(x)

    return MLP(sizes)


# ---- Dataset, DataLoader -------------------------------------------------------------------------------------


def dataset_protocol(torch, nn, F, optim, data):
    dataset = _dataset(torch, data, 10)
    x, y = dataset[3]
    return {
        "length": len(dataset),
        "raw": [dataset.X.shape, dataset.X.dtype, len(dataset.X), dataset.X[3].shape, dataset.X[3, 0, :5]],
        "x": [x.shape, x.dtype, x[:5]],
        "y": [y.shape, y.dtype, y.item(), repr(y)],
        "a_dataset": isinstance(dataset, torch.utils.data.Dataset),
        "same_names": [data.Dataset is torch.utils.data.Dataset, data.DataLoader is torch.utils.data.DataLoader],
    }


def loader_from_arguments(torch, nn, F, optim, data):
    """DataLoader(ds, **arguments): batches of 64 items, the last one smaller, in the generator's order."""
    arguments = dict(shuffle=True, batch_size=64)
    loader = data.DataLoader(_dataset(torch, data, 150), **arguments)
    torch.manual_seed(0)
    batches = list(loader)
    return {
        "length": len(loader),
        "shapes": [[x.shape, y.shape] for x, y in batches],
        "dtypes": [batches[0][0].dtype, batches[0][1].dtype],
        "classes": [y for x, y in batches],
        "sums": [x.sum().item() for x, y in batches],
        "batch_size": loader.batch_size,
        "dataset_length": len(loader.dataset),
    }


def loader_arguments_for_the_gpu(torch, nn, F, optim, data):
    """num_workers and pin_memory change nothing of what arrives."""
    dataset = data.TensorDataset(torch.arange(10), torch.arange(10) * 0.5)
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = data.DataLoader(dataset, shuffle=True, batch_size=4, num_workers=0, pin_memory=True)
        batches = list(loader)
    return {"batches": batches, "num_workers": loader.num_workers}


def loader_with_workers(torch, nn, F, optim, data):
    torch.manual_seed(3)
    dataset = data.TensorDataset(torch.arange(10), torch.arange(10) * 0.5)
    return {"batches": list(data.DataLoader(dataset, shuffle=True, batch_size=4, num_workers=1))}


def loader_drops_the_last(torch, nn, F, optim, data):
    dataset = data.TensorDataset(torch.arange(10))
    loaders = [data.DataLoader(dataset, batch_size=4, drop_last=drop) for drop in (False, True)]
    return {
        "lengths": [len(loader) for loader in loaders],
        "batches": [[batch.tolist() for (batch,) in loader] for loader in loaders],
        "default_size": len(data.DataLoader(dataset)),
    }


def loader_collates_numbers(torch, nn, F, optim, data):
    """Ints become int64, floats float64, arrays keep their dtype."""

    class Mixed(data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return np.float32([index, -index]), index, index / 2

    (batch,) = data.DataLoader(Mixed(), batch_size=3)
    return {"type": type(batch).__name__, "batch": batch, "dtypes": [part.dtype for part in batch]}


def loader_collates_dicts(torch, nn, F, optim, data):
    class Named(data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return {"row": torch.tensor([index, -index]), "class": index, "name": f"n{index}"}

    (batch,) = data.DataLoader(Named(), batch_size=2)
    return {"batch": batch, "type": type(batch["name"]).__name__}


def dataset_without_getitem(torch, nn, F, optim, data):
    class Empty(data.Dataset):
        pass

    return {
        "item": raised("Subclasses of Dataset should implement __getitem__.", lambda: Empty()[0]),
        "base": raised("__getitem__", lambda: data.Dataset()[0]),
        "length": raised("", lambda: len(Empty())),
    }


# ---- the model and its device --------------------------------------------------------------------------------


def device_of_the_course(torch, nn, F, optim, data):
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    x = torch.ones(2)
    return {
        "cuda": cuda,
        "device": [repr(device), str(device), device.type],
        "equal": [device == torch.device("cpu"), x.device == device],
        "to_is_the_same_tensor": [x.to(device) is x, x.to("cpu") is x],
        "cpu": x.cpu() is x,
        "in_brackets": raised("", lambda: torch.device["cpu"]),
    }


def model_to_device(torch, nn, F, optim, data):
    model = _model(nn, [4, 3, 2])
    parameters = list(model.parameters())
    moved = model.to(torch.device("cpu"))
    return {
        "returns_the_model": moved is model,
        "same_parameters": all(a is b for a, b in zip(parameters, model.parameters(), strict=True)),
        "device": repr(next(model.parameters()).device),
    }


def to_a_dtype(torch, nn, F, optim, data):
    x = torch.tensor([1, 2])
    model = nn.Linear(2, 1)
    returned = model.to(torch.float64)
    return {
        "tensor": [x.to(torch.float32).dtype, x.double().dtype, x.to(torch.int64) is x],
        "model": [returned is model, model.weight.dtype, model.weight.is_leaf, model.weight.requires_grad],
        "back": model.float().weight.dtype,
    }


def attributes_are_registered(torch, nn, F, optim, data):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer1 = nn.Linear(4, 3)
            self.layer2 = nn.Linear(3, 2)
            self.size = 4

        def forward(self, x):
            return self.layer2(torch.tanh(self.layer1(x)))

    torch.manual_seed(0)
    model = Two()
    return {
        "repr": repr(model),
        "keys": list(model.state_dict()),
        "shapes": [value.shape for value in model.state_dict().values()],
        "requires_grad": [value.requires_grad for value in model.state_dict().values()],
        "children": [name for name, _ in model.named_children()],
        "count": sum(p.numel() for p in model.parameters()),
        "output": model(torch.ones(1, 4)),
    }


def sequential_of_a_list(torch, nn, F, optim, data):
    torch.manual_seed(0)
    model = _model(nn, [784, 20, 15, 10])
    net = model.layers
    return {
        "repr": repr(model),
        "keys": list(model.state_dict()),
        "length": len(net),
        "types": [type(layer).__name__ for layer in net],
        "items": [repr(net[0]), repr(net[-1]), repr(net[:2])],
        "weights": net[0].weight[0, :5],
        "output": model(torch.ones(2, 784)),
        "too_far": raised("out of range", lambda: net[5]),
    }


def module_trees_print(torch, nn, F, optim, data):
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.Sigmoid(), nn.Dropout(0.25))
            self.heads = nn.ModuleList([nn.Linear(3, 1), nn.Identity()])
            self.loss = nn.MSELoss()

    empty = nn.Sequential()
    return {"tree": repr(Deep()), "empty": repr(empty), "losses": [repr(nn.MSELoss()), repr(nn.CrossEntropyLoss())]}


def activations_print(torch, nn, F, optim, data):
    return {"reprs": [repr(layer) for layer in (nn.ReLU(), nn.Sigmoid(), nn.Tanh(), nn.Softmax(dim=1))]}


def module_without_super(torch, nn, F, optim, data):
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    class ForgetfulOfParameters(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(torch.ones(2))

    return {
        "module": raised("cannot assign module before Module.__init__() call", Forgetful),
        "parameter": raised("before Module.__init__() call", ForgetfulOfParameters),
    }


def unknown_attribute(torch, nn, F, optim, data):
    return {"error": raised("has no attribute 'layer9'", lambda: _model(nn, [2, 2, 2]).layer9)}


def train_and_eval(torch, nn, F, optim, data):
    model = _model(nn, [4, 3, 2])
    seen = [model.training]
    returned = model.eval()
    seen += [model.training, model.layers[0].training]
    model.train()
    seen += [model.training, model.layers[1].training]
    model.train(False)
    return {"seen": [*seen, model.training], "returns_the_model": returned is model and model.train() is model}


def state_dict_goes_around(torch, nn, F, optim, data):
    torch.manual_seed(1)
    one, other = _model(nn, [3, 4, 2]), _model(nn, [3, 4, 2])
    answer = other.load_state_dict(one.state_dict())
    return {
        "answer": repr(answer),
        "equal": [torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True)],
        "copied": one.layers[0].weight is not other.layers[0].weight,
        "missing": raised("Missing key", other.load_state_dict, {}),
        "unexpected": raised("Unexpected key", other.load_state_dict, {**one.state_dict(), "z": torch.ones(1)}),
        "shape": raised("size mismatch", other.load_state_dict, _model(nn, [3, 5, 2]).state_dict()),
    }


# ---- errors --------------------------------------------------------------------------------------------------


def wrong_input_width(torch, nn, F, optim, data):
    phrase = "mat1 and mat2 shapes cannot be multiplied (2x784 and 3x4)"
    return {
        "linear": raised(phrase, nn.Linear(3, 4), torch.ones(2, 784)),
        "matmul": raised(phrase, lambda: torch.ones(2, 784) @ torch.ones(3, 4)),
    }


def class_out_of_bounds(torch, nn, F, optim, data):
    loss = nn.CrossEntropyLoss()
    return {
        "too_large": raised("Target 3 is out of bounds.", loss, torch.zeros(2, 3), torch.tensor([0, 3])),
        "negative": raised("Target -1 is out of bounds.", loss, torch.zeros(2, 3), torch.tensor([0, -1])),
        "lengths": raised("batch_size (2)", loss, torch.zeros(2, 3), torch.tensor([0, 1, 2])),
        "floats": raised("", loss, torch.zeros(2, 3), torch.tensor([0.0, 1.0])),
    }


def bytes_into_a_layer(torch, nn, F, optim, data):
    """Pictures are bytes: without .float() the layer refuses them."""
    X, _ = _pictures(torch, 2)
    return {"error": raised("", nn.Linear(784, 4), X.reshape(2, -1))}


# ---- the pipeline --------------------------------------------------------------------------------------------


@tolerance(rtol=1e-4)
def training_loop(torch, nn, F, optim, data):
    """One epoch with Adam and one validation pass, all by the course's names."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = _model(nn, [784, 32, 10]).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-4)
    train = data.DataLoader(_dataset(torch, data, 300), **dict(shuffle=True, batch_size=64))
    valid = data.DataLoader(_dataset(torch, data, 100), shuffle=False, batch_size=64)

    losses = []
    model.train()
    for batch in train:
        optimizer.zero_grad()
        x, y = batch
        x, y = x.to(device) / 255, y.to(device)
        output = model(x)
        loss = criterion(output, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    model.eval()
    right, seen, total = 0, 0, 0.0
    with torch.no_grad():
        for x, y in valid:
            output = model(x.to(device) / 255)
            total += criterion(output, y).item() * y.size(0)
            right += (output.argmax(dim=1) == y).sum().item()
            seen += len(y)
    return {"losses": losses, "right": right, "seen": seen, "validation_loss": total / seen}


@tolerance(rtol=1e-3)
def training_loop_learns(torch, nn, F, optim, data):
    """Thirty steps of SGD with momentum on one batch of pictures."""
    torch.manual_seed(1)
    model, criterion = _model(nn, [784, 32, 10]), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = next(iter(data.DataLoader(_dataset(torch, data, 64), batch_size=64)))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = criterion(model(x / 255), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses[:10], "learnt": losses[-1] < 0.6 * losses[0]}


def validation_counts(torch, nn, F, optim, data):
    output = torch.tensor([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.4, 0.5, 0.1]])
    y = torch.tensor([1, 0, 1, 1])
    right = (output.argmax(dim=1) == y).sum()
    return {
        "right": [right.item(), right.dtype, repr(right), type(right.item()).__name__],
        "sizes": [y.size(0), len(y), output.size(), output.size(1), output.size(-1), y.shape[0]],
        "fraction": right.item() / y.size(0),
        "argmax": [output.argmax(dim=1, keepdim=True), output.argmax(dim=0), output.argmax(-1).dtype],
    }


def eval_does_not_stop_gradients(torch, nn, F, optim, data):
    model = _model(nn, [4, 3, 2])
    model.eval()
    x = torch.ones(2, 4)
    output = model(x)
    output.sum().backward()
    with torch.no_grad():
        silent = model(x)
    return {
        "eval": [output.requires_grad, model.layers[2].bias.grad],
        "no_grad": [silent.requires_grad, silent.grad_fn],
    }


def step_keeps_grad(torch, nn, F, optim, data):
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.tensor([[1.0, 2.0]])).sum().backward()
    grad = layer.weight.grad
    optimizer.step()
    kept = layer.weight.grad
    optimizer.zero_grad()
    return {"kept": kept, "same": kept is grad, "after_zero_grad": layer.weight.grad}


def sum_against_mean_of_losses(torch, nn, F, optim, data):
    """The gradient of a batch is the sum over its rows; the mean divides it by their number."""
    logits = torch.tensor([[1.0, -1.0, 0.5], [0.0, 2.0, -0.5], [0.3, 0.2, 0.1], [1.0, 1.0, 1.0]], requires_grad=True)
    y = torch.tensor([0, 1, 2, 1])
    found = {}
    for reduction in ("mean", "sum", "none"):
        loss = nn.CrossEntropyLoss(reduction=reduction)(logits, y)
        logits.grad = None
        loss.sum().backward()
        found[reduction] = [loss, logits.grad]
    return found


# ---- the layers of mytorch -----------------------------------------------------------------------------------


def activation_layers(torch, nn, F, optim, data):
    x = torch.linspace(-3, 3, 7)
    found = {}
    for layer in (nn.ReLU(), nn.Sigmoid(), nn.Tanh()):
        leaf = x.clone().requires_grad_()
        y = layer(leaf)
        y.sum().backward()
        found[repr(layer)] = [y, leaf.grad, repr(y.grad_fn)]
    return found


def mse_loss(torch, nn, F, optim, data):
    a = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    y = torch.tensor([[1.5, 2.0], [2.0, 1.0]])
    loss = nn.MSELoss()(a, y)
    loss.backward()
    return {
        "loss": loss,
        "grad": a.grad,
        "grad_fn": repr(loss.grad_fn),
        "sum": nn.MSELoss(reduction="sum")(a, y),
        "none": nn.MSELoss(reduction="none")(a, y),
        "functional": F.mse_loss(a, y).item(),
    }


def linear_layer(torch, nn, F, optim, data):
    """y = x Wᵀ + b; dW = dYᵀ x, dx = dY W, db = the sum of dY."""
    torch.manual_seed(2)
    layer = nn.Linear(3, 2)
    x = torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]], requires_grad=True)
    y = layer(x)
    dY = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    y.backward(dY)
    return {
        "output": y,
        "by_hand": torch.allclose(y, x @ layer.weight.T + layer.bias),
        "dW": layer.weight.grad,
        "dW_by_hand": torch.allclose(layer.weight.grad, dY.T @ x),
        "db": layer.bias.grad,
        "dx": x.grad,
        "dx_by_hand": torch.allclose(x.grad, dY @ layer.weight),
        "attributes": [layer.in_features, layer.out_features, layer.weight.shape, layer.bias.shape],
        "grad_fn": repr(y.grad_fn),
    }


def batchnorm_layer_prints(torch, nn, F, optim, data):
    layer = nn.BatchNorm1d(3)
    return {
        "repr": repr(layer),
        "keys": list(layer.state_dict()),
        "start": [layer.weight, layer.bias, layer.running_mean, layer.running_var, layer.num_batches_tracked],
        "dtypes": [layer.running_var.dtype, layer.num_batches_tracked.dtype],
        "settings": [layer.eps, layer.momentum, layer.affine, layer.num_features],
        "parameters": [name for name, _ in layer.named_parameters()],
        "buffers": [name for name, _ in layer.named_buffers()],
    }


def batchnorm_in_training(torch, nn, F, optim, data):
    """Normalised by the biased variance of the batch; running_var follows the unbiased one, by a tenth."""
    layer = nn.BatchNorm1d(2)
    x = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 60.0]])
    y = layer(x)
    biased = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)
    return {
        "output": y,
        "by_hand": torch.allclose(y, biased),
        "running_mean": layer.running_mean,
        "running_var": layer.running_var,
        "tracked": layer.num_batches_tracked.item(),
        "var": [x.var(0), x.var(0, unbiased=False)],
        "one_row": raised("", layer, torch.ones(1, 2)),
    }


def batchnorm_in_eval(torch, nn, F, optim, data):
    layer = nn.BatchNorm1d(2)
    x = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 60.0]])
    layer(x)
    layer(x * 2)
    layer.eval()
    running = [layer.running_mean.clone(), layer.running_var.clone()]
    return {
        "output": layer(x),
        "one_row": layer(torch.ones(1, 2)),
        "unchanged": [torch.equal(running[0], layer.running_mean), torch.equal(running[1], layer.running_var)],
        "running": running,
        "tracked": layer.num_batches_tracked,
    }


@tolerance(rtol=1e-4, atol=1e-6)
def batchnorm_gradients(torch, nn, F, optim, data):
    layer = nn.BatchNorm1d(2)
    x = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 60.0], [-1.0, 5.0]], requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0], [2.0, 1.0]]))
    return {"x": x.grad, "weight": layer.weight.grad, "bias": layer.bias.grad}


def batchnorm_makes_the_bias_redundant(torch, nn, F, optim, data):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))
    loss = nn.CrossEntropyLoss()(net(torch.randn(16, 5)), torch.arange(16) % 3)
    loss.backward()
    return {
        "loss": loss.item(),
        "bias_has_no_gradient": net[0].bias.grad.abs().max().item() < 1e-5,
        "weight_has": net[0].weight.grad.norm().item(),
    }


def softmax_jacobian(torch, nn, F, optim, data):
    """diag(s) − s sᵀ, row by row from backward."""
    z = torch.tensor([1.0, 2.0, 0.5], requires_grad=True)
    s = F.softmax(z, dim=0)
    rows = []
    for i in range(3):
        z.grad = None
        s[i].backward(retain_graph=True)
        rows.append(z.grad)
    jacobian = torch.stack(rows)
    s = s.detach()
    diagonal = (torch.arange(3).reshape(3, 1) == torch.arange(3)).float() * s
    return {
        "softmax": s,
        "jacobian": jacobian,
        "by_hand": torch.allclose(jacobian, diagonal - s.reshape(-1, 1) @ s.reshape(1, -1), atol=1e-7),
    }


# ---- the optimizers ------------------------------------------------------------------------------------------


def optimizers_step_on_a_quadratic(torch, nn, F, optim, data):
    """Eight steps on ½(x² + 20y²) from (1, 1)."""
    found = {}
    for name, make in OPTIMISERS.items():
        w = torch.ones(2, requires_grad=True)
        optimizer = make(optim, [w])
        path = []
        for _ in range(8):
            optimizer.zero_grad()
            (0.5 * (w[0] ** 2 + 20 * w[1] ** 2)).backward()
            optimizer.step()
            path.append(w.tolist())
        found[name] = path
    return found


def optimizers_keep_their_options(torch, nn, F, optim, data):
    options = {
        "momentum": ("lr", "momentum", "dampening", "weight_decay", "nesterov"),
        "nesterov": ("nesterov",),
        "adagrad": ("lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value"),
        "rmsprop": ("lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
        "adam": ("lr", "betas", "eps", "weight_decay", "amsgrad"),
        "rprop": ("lr", "etas", "step_sizes"),
    }
    groups = {name: OPTIMISERS[name](optim, [torch.ones(1, requires_grad=True)]).param_groups[0] for name in options}
    return {name: [[option, groups[name][option]] for option in options[name]] for name in options}


def optimizers_have_defaults(torch, nn, F, optim, data):
    w = [torch.ones(1, requires_grad=True)]
    made = [optim.SGD(w), optim.Adagrad(w), optim.RMSprop(w), optim.Adam(w), optim.Rprop(w)]
    return {"lr": [[type(one).__name__, one.param_groups[0]["lr"]] for one in made]}


def optimizers_refuse(torch, nn, F, optim, data):
    w = [torch.ones(1, requires_grad=True)]
    return {
        "empty": raised("empty parameter list", optim.SGD, [], lr=0.1),
        "negative": raised("Invalid learning rate: -1", optim.SGD, w, lr=-1),
        "nesterov": raised("Nesterov", optim.SGD, w, lr=0.1, nesterov=True),
        "tensor": raised("", optim.SGD, w[0], lr=0.1),
        "not_a_leaf": raised("leaf", optim.SGD, [w[0] * 2], lr=0.1),
    }


@tolerance(rtol=1e-3, atol=0)
def quadratic_of_condition_20(torch, nn, F, optim, data):
    """½(x² + 20y²) from (1, 1), 60 steps: 0.09 converges, 0.10 circles, 0.11 diverges."""
    curvature = torch.tensor([1.0, 20.0])
    found = {}
    for lr in (0.09, 0.10, 0.11):
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.SGD([w], lr=lr)
        for _ in range(60):
            optimizer.zero_grad()
            (0.5 * curvature * w**2).sum().backward()
            optimizer.step()
        found[str(lr)] = (0.5 * curvature * w**2).sum().item()
    return found


@tolerance(rtol=1e-3)
def minibatch_variance(torch, nn, F, optim, data):
    """The variance of a minibatch gradient times the batch size stays where it is: over 300 batches of each size."""
    torch.manual_seed(0)
    X = torch.randn(500, 2)
    Y = X @ torch.tensor([1.0, -2.0]) + torch.randn(500)
    found = {}
    for size in (1, 4, 16, 64):
        gradients = []
        for _ in range(300):
            rows = torch.randint(0, 500, (size,))
            w = torch.zeros(2, requires_grad=True)
            ((X[rows] @ w - Y[rows]) ** 2).mean().backward()
            gradients.append(w.grad)
        found[str(size)] = torch.stack(gradients).var(0).sum().item() * size
    return found


# ---- what the lectures draw ----------------------------------------------------------------------------------


def transpose_and_matmul(torch, nn, F, optim, data):
    a = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    view = torch.zeros(2, 3).T
    view[2] = 7
    return {
        "view": view,
        "T": a.T,
        "shape": a.T.shape,
        "product": a @ a.T,
        "vector": a @ torch.tensor([1.0, 0.0, -1.0]),
        "dot": torch.tensor([1.0, 2.0]) @ torch.tensor([3.0, 4.0]),
    }


def stack_along(torch, nn, F, optim, data):
    x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    return {
        "dim_1": torch.stack([x, y], dim=1),
        "dim_0": torch.stack((x, y)),
        "dim_last": torch.stack([x, y], dim=-1).shape,
        "unequal": raised("equal size", torch.stack, [x, x[:2]]),
    }


def comparisons_to_floats(torch, nn, F, optim, data):
    t = torch.tensor([[1.0, -1.0], [0.0, 0.5]])
    return {
        "at_least": (t >= 0).float(),
        "at_most": (t <= 0).float().sum(1),
        "others": [t > 0, t < 0, t == 0, t != 0],
        "dtypes": [(t >= 0).dtype, (t >= 0).float().dtype, (t >= 0).sum(1).dtype],
        "counts": (t >= 0).sum(1),
    }


def arange_times_a_float(torch, nn, F, optim, data):
    angles = torch.arange(5) * (2 * math.pi / 5)
    return {
        "angles": angles,
        "dtypes": [torch.arange(5).dtype, angles.dtype, torch.arange(0.0, 1.0, 0.25).dtype],
        "cos": torch.cos(angles),
        "sin": torch.sin(angles),
        "methods": [angles.cos()[1], angles.sin()[1]],
    }


def circle_by_polygons(torch, nn, F, optim, data):
    """Grid points inside of N half-planes around the unit circle, found by threshold units, and inside the circle."""
    axis = torch.linspace(-1.5, 1.5, 60)
    points = torch.stack([axis.reshape(60, 1).expand(60, 60).reshape(-1), axis.expand(60, 60).reshape(-1)], dim=1)
    found = {}
    for sides in (3, 5, 64):
        angles = torch.arange(sides) * (2 * math.pi / sides)
        normals = torch.stack([torch.cos(angles), torch.sin(angles)], dim=1)
        hidden = (1 - points @ normals.T >= 0).float()
        found[f"{sides} sides"] = (hidden.sum(1) - sides >= 0).float().sum().item()
    found["circle"] = ((points**2).sum(1) <= 1).float().sum().item()
    return found


def boolean_gates(torch, nn, F, optim, data):
    """XOR from threshold units: OR and NAND, joined by AND."""
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])

    def unit(x, weights, bias):
        return (x @ torch.tensor(weights) + bias >= 0).float()

    hidden = torch.stack([unit(X, [1.0, 1.0], -1.0), unit(X, [-1.0, -1.0], 1.0)], dim=1)
    return {
        "or": hidden[:, 0],
        "nand": hidden[:, 1],
        "xor": unit(hidden, [1.0, 1.0], -2.0),
        "and": unit(X, [1.0, 1.0], -2.0),
    }


def threshold_has_no_gradient(torch, nn, F, optim, data):
    z = torch.tensor([-1.0, 0.5], requires_grad=True)
    step = (z >= 0).float()
    torch.sigmoid(z).sum().backward()
    return {"step": [step, step.requires_grad], "refused": raised("grad", step.sum().backward), "sigmoid": z.grad}


def perceptron_rule(torch, nn, F, optim, data):
    """w += y·x for each point on the wrong side, until none is."""
    X = torch.tensor([[2.0, 1.0, 1.0], [1.0, 3.0, 1.0], [-1.0, -2.0, 1.0], [-3.0, 1.0, 1.0]])
    Y = torch.tensor([1.0, 1.0, -1.0, -1.0])
    w, mistakes = torch.zeros(3), []
    for _ in range(5):
        wrong = 0
        for x, y in zip(X, Y, strict=True):
            if y * (w @ x) <= 0:
                w += y * x
                wrong += 1
        mistakes.append(wrong)
    return {"w": w, "mistakes": mistakes, "right": ((X @ w) * Y > 0).all().item()}


def doubles(torch, nn, F, optim, data):
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = (x**3).sum()
    y.backward()
    return {
        "dtypes": [y.dtype, x.grad.dtype, (x + 1).dtype, (x * torch.ones(2)).dtype, torch.tensor(np.ones(2)).dtype],
        "repr": [repr(y), repr(x), repr(x.detach())],
        "grad": x.grad,
        "third": (x / 3)[0],
        "mixed": raised("dtype", nn.Linear(2, 1), x),
    }


def hessian_by_two_backwards(torch, nn, F, optim, data):
    """The Hessian of x²y + y³ at (2, 3), row by row, and its eigenvalues."""
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    f = w[0] ** 2 * w[1] + w[1] ** 3
    (gradient,) = torch.autograd.grad(f, w, create_graph=True)
    rows = [torch.autograd.grad(gradient[i], w, retain_graph=True)[0] for i in range(2)]
    return {"gradient": gradient, "hessian": torch.stack(rows)}
