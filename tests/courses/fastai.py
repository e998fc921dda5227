"""fastai lesson 5: logistic regression from scratch, weight decay in the loss, the update under no_grad."""

from __future__ import annotations

import numpy as np

from . import raised, tolerance


def _digits(rows):
    """Images of 784 float32 and their int64 classes: noise, with a bright band where the class is."""
    random = np.random.RandomState(5)
    classes = random.randint(0, 10, rows).astype(np.int64)
    images = random.uniform(0, 0.5, (rows, 784)).astype(np.float32)
    for image, band in zip(images, classes, strict=True):
        image[78 * band : 78 * band + 78] += 0.5
    return images, classes


def _logistic(nn):
    class Logistic(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(784, 10, bias=True)

        def forward(self, xb):
            return self.lin(xb)

    return Logistic()


def _pair(torch):
    """A weight and an input with one loss: w·x, whose gradient by w is x."""
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    x = torch.tensor([1.0, 2.0, 3.0])
    return w, x


# ---- the data ------------------------------------------------------------------------------------------------


def arrays_to_tensors(torch, nn, F, optim, data):
    """map(torch.tensor, …) keeps the dtypes of the arrays, and copies them."""
    images, classes = _digits(20)
    x, y, cells = map(torch.tensor, (images, classes, np.array([1.0, 2.5])))
    images[0, 0] = 99.0
    return {
        "dtypes": [x.dtype, y.dtype, cells.dtype],
        "shapes": [x.shape, y.shape],
        "first": x[0, :4],
        "classes": y,
        "range": [y.min(), y.max()],
        "range_reprs": [repr(y.min()), repr(y.max())],
        "mean": x.mean(),
    }


def loader_of_pairs(torch, nn, F, optim, data):
    x, y = map(torch.tensor, _digits(50))
    dataset = data.TensorDataset(x, y)
    loader = data.DataLoader(dataset, batch_size=16, shuffle=False)
    xb, yb = next(iter(loader))
    return {
        "lengths": [len(dataset), len(loader)],
        "first": [xb.shape, yb.shape, xb.dtype, yb.dtype],
        "sizes": [len(yb) for xb, yb in loader],
        "item": [dataset[3][0].shape, dataset[3][1], dataset[3][1].shape],
        "classes": [yb for _, yb in loader],
    }


def loader_shuffles(torch, nn, F, optim, data):
    """The order is that of the default generator, new for each round."""
    dataset = data.TensorDataset(torch.arange(20), torch.arange(20) * 2)
    loader = data.DataLoader(dataset, batch_size=8, shuffle=True)
    torch.manual_seed(42)
    rounds = [[x.tolist() for x, y in loader] for _ in range(2)]
    after = torch.rand(2)
    return {"rounds": rounds, "rand_after": after, "type_of_a_batch": type(next(iter(loader))).__name__}


def loader_draws_even_without_shuffle(torch, nn, F, optim, data):
    loader = data.DataLoader(data.TensorDataset(torch.arange(4)), batch_size=2, shuffle=False)
    torch.manual_seed(42)
    (first,) = next(iter(loader))
    return {"first": first, "rand_after": torch.rand(2)}


# ---- the model -----------------------------------------------------------------------------------------------


def logistic_module(torch, nn, F, optim, data):
    torch.manual_seed(0)
    model = _logistic(nn)
    return {
        "repr": repr(model),
        "shapes": [p.shape for p in model.parameters()],
        "shapes_repr": repr([p.shape for p in model.parameters()]),
        "names": [name for name, p in model.named_parameters()],
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "grads": [p.grad for p in model.parameters()],
        "weight": model.lin.weight[0, :5],
        "bias": model.lin.bias,
    }


def parameters_iterated_twice(torch, nn, F, optim, data):
    model = _logistic(nn)
    return {
        "counts": [len(list(model.parameters())), len(list(model.parameters()))],
        "same": all(a is b for a, b in zip(model.parameters(), model.parameters(), strict=True)),
        "an_iterator": next(model.parameters()).shape,
    }


def model_call(torch, nn, F, optim, data):
    torch.manual_seed(0)
    model = _logistic(nn)
    x, _ = map(torch.tensor, _digits(3))
    y_hat = model(x)
    return {
        "shape": y_hat.shape,
        "dtype": y_hat.dtype,
        "values": y_hat,
        "grad_fn": repr(y_hat.grad_fn),
        "same_as_forward": bool((model.forward(x) == y_hat).all()),
        "one_row": model(x[0]),
    }


def forward_must_be_written(torch, nn, F, optim, data):
    class Empty(nn.Module):
        pass

    return {"error": raised("forward", lambda: Empty()(torch.ones(2)))}


def cross_entropy_of_logits(torch, nn, F, optim, data):
    """Logits of rows, int64 classes: the mean over rows; the gradient is (softmax − one-hot)/rows."""
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0]], requires_grad=True)
    y = torch.tensor([0, 2])
    loss_func = nn.CrossEntropyLoss()
    loss = loss_func(logits, y)
    loss.backward()
    return {
        "repr_of_module": repr(loss_func),
        "loss": loss,
        "repr": repr(loss),
        "shape": loss.shape,
        "dtypes": [loss.dtype, y.dtype],
        "grad": logits.grad,
    }


