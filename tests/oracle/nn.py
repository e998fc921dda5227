"""Write tests/data/nn.json, what PyTorch's layers, losses and inits give: `python -m tests.oracle.nn`, with torch.

A case is an expression of the arrays below, with a layer L in it for the layers. `study` evaluates it in PyTorch or in
microgradx: the value, the gradient of Σ c·value with known c by every array and parameter, and the same once more of
the gradients.

>>> FILE.name, len(LOSSES) > 100, len(LAYERS) > 50
('nn.json', True, True)
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from microgradx.testing import check_grad

FILE = Path(__file__).parents[1] / "data" / "nn.json"
Arrays = dict[str, Any]

#: what a gradient is taken of; all others are constants
LEAVES = ["x", "y", "q", "p", "s", "x3", "s3", "row", "v", "slope"]


def arrays(draw: np.random.Generator, scale: float = 1.0) -> Arrays:
    """Logits x, y (4, 3) and x3 (2, 3, 4); probabilities q, p, and s and s3 by class; classes i and i3; weights."""

    def soft(*shape: int) -> Any:
        e = draw.uniform(0.1, 1, shape)
        return e / e.sum(axis=1, keepdims=True)

    found = {
        **{name: draw.normal(0, scale, shape) for name, shape in
           {"x": (4, 3), "y": (4, 3), "x3": (2, 3, 4), "row": (4, 1), "v": (3,)}.items()},
        "q": draw.uniform(0.05, 0.95, (4, 3)), "p": draw.uniform(0.05, 0.95, (4, 3)), "s": soft(4, 3),
        "s3": soft(2, 3, 4), "slope": draw.uniform(-1, 1, 3), "i": draw.integers(0, 3, 4),
        "i3": draw.integers(0, 3, (2, 4)), "u": draw.uniform(0.5, 2, (4, 3)), "w": draw.uniform(0.5, 2, 3),
        "mean": draw.normal(0, 1, 3),
    }  # fmt: skip
    found["gap"], found["gap3"] = found["i"].copy(), found["i3"].copy()
    found["gap"][1] = found["gap3"][0, 2] = -100
    return found


# ---- losses ----------------------------------------------------------------------------------------------
_CLASSES = [
    "(x, i", "(x, i, weight=w", "(x, gap", "(x, gap, weight=w", "(x, i, ignore_index=1", "(x3, i3",
    "(x3, gap3, weight=w", "(x[0], i[0]", "(x3[:, :, :, None], i3[:, :, None]", "(x, i.to(torch.uint8)",
]  # fmt: skip
_CALLS = [
    *(f"mse_loss{pair}" for pair in ("(x, y", "(x, y, weight=u", "(x[0], v", "(x[0, 0], v[0]", "(x, y.detach()")),
    *(f"l1_loss{pair}" for pair in ("(x, y", "(x, y, weight=u")),
    *(f"smooth_l1_loss(x, y{beta}" for beta in ("", ", beta=0.3", ", beta=0")),
    *(f"huber_loss(x, y{option}" for option in ("", ", delta=0.4", ", weight=u")),
    *(f"binary_cross_entropy(q, p{weight}" for weight in ("", ", weight=u", ", weight=w")),
    *(f"binary_cross_entropy_with_logits(x, p{option}" for option in
      ("", ", weight=u[:, :1]", ", pos_weight=w", ", u, pos_weight=w")),
    *(f"nll_loss{classes}" for classes in _CLASSES), *(f"cross_entropy{classes}" for classes in _CLASSES),
    *(f"cross_entropy{classes}, label_smoothing=0.3" for classes in _CLASSES),
    "cross_entropy(x, i, label_smoothing=1", *(f"cross_entropy{target}" for target in
      ("(x, s", "(x, s, weight=w", "(x, s, label_smoothing=0.2", "(x3, s3", "(x3, s3, weight=w", "(x[0], s[0]")),
]  # fmt: skip
LOSSES = [f"F.{call}, reduction={reduction!r})" for call in _CALLS for reduction in ("mean", "sum", "none")] + [
    "nn.MSELoss()(x, y)", "nn.MSELoss(reduction='sum')(x, y)", "nn.L1Loss(reduction='none')(x, y)",
    "nn.SmoothL1Loss(beta=0.5)(x, y)", "nn.HuberLoss('sum', 0.5)(x, y)", "nn.HuberLoss(delta=2.0)(x, y)",
    "nn.NLLLoss(w, ignore_index=2)(x, i)", "nn.NLLLoss(reduction='sum')(x3, i3)",
    "nn.BCELoss(u, reduction='sum')(q, p)", "nn.CrossEntropyLoss()(x, i)",
    "nn.CrossEntropyLoss(w, ignore_index=0, label_smoothing=0.1)(x, i)",
    "nn.CrossEntropyLoss(reduction='none')(x, s)", "nn.BCEWithLogitsLoss(pos_weight=w)(x, p)",
    "nn.BCEWithLogitsLoss(u, reduction='none')(x, p)",
]  # fmt: skip

# ---- layers: how one is made, and what it is called on ------------------------------------------------------
ACTIVATIONS = [
    "nn.ReLU()", "nn.LeakyReLU()", "nn.LeakyReLU(0.2)", "nn.ELU()", "nn.ELU(2)", "nn.SiLU()", "nn.GELU()",
    "nn.GELU('tanh')", "nn.Tanh()", "nn.Sigmoid()", "nn.LogSigmoid()", "nn.Softplus()", "nn.Softplus(2, 1)",
    "nn.Softplus(0.5, threshold=-1)", "nn.Hardtanh()", "nn.Hardtanh(-0.5, 1.5)", "nn.ReLU6()", "nn.PReLU()",
    "nn.PReLU(3, init=-0.5)", "nn.Softmax(dim=1)", "nn.Softmax(-2)", "nn.LogSoftmax(dim=0)", "nn.Dropout(0.0)",
    "nn.Dropout(1.0)", "nn.Dropout(0.3).eval()", "nn.Identity(3, a=1)", "nn.Flatten()", "nn.Flatten(0)",
]  # fmt: skip
IN_PLACE = [f"nn.{name}(inplace=True)" for name in ("ReLU", "LeakyReLU", "ELU", "SiLU", "Hardtanh", "ReLU6")]
LAYERS: list[tuple[str | None, str]] = [
    *((layer, "L(x)") for layer in ACTIVATIONS), *((layer, "L(x * 1)") for layer in IN_PLACE),
    ("nn.PReLU()", "L(x[0, 0])"), ("nn.PReLU(3)", "L(x3)"), ("nn.Flatten(1, 2)", "L(x3)"),
    ("nn.Unflatten(1, (3, -1))", "L(x)"),
    ("nn.Linear(3, 2)", "L(x)"), ("nn.Linear(3, 2)", "L(v)"), ("nn.Linear(4, 5)", "L(x3)"),
    ("nn.Linear(1, 5)", "L(row)"), ("nn.Linear(3, 1, bias=False)", "L(x)"), ("nn.Linear(4, 2, False)", "L(x3)"),
    ("nn.Linear(3, 2)", "L(x[:0])"), ("nn.Linear(3, 2)", "L(x.T[:, :3])"),
    ("nn.Embedding(4, 2)", "L(i)"), ("nn.Embedding(4, 3)", "L(i3)"), ("nn.Embedding(4, 2, padding_idx=1)", "L(i3)"),
    ("nn.Embedding(4, 2)", "L(i.to(torch.int32))"), ("nn.Embedding(4, 2)", "L(i[0])"),
    *((layer, "L(x)") for layer in (
        "nn.BatchNorm1d(3)", "nn.BatchNorm1d(3, eps=0.5, momentum=0.3)", "nn.BatchNorm1d(3, momentum=None)",
        "nn.BatchNorm1d(3, affine=False)", "nn.BatchNorm1d(3, bias=False)", "nn.BatchNorm1d(3).eval()",
        "nn.BatchNorm1d(3, track_running_stats=False)", "nn.BatchNorm1d(3, track_running_stats=False).eval()",
        "nn.LayerNorm(3)", "nn.LayerNorm((4, 3), eps=0.5)", "nn.LayerNorm(3, elementwise_affine=False)",
        "nn.LayerNorm(3, bias=False)")),
    *((layer, "L(x3)") for layer in (
        "nn.BatchNorm1d(3)", "nn.BatchNorm1d(3).eval()", "nn.LayerNorm(4)", "nn.LayerNorm([3, 4])")),
    *((None, call) for call in (
        "F.softplus(x, 2, 1)", "F.gelu(x, approximate='tanh')", "F.softmax(x, 1)", "F.log_softmax(x3, dim=1)",
        "F.hardtanh(x, -0.2, 0.3)", "F.prelu(x, slope)", "F.prelu(x3, slope[:1])", "F.relu6(x * 9)", "F.logsigmoid(x)",
        "F.linear(x, v)", "F.linear(v, y)", "F.linear(x, y, row[:, 0])", "F.linear(x, y, row[:1, 0])",
        "F.linear(x, y, row[0, 0])", "F.linear(x, y, y @ x.T)", "F.embedding(i, x)",
        "F.embedding(i3, y, padding_idx=-2)", "F.batch_norm(x, None, None, training=True)",
        "F.batch_norm(x, mean, w)", "F.batch_norm(x, mean, w, v, slope)",
        "F.batch_norm(x3, None, None, v, slope, True, 0.3, 0.01)", "F.batch_norm(x3, mean, w, v)",
        "F.batch_norm(x3[:, :, :, None], None, None, training=True)",
        "F.layer_norm(x, (3,), v, slope)", "F.layer_norm(x, [4, 3], y)", "F.dropout(x, 0.5, training=False)",
        "F.normalize(x)", "F.normalize(x, p=1, dim=0)", "F.normalize(x, dim=(0, 1))", "F.normalize(x, eps=1e3)",
        "F.pad(x, (1, 2))", "F.pad(x, (-1, 1, 2, -1), value=3.0)", "F.pad(x3, [0, 0, 1, 1])",
        "F.one_hot(i, 4) * x[:, :1]", "F.one_hot(i3, 3) * v")),
]  # fmt: skip

# ---- texts -----------------------------------------------------------------------------------------------
TEXTS = [
    *(layer for layer in dict.fromkeys(layer for layer, _ in LAYERS) if layer), "nn.Dropout()", "nn.Dropout(0.2, True)",
    "nn.Softmax()", "nn.Embedding(3, 2, padding_idx=-1)", "nn.Embedding.from_pretrained(torch.ones(3, 2))",
    "nn.BatchNorm1d(3, 1e-3, None, False, False)", "nn.LeakyReLU(0.2, True)", "nn.ELU(2.0, True)",
    "nn.CrossEntropyLoss(torch.ones(3))", "nn.MSELoss(reduction='sum')", "nn.L1Loss()", "nn.SmoothL1Loss()",
    "nn.LogSoftmax()", "nn.HuberLoss()", "nn.NLLLoss()", "nn.BCELoss()", "nn.BCEWithLogitsLoss()",
]  # fmt: skip

# ---- first values: drawn into t, from a seed ---------------------------------------------------------------
INITS = [
    "uniform_(t)", "uniform_(t, -2, 3)", "normal_(t)", "normal_(t, 1.0, 0.5)", "trunc_normal_(t)",
    "trunc_normal_(t, 0.5, 2.0, -1.0, 1.0)", "xavier_uniform_(t)", "xavier_uniform_(t, gain=2.0)", "xavier_normal_(t)",
    "xavier_normal_(t, 0.5)", "kaiming_uniform_(t)", "kaiming_uniform_(t, a=5**0.5)", "kaiming_normal_(t)",
    "kaiming_uniform_(t, mode='fan_out', nonlinearity='relu')", "kaiming_normal_(t, 0.2, 'FAN_OUT')",
    "kaiming_normal_(t, nonlinearity='tanh')", "orthogonal_(t)", "orthogonal_(t, gain=2.0)",
]  # fmt: skip
SHAPES = [(3, 2), (5, 7), (7, 5), (2, 3, 4), (1, 16), (1, 1)]
SEEDS = [0, 2147483647]
FRESH = [
    "nn.Linear(3, 4)", "nn.Linear(20, 2, bias=False)", "nn.Linear(1, 8)", "nn.Embedding(3, 2)",
    "nn.Embedding(5, 4, padding_idx=2)", "nn.PReLU(2)", "nn.BatchNorm1d(2)", "nn.LayerNorm((2, 2))",
    "nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))",
]  # fmt: skip


def initialised(torch: Any, nn: Any, code: str, shape: tuple[int, ...], seed: int, kind: str = "float32") -> Any:
    torch.manual_seed(seed)
    return eval(f"init.{code}", {"init": nn.init, "t": torch.zeros(shape, dtype=getattr(torch, kind))}).numpy()


def fresh(torch: Any, nn: Any, code: str, seed: int) -> dict[str, Any]:
    """A new layer's state."""
    torch.manual_seed(seed)
    return {name: x.numpy() for name, x in eval(code, {"nn": nn, "torch": torch}).state_dict().items()}