def cross_entropy_of_a_model(torch, nn, F, optim, data):
    torch.manual_seed(1)
    model = _logistic(nn)
    x, y = map(torch.tensor, _digits(32))
    loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    weight, bias = [p.grad for p in model.parameters()]
    return {"loss": loss.item(), "bias_grad": bias, "weight_grad": weight[:, 400], "grad_norm": weight.norm().item()}


def accuracy(torch, nn, F, optim, data):
    scores = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.4], [0.6, 0.5]])
    y = torch.tensor([1, 0, 0, 0])
    preds = torch.argmax(scores, dim=1)
    right = preds == y
    return {
        "preds": preds,
        "dtypes": [preds.dtype, right.dtype, right.float().dtype],
        "right": right,
        "repr": repr(right),
        "accuracy": right.float().mean(),
        "accuracy_repr": repr(right.float().mean()),
        "as_number": right.float().mean().item(),
        "method": scores.argmax(dim=1),
        "of_all": scores.argmax(),
        "bools_have_no_mean": raised("dtype", right.mean),
    }


# ---- the loss, with weight decay -----------------------------------------------------------------------------


def float_plus_tensor(torch, nn, F, optim, data):
    """A sum of squares that starts as a Python float."""
    w2 = 0.0
    for p in [torch.tensor([1.0, -2.0], requires_grad=True), torch.tensor([[3.0]], requires_grad=True)]:
        w2 += (p**2).sum()
    return {"value": w2.item(), "repr": repr(w2), "grad_fn": repr(w2.grad_fn)}


def reflected_arithmetic(torch, nn, F, optim, data):
    """A float on the left of a Tensor, for each operator."""
    t = torch.tensor([1.0, 2.0, -4.0])
    return {
        "add": 0.5 + t,
        "sub": 1 - t,
        "mul": 0.1 * t,
        "div": 1.0 / t,
        "pow": 2**t,
        "dtypes": [(0.5 + t).dtype, (2 * t).dtype, (2 / torch.tensor([4])).dtype, (0.5 + torch.tensor([1])).dtype],
    }


def square_of_a_parameter(torch, nn, F, optim, data):
    p = nn.Parameter(torch.tensor([[1.5, -2.0], [0.0, 4.0]]))
    square = p**2
    total = square.sum()
    total.backward()
    return {
        "square": square,
        "total": total,
        "grad": p.grad,
        "names": [repr(square.grad_fn), repr(total.grad_fn)],
        "repr": repr(p),
        "grad_repr": repr(p.grad),
    }