# ---- a case in either library ------------------------------------------------------------------------------
def known(shape: tuple[int, ...], start: float = 0.0) -> Any:
    """Numbers of no pattern that are the same everywhere."""
    return np.cos(1.7 * np.arange(int(np.prod(shape))) + 0.4 + start).reshape(shape)


def study(
    torch: Any, nn: Any, F: Any, code: str, given: Arrays, layer: str | None = None, kind: str = "float64",
    only: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What the expression gives, as arrays.

    given: also replaces a parameter, by the name "L.weight". Result: value; buffers; leaves (what the gradients are
    of); total Σ c·value and its gradients; slope Σ c·gradient over all of them, and its gradients, "second". only: the
    total or the slope, and nothing after it.
    """
    dtype = getattr(torch, kind)
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F}
    leaves: dict[str, Any] = {}
    for name, array in given.items():
        floats = array.dtype.kind == "f"
        names[name] = torch.tensor(array, dtype=dtype) if floats else torch.tensor(array)
        if name in LEAVES:
            leaves[name] = names[name].requires_grad_()
    buffers: dict[str, Any] = {}
    if layer is not None:
        names["L"] = made = eval(layer, names).to(dtype)
        for number, (name, p) in enumerate(made.named_parameters()):
            p.data = torch.tensor(given.get(f"L.{name}", known(tuple(p.shape), number)), dtype=dtype)
            leaves[f"L.{name}"] = p
        buffers = dict(made.named_buffers())
        for b in buffers.values():
            if b.is_floating_point():
                b.copy_(torch.tensor(1 + 0.5 * known(tuple(b.shape)), dtype=dtype))
    value = eval(code, names)
    total = _contracted(torch, [value])
    if only == "total":
        return {"total": _plain(total)}
    grads = torch.autograd.grad(total, list(leaves.values()), create_graph=True, allow_unused=True)
    slope = _contracted(torch, [g for g in grads if g is not None])
    if only == "slope":
        return {"slope": _plain(slope)}
    second: Any = [None] * len(leaves)
    if slope.requires_grad:
        second = torch.autograd.grad(slope, list(leaves.values()), allow_unused=True)
    return {
        "value": _plain(value), "buffers": {name: _plain(b) for name, b in buffers.items()},
        "leaves": {name: _plain(p) for name, p in leaves.items()}, "total": _plain(total), "slope": _plain(slope),
        "grads": {n: _plain(g) for n, g in zip(leaves, grads, strict=True) if g is not None},
        # one library may give None where the other gives zeros
        "second": {n: _plain(g) for n, g in zip(leaves, second, strict=True) if g is not None and (g != 0).any()},
    }  # fmt: skip


def _contracted(torch: Any, tensors: list[Any]) -> Any:
    total = torch.zeros(())
    for t in tensors:
        total = total + (t * torch.tensor(known(tuple(t.shape)), dtype=t.dtype)).sum()
    return total


def _plain(x: Any) -> Any:
    return x.detach().numpy().copy()


def check_slopes(torch: Any, nn: Any, F: Any, code: str, given: Arrays, layer: str | None = None) -> None:
    """Raise GradientError unless Σ c·value and Σ c·gradient have the gradients that a study gives of them."""
    here = study(torch, nn, F, code, given, layer)
    leaves = here["leaves"]
    for total, grads in (("total", "grads"), ("slope", "second")):

        def value(*xs: Any, total: str = total) -> Any:
            moved = {**given, **dict(zip(leaves, xs, strict=True))}
            return study(torch, nn, F, code, moved, layer, only=total)[total]

        vjp = lambda xs, g, found=here[grads]: [g * found.get(n, 0 * x) for n, x in zip(leaves, xs, strict=True)]
        check_grad(value, *leaves.values(), vjp=vjp, directions=1, resolution=1e-6)


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    """What two libraries must agree on."""
    return {part: found[part] for part in ("value", "buffers", "grads", "second")}


def stored(found: dict[str, Any]) -> dict[str, Any]:
    """What the file keeps of a study: 12 digits of value, buffers and gradients, and a sum of the second ones."""
    second = sum(float((g * known(g.shape)).sum()) for g in found["second"].values())
    several = {**numbers(found), "second": second}
    kept: dict[str, Any] = _short({name: x for name, x in several.items() if not isinstance(x, dict) or x})
    return kept


def _short(x: Any) -> Any:
    if isinstance(x, dict):
        return {name: _short(e) for name, e in x.items()}
    x = np.asarray(x).tolist()
    return json.loads(json.dumps(x), parse_float=lambda s: float(f"{float(s):.12g}"))


def disagreements(expected: Any, found: Any, rtol: float, path: str = "") -> list[str]:
    """Where two studies differ by more than rtol times the largest number of an array; what is not there is 0."""
    if isinstance(expected, dict):
        keys = [*expected, *(key for key in found if key not in expected)]
        nothing: Any = {} if any(isinstance(x, dict) for x in (*expected.values(), *found.values())) else 0.0
        return [line for key in keys for line in
                disagreements(expected.get(key, nothing), found.get(key, nothing), rtol, f"{path}.{key}")]  # fmt: skip
    a, b = np.asarray(expected), np.asarray(found)
    if not path.startswith(".second") and a.shape != b.shape:
        return [f"{path}: the shape {a.shape} is expected, got {b.shape}"]
    largest = np.abs(np.asarray(a, float)[np.isfinite(a)]).max(initial=1e-3)
    if np.allclose(b, a, rtol=rtol, atol=rtol * largest, equal_nan=True):
        return []
    return [f"{path}: {a.tolist()} is expected, got {b.tolist()}"]


# ---- what is refused ---------------------------------------------------------------------------------------
def calls(table: dict[type[Exception], str]) -> list[tuple[type[Exception], str, str]]:
    """The lines `call  # phrase of the message` of each class of errors."""
    pairs = [(kind, *line.split("  # ")) for kind, lines in table.items() for line in lines.strip().split("\n")]
    return [(kind, code.strip(), phrase.strip()) for kind, code, phrase in pairs]


def refusal(torch: Any, nn: Any, F: Any, code: str) -> Exception | None:
    """What the call raises, z(2, 3) being zeros and t(1, 2) a tensor."""
    names = {"torch": torch, "F": F, "nn": nn, "z": torch.zeros, "t": lambda *data: torch.tensor([*data])}
    try:
        eval(code, names)
    except Exception as error:
        return error
    return None


def main() -> None:
    import torch
    import torch.nn.functional as F
    from torch import nn

    def line(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    def cases(name: str, found: dict[str, Any]) -> str:
        return f'"{name}": {{\n' + ",\n".join(f"{json.dumps(key)}: {line(x)}" for key, x in found.items()) + "\n}"

    torch.set_num_threads(1)
    given = arrays(np.random.default_rng(2026))
    parts = [
        cases("losses", {code: stored(study(torch, nn, F, code, given)) for code in LOSSES if "'none'" not in code}),
        cases("layers", {f"{layer} {code}": stored(study(torch, nn, F, code, given, layer)) for layer, code in LAYERS}),
        cases("texts", {code: repr(eval(code, {"nn": nn, "torch": torch})) for code in TEXTS}),
        cases("inits", {f"{seed} {shape} {code}": _digits(initialised(torch, nn, code, shape, seed))
                        for code in INITS for shape in SHAPES[:3] for seed in SEEDS}),
        cases("fresh", {f"{seed} {code}": {n: _digits(x) for n, x in fresh(torch, nn, code, seed).items()}
                        for code in FRESH for seed in SEEDS}),
    ]  # fmt: skip
    head = json.dumps({"torch": version("torch"), "script": "tests/oracle/nn.py"})
    FILE.write_text(f"{head[:-1]},\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _digits(x: Any) -> Any:
    return [float(f"{float(e):.9g}") for e in x.ravel()]


if __name__ == "__main__":
    main()