def decay_in_the_loss(torch, nn, F, optim, data):
    """loss_func(y_hat, y) + w2*wd, and what the decay adds to the gradient: 2·wd·w."""
    torch.manual_seed(2)
    model, loss_func, wd = _logistic(nn), nn.CrossEntropyLoss(), 1e-2
    x, y = map(torch.tensor, _digits(16))
    loss_func(model(x), y).backward()
    plain = [p.grad.clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad.zero_()
    w2 = 0.0
    for p in model.parameters():
        w2 += (p**2).sum()
    loss = loss_func(model(x), y) + w2 * wd
    loss.backward()
    excess = [p.grad - g - 2 * wd * p for p, g in zip(model.parameters(), plain, strict=True)]
    return {
        "w2": w2.item(),
        "loss": loss.item(),
        "excess_is_2_wd_w": [e.abs().max().item() < 1e-6 for e in excess],
        "bias_grad": model.lin.bias.grad,
        "grad_fn": repr(loss.grad_fn),
    }


def loss_item_is_a_float(torch, nn, F, optim, data):
    loss = (torch.tensor([1.0, 2.0], requires_grad=True) * 0.1).sum()
    return {
        "type": type(loss.item()).__name__,
        "value": loss.item(),
        "int": [type(torch.tensor(3).item()).__name__, torch.tensor(3).item()],
        "bool": torch.tensor([True]).item(),
        "any_shape": torch.tensor([[2.5]]).item(),
        "several": raised("Tensor", torch.ones(2).item),
    }


# ---- the update ----------------------------------------------------------------------------------------------


@tolerance(rtol=1e-4)
def update_by_hand(torch, nn, F, optim, data):
    """The course's step over all batches, twice: sum of squares, loss, backward, p.sub_ and zero_ under no_grad."""
    torch.manual_seed(3)
    model, loss_func, wd, learning_rate = _logistic(nn), nn.CrossEntropyLoss(), 1e-5, 2e-2
    dataset = data.TensorDataset(*map(torch.tensor, _digits(64)))
    train_dl = data.DataLoader(dataset, batch_size=16, shuffle=True)

    def update(x, y):
        w2 = 0.0
        y_hat = model(x)
        for p in model.parameters():
            w2 += (p**2).sum()
        loss = loss_func(y_hat, y) + w2 * wd
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p.sub_(learning_rate * p.grad)
                p.grad.zero_()
        return loss.item()

    losses = [update(x, y) for _ in range(2) for x, y in train_dl]
    return {"losses": losses, "bias": model.lin.bias, "bias_grad": model.lin.bias.grad}


@tolerance(rtol=1e-4)
def hidden_layer_with_adam(torch, nn, F, optim, data):
    """The course's net with one hidden layer and F.relu, and its update with Adam, lr given by position."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin1 = nn.Linear(784, 50, bias=True)
            self.lin2 = nn.Linear(50, 10, bias=True)

        def forward(self, xb):
            return self.lin2(F.relu(self.lin1(xb)))

    torch.manual_seed(4)
    model, loss_func = Net(), nn.CrossEntropyLoss()
    x, y = map(torch.tensor, _digits(32))
    losses = []
    for _ in range(8):
        opt = optim.Adam(model.parameters(), 1e-3)
        loss = loss_func(model(x), y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        losses.append(loss.item())
    return {
        "repr": repr(model),
        "losses": losses,
        "bias": model.lin2.bias,
        "grads": [p.grad for p in model.parameters()],
    }


@tolerance(rtol=1e-4)
def adam_kept_over_steps(torch, nn, F, optim, data):
    torch.manual_seed(5)
    model, loss_func = _logistic(nn), nn.CrossEntropyLoss()
    opt = optim.Adam(model.parameters(), 1e-3)
    x, y = map(torch.tensor, _digits(32))
    losses = []
    for _ in range(8):
        loss = loss_func(model(x), y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        losses.append(loss.item())
    return {"losses": losses, "bias": model.lin.bias, "lr": opt.param_groups[0]["lr"]}


def adam_by_the_numbers(torch, nn, F, optim, data):
    """The first step of Adam is lr in the direction of each gradient, whatever its size."""
    p = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    opt = optim.Adam([p], 0.1)
    seen = []
    for scale in (1.0, 0.5, -2.0):
        opt.zero_grad()
        (p * torch.tensor([1e-3, 1.0, -100.0]) * scale).sum().backward()
        opt.step()
        seen.append(p.detach().clone())
    return {"seen": seen, "group": {key: opt.param_groups[0][key] for key in ("lr", "betas", "eps", "weight_decay")}}


def sgd_with_weight_decay(torch, nn, F, optim, data):
    """SGD(weight_decay=2·wd) steps as the loss with w²·wd does."""
    torch.manual_seed(6)
    wd, lr = 0.05, 0.1
    x, y = map(torch.tensor, _digits(8))
    start = _logistic(nn)
    by_loss, by_optimizer = _logistic(nn), _logistic(nn)
    by_loss.load_state_dict(start.state_dict())
    by_optimizer.load_state_dict(start.state_dict())

    loss = nn.CrossEntropyLoss()(by_loss(x), y) + wd * sum((p**2).sum() for p in by_loss.parameters())
    loss.backward()
    with torch.no_grad():
        for p in by_loss.parameters():
            p.sub_(lr * p.grad)

    opt = optim.SGD(by_optimizer.parameters(), lr=lr, weight_decay=2 * wd)
    nn.CrossEntropyLoss()(by_optimizer(x), y).backward()
    opt.step()
    return {
        "by_loss": by_loss.lin.bias,
        "by_optimizer": by_optimizer.lin.bias,
        "weights_agree": torch.allclose(by_loss.lin.weight, by_optimizer.lin.weight, atol=1e-6),
    }


def in_place_subtraction(torch, nn, F, optim, data):
    """`param -= …` and `param.sub_(…)` under no_grad: the same object, still a leaf that requires grad."""
    w, x = _pair(torch)
    (w * x).sum().backward()
    before = id(w)
    with torch.no_grad():
        w -= 0.1 * w.grad
        returned = w.sub_(0.1 * w.grad)
    return {
        "w": w,
        "same_object": id(w) == before and returned is w,
        "flags": [w.requires_grad, w.is_leaf, w.grad_fn],
        "grad": w.grad,
    }


def in_place_on_a_leaf_refused(torch, nn, F, optim, data):
    w, x = _pair(torch)
    (w * x).sum().backward()

    def minus_equals():
        nonlocal w
        w -= 0.1 * w.grad

    phrase = "a leaf Variable that requires grad is being used in an in-place operation."
    return {
        "sub_": raised(phrase, w.sub_, 0.1 * w.grad),
        "minus_equals": raised(phrase, minus_equals),
        "zero_": raised(phrase, w.zero_),
        "unchanged": w,
    }


def learning_rate_times_grad(torch, nn, F, optim, data):
    w, x = _pair(torch)
    (w * x).sum().backward()
    step = 1e-1 * w.grad
    return {"step": step, "requires_grad": step.requires_grad, "grad_fn": step.grad_fn, "dtype": step.dtype}


# ---- what happens to gradients -------------------------------------------------------------------------------


def no_grad_before_the_first_backward(torch, nn, F, optim, data):
    w, _ = _pair(torch)
    return {
        "grad": w.grad,
        "zero_": raised("'NoneType' object has no attribute 'zero_'", lambda: w.grad.zero_()),
        "times": raised("NoneType", lambda: 0.1 * w.grad),
    }


def gradients_add_up(torch, nn, F, optim, data):
    """Without zeroing the gradient is once, twice, three times the true one."""
    w, x = _pair(torch)
    seen = []
    for _ in range(3):
        (w * x).sum().backward()
        seen.append(w.grad.clone())
    return {"seen": seen, "ratios": [(g / seen[0]).mean().item() for g in seen]}


def grad_zeroed_stays_a_tensor(torch, nn, F, optim, data):
    w, x = _pair(torch)
    (w * x).sum().backward()
    grad = w.grad
    returned = w.grad.zero_()
    after = w.grad
    (w * x).sum().backward()
    return {
        "zeroed": returned is grad and after is grad,
        "is_none": after is None,
        "next": w.grad,
        "accumulated_in_place": w.grad is grad,
    }


def zero_grad_sets_none(torch, nn, F, optim, data):
    """That of a module and that of an optimizer alike; with set_to_none=False they fill with zeros."""
    model = _logistic(nn)
    opt = optim.SGD(model.parameters(), lr=0.1)
    x, y = map(torch.tensor, _digits(4))

    def after(zero, **options):
        nn.CrossEntropyLoss()(model(x), y).backward()
        zero(**options)
        return [None if p.grad is None else p.grad.abs().sum().item() for p in model.parameters()]

    return {
        "module": after(model.zero_grad),
        "optimizer": after(opt.zero_grad),
        "module_zeros": after(model.zero_grad, set_to_none=False),
        "optimizer_zeros": after(opt.zero_grad, set_to_none=False),
        "a_loss_has_none": raised("zero_grad", lambda: nn.CrossEntropyLoss()(model(x), y).zero_grad()),
    }


def optimizer_skips_what_has_no_grad(torch, nn, F, optim, data):
    w, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    opt = optim.SGD([w, other], lr=0.1, weight_decay=0.5)
    w.sum().backward()
    opt.step()
    return {"w": w, "other": other, "grads": [w.grad, other.grad]}


def backward_twice_refused(torch, nn, F, optim, data):
    """Through a pow, which has saved its input; through a sum alone there is nothing saved to be freed."""
    w, _ = _pair(torch)
    loss = (w**2).sum()
    loss.backward()
    second = raised("backward through the graph a second time", loss.backward)
    kept = (w**2).sum()
    kept.backward(retain_graph=True)
    kept.backward()
    return {"second": second, "grad": w.grad}


def backward_refused(torch, nn, F, optim, data):
    w, x = _pair(torch)
    with torch.no_grad():
        made_without_graph = (w * x).sum()
    return {
        "not_a_scalar": raised("grad can be implicitly created only for scalar outputs", (w * x).backward),
        "no_graph": raised("does not require grad", (x * x).sum().backward),
        "under_no_grad": raised("does not require grad", made_without_graph.backward),
        "flags": [made_without_graph.requires_grad, made_without_graph.grad_fn, made_without_graph.is_leaf],
    }


def no_grad_as_a_scope(torch, nn, F, optim, data):
    w, x = _pair(torch)
    seen = [torch.is_grad_enabled()]
    with torch.no_grad():
        seen.append(torch.is_grad_enabled())
        inside = w * x

    def fails():
        with torch.no_grad():
            raise KeyError("inside")

    left = raised("inside", fails)

    @torch.no_grad()
    def decorated():
        return (w * x).requires_grad

    return {
        "enabled": [*seen, torch.is_grad_enabled()],
        "inside": [inside.requires_grad, (w * x).requires_grad],
        "left_by_an_error": left,
        "decorated": decorated(),
    }


def weight_images(torch, nn, F, optim, data):
    """A row of the weights as a picture: view(28, 28), taken out of the graph for a plot."""
    torch.manual_seed(7)
    model = _logistic(nn)
    picture = model.lin.weight[3].view(28, 28)
    array = picture.detach().numpy()
    return {
        "shape": picture.shape,
        "corner": picture[:2, :3],
        "array": [type(array).__name__, str(array.dtype), list(array.shape)],
        "refused": raised("Can't call numpy() on Tensor that requires grad", picture.numpy),
    }
