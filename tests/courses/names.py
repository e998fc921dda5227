"""Tables: what each name of PyTorch that the courses need gives, and its gradient, and the gradient of that.

>>> _each("1 + 1, max(x), len(2)", {"x": [3, 4]})  # doctest: +NORMALIZE_WHITESPACE
{'1 + 1': 2, 'max(x)': 4,
 'len(2)': {'raises': 'TypeError', 'message': "object of type 'int' has no len()", 'phrase': '(no error expected)'}}
>>> _errors("1 / zero  # division", {"zero": 0})
{'1 / zero': {'raises': 'ZeroDivisionError', 'message': 'division by zero', 'phrase': 'division'}}
"""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from . import raised, tolerance


def _split(lines: str) -> list[str]:
    """The expressions of a table: one or more a line, with commas between them."""
    parts = [part for line in lines.strip().splitlines() for part in ast.parse(f"[{line.strip()}]").body[0].value.elts]
    return [ast.unparse(part) for part in parts]


def _outcome(function: Callable[..., Any], *args: Any) -> Any:
    """The result, or the error, which no one expected, so that one line does not end the whole table."""
    try:
        return function(*args)
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error), "phrase": "(no error expected)"}


def _each(lines: str, names: dict[str, Any], shown: Callable[[Any], Any] = lambda result: result) -> dict[str, Any]:
    """What each expression gives, and what is shown of it, by the expression itself."""
    return {code: _outcome(lambda code: shown(eval(code, names)), code) for code in _split(lines)}


def _described(result: Any) -> Any:
    return [result, result.dtype, result.shape] if hasattr(result, "dtype") else result


def _errors(lines: str, names: dict[str, Any]) -> dict[str, Any]:
    """What each line raises: `statement  # the phrase that the message must have`."""
    parts = [line.rpartition("#") for line in lines.strip().splitlines()]
    return {code.strip(): raised(phrase.strip(), exec, code.strip(), dict(names)) for code, _, phrase in parts}


# ---- what is differentiated --------------------------------------------------------------------------------

#: float64 must agree to the digits that are stored
_exact = tolerance(1e-8, 1e-9)

#: Leaves, made anew for each expression: x and y of any sign, p positive, u within (−1, 1)
LEAVES: dict[str, Any] = {
    "x": [[0.5, -1.25, 2.0], [-0.75, 1.5, 0.25]],
    "y": [[1.5, 0.75, -0.5], [-2.0, 0.4, 1.25]],
    "p": [[0.5, 1.25, 2.0], [0.75, 3.0, 0.2]],
    "u": [[0.5, -0.25, 0.9], [-0.75, 0.1, 0.3]],
    "v": [0.5, -1.5, 2.5],
    "M": [[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]],
    "B": [[[0.5, -1.0, 1.5], [2.0, 0.25, -0.5]], [[1.0, 0.75, -1.25], [-2.0, 1.75, 0.1]]],
    "s": 1.5,
}


def _weights(torch, like):
    return torch.arange(1.0, like.numel() + 1, dtype=torch.float64).reshape(like.shape) / like.numel()


def _digits(result: Any) -> Any:
    """A tensor's numbers to the nine digits that are stored."""
    if isinstance(result, list):
        return [_digits(element) for element in result]
    return float(f"{result:.9g}") if isinstance(result, float) else _digits(result.tolist())


def _derivatives(torch, code: str, names: dict[str, Any], leaves: dict[str, Any]) -> dict[str, Any]:
    """Value, shape and grad_fn of an expression, gradients by backward(), by grad(create_graph=True), and their own.

    The sums differentiated have the weights 1/n, 2/n, …, so that no two elements may be exchanged.
    """
    inputs = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in leaves.items()}
    out = eval(code, {**names, **inputs})
    out.backward(_weights(torch, out))
    first = {name: t.grad for name, t in inputs.items() if t.grad is not None}
    used = [inputs[name] for name in first]
    for t in used:
        t.grad = None
    out = eval(code, {**names, **inputs})
    again = torch.autograd.grad(out, used, _weights(torch, out), create_graph=True)
    same = all(torch.allclose(one, two, equal_nan=True) for one, two in zip(first.values(), again, strict=True))
    total = sum((_weights(torch, g) * g).sum() for g in again)
    if total.requires_grad:
        total.backward()
    second = {name: t.grad for name, t in inputs.items() if t.grad is not None and t.grad.any()}
    return {
        "value": _digits(out), "shape": out.shape, "grad_fn": out.grad_fn, "create_graph agrees": same,
        "first": {name: _digits(g) for name, g in first.items()},
        "second": {name: _digits(g) for name, g in second.items()},
    }  # fmt: skip


def _study(torch, lines: str, names: dict[str, Any], leaves: dict[str, Any] = LEAVES) -> dict[str, Any]:
    """`_derivatives` of each expression; after a line `~` without the grad_fn, which there is an inner matter."""
    named, _, composed = lines.partition("~\n")
    found = {code: _outcome(_derivatives, torch, code, names, leaves) for code in _split(named) + _split(composed)}
    for code in _split(composed):
        found[code].pop("grad_fn", None)
    return found


@_exact
def arithmetic(torch, nn, F, optim, data):
    return _study(torch, """
        x + y, x + 2, 2 + x, x - y, x - 2, 2 - x, x * y, x * 2.5, 2.5 * x, x / y, x / 4, -x, x + s, x * v, v - x, x / p
        x**2, x**3, p**0.5, p**-1, p**y, 2**x, x**0, x**1, p**s, s**x, pow(x, 2), abs(x)
        x.add(y), x.add(y, alpha=2), torch.add(x, 1), x.sub(y), torch.sub(x, y, alpha=3), x.mul(y), torch.mul(x, 2)
        x.div(y), torch.div(x, 2), x.neg(), torch.neg(x), x.pow(2), torch.pow(p, y), torch.pow(p, 1.5)
        ~
        1 / p, 3.0 / p, p.reciprocal(), torch.reciprocal(p), x.square(), torch.square(x)
        x + x, x * x * x, (x + 1) * (x - 1) / p, -(x @ x.T), torch.pow(2, x), 0.5 * x + y * 2 - 3
    """, locals())  # fmt: skip


@_exact
def elementwise(torch, nn, F, optim, data):
    """Functions and methods; what stands in rules.py is here."""
    return _study(torch, """
        x.exp(), x.expm1(), p.log(), p.log1p(), p.sqrt(), x.sin(), x.cos(), x.tan(), u.asin(), u.acos(), x.atan()
        x.sinh(), x.cosh(), x.tanh(), x.sigmoid(), x.relu(), x.abs(), x.erf(), x.erfc(), x.maximum(y), x.minimum(y)
        torch.exp(x), torch.expm1(x), torch.log(p), torch.log1p(p), torch.sqrt(p), torch.sin(x), torch.cos(x)
        torch.tan(x), torch.asin(u), torch.acos(u), torch.atan(x), torch.sinh(x), torch.cosh(x), torch.tanh(x)
        torch.sigmoid(x), torch.relu(x), torch.abs(x), torch.erf(x), torch.erfc(x)
        torch.atan2(x, p), torch.hypot(x, p), torch.maximum(x, y), torch.minimum(x, v)
        torch.where(x > 0, x, y), torch.where(x > 0, x, 0.0), torch.where(x > y, 1.0, y * y), torch.where(x > 0, s, v)
        x.clamp(-1, 1), x.clamp(min=0), x.clamp(max=0.5), torch.clamp(x, -0.5, 0.5), torch.clamp(x, min=-1.0)
        torch.clamp(x, 1, float("inf"))
        ~
        torch.max(x, y), torch.min(x, y), x.max(y)
    """, locals())  # fmt: skip


@_exact
def activations(torch, nn, F, optim, data):
    return _study(torch, """
        F.relu(x), F.leaky_relu(x), F.leaky_relu(x, 0.2), F.elu(x), F.elu(x, 0.5), F.silu(x), F.tanh(x), F.sigmoid(x)
        F.gelu(x), F.gelu(x, approximate="tanh"), F.softplus(x), F.softplus(x, 2.0)
        F.softplus(x, beta=2, threshold=1.5), F.softmax(x, 1), F.softmax(x, dim=0), F.softmax(x, -1), F.softmax(v, 0)
        F.log_softmax(x, 1), F.log_softmax(x, dim=0)
        x.softmax(1), x.softmax(dim=-1), x.log_softmax(0), torch.softmax(x, 1), torch.log_softmax(x, dim=1)
        torch.softmax(B, 1), F.log_softmax(B, dim=2)
        nn.ReLU()(x), nn.LeakyReLU(0.2)(x), nn.Tanh()(x), nn.Sigmoid()(x), nn.Softmax(dim=1)(x), nn.GELU()(x)
        nn.GELU("tanh")(x), nn.SiLU()(x), nn.Softplus()(x), nn.Softplus(2.0)(x), nn.ELU()(x), nn.ELU(0.5)(x)
        ~
        nn.Identity()(x) * 2, nn.Flatten()(B) * 2, F.relu(x) * F.sigmoid(x)
    """, locals())  # fmt: skip


@_exact
def products(torch, nn, F, optim, data):
    W, b = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]).double(), torch.tensor([0.5, -0.5]).double()
    return _study(torch, """
        x @ M, M @ x, x @ v, v @ M, v @ v, x @ y.T, x.matmul(M), x.mm(M), v.dot(v), x.mv(v)
        torch.mm(x, M), torch.mv(x, v), torch.dot(v, v), torch.matmul(x, M), torch.matmul(x, v), torch.matmul(v, v)
        F.linear(x, W, b), F.linear(M.T, y, v[:2])
        ~
        torch.bmm(B, B.transpose(1, 2))
        B @ M, x @ B.transpose(1, 2), B @ B.transpose(1, 2), B @ v, v @ B.transpose(1, 2), x.T @ (x @ M), M @ B
        B.unsqueeze(1) @ M, B[:, None] @ B.transpose(1, 2), F.linear(x, y), F.linear(v, y), F.linear(B, x, v[1:])
        torch.outer(v, v * 2), torch.outer(v, M[:, 0]), v.outer(v), v[:, None] * v
        torch.einsum("ij,jk->ik", x, M), torch.einsum("ij,ij->", x, y), torch.einsum("ij->ji", x)
        torch.einsum("ij->j", x), torch.einsum("ij,ij->i", x, y), torch.einsum("i,j->ij", v, v)
        torch.einsum("ij,j", x, v)
        torch.einsum("bij,jk->bik", B, M), torch.einsum("bij,bkj->bik", B, B), torch.einsum("bij,bij->b", B, B)
        torch.einsum("...ij,jk->...ik", B, M), torch.einsum("ij,jk,k->i", x, M, M[0])
        torch.einsum("ij, jk -> ik", x, M)
        torch.einsum("ii->i", M @ x), torch.einsum("ii", M @ x), torch.einsum("ba,ac", x, M)
    """, locals())  # fmt: skip


@_exact
def reductions(torch, nn, F, optim, data):
    return _study(torch, """
        x.sum(), x.sum(0), x.sum(1), x.sum(-1), x.sum(1, keepdim=True), x.sum(dim=0, keepdim=True), x.sum((0, 1))
        x.sum(dim=[0, 1]), x.sum(axis=1), x.sum(1, keepdims=True), x.sum(0, True), s.sum()
        B.sum((0, 2)), B.sum((0, -1), keepdim=True), B.sum(1), B.sum(-2)
        torch.sum(x), torch.sum(x, 1), torch.sum(x, dim=0), torch.sum(x, 1, keepdim=True)
        x.mean(), x.mean(0), x.mean(1, keepdim=True), x.mean(-1), x.mean(axis=0), B.mean((0, 2)), s.mean()
        torch.mean(x), torch.mean(x, 1), torch.mean(x, dim=0, keepdim=True)
        x.var(), x.var(0), x.var(1, keepdim=True), x.var(unbiased=False), x.var(1, unbiased=False), x.var(correction=0)
        x.var(0, correction=0), B.var((0, 2)), torch.var(x), torch.var(x, 1), torch.var(x, dim=1, correction=0)
        x.var(False)
        x.std(), x.std(0), x.std(1, keepdim=True), x.std(unbiased=False), x.std(1, unbiased=False), x.std(correction=0)
        B.std((0, 1)), torch.std(x), torch.std(x, 1), torch.std(x, dim=0, unbiased=False, keepdim=True)
        x.max(), x.min(), x.max(1).values, x.max(0).values, x.min(1)[0], x.max(1, keepdim=True)[0], x.max(dim=1).values
        torch.max(x), torch.min(x), torch.max(x, 1).values, torch.min(x, dim=0).values, x.min(1, keepdim=True).values
        x.amax(), x.amax(1), x.amax(0, keepdim=True), x.amax((0, 1)), x.amax(dim=-1), B.amax((0, 2)), x.amin(1)
        torch.amax(x, 1), torch.amax(x, (0, 1)), torch.amin(x, dim=0), x.amax(())
        x.prod(), x.prod(0), x.prod(1, keepdim=True), x.prod(dim=-1), torch.prod(x), torch.prod(x, 1)
        x.logsumexp(1), x.logsumexp(1, keepdim=True), x.logsumexp(-1), torch.logsumexp(x, 0), torch.logsumexp(x, (0, 1))
        torch.logsumexp(x, dim=1, keepdim=True), x.cumsum(0), x.cumsum(1), torch.cumsum(x, -1), torch.cumsum(x, dim=0)
        B.cumsum(1)
        ~
        x.norm(), x.norm(2), x.norm(1), x.norm(p=3), x.norm(float("inf")), x.norm(dim=1), x.norm(2, 0), v.norm()
        x.norm(2, 1, keepdim=True), x.norm(p=2, dim=(0, 1)), torch.norm(x), torch.norm(x, dim=0)
        torch.norm(x, 1, dim=1)
        x.norm(p="fro"), x.softmax(1).log().sum(), x.abs().sum().sqrt(), ((x - x.mean(0)) / x.std(0)).exp().sum(0)
    """, locals())  # fmt: skip


@_exact
def shapes(torch, nn, F, optim, data):
    return _study(torch, """
        x.reshape(3, 2), x.reshape((3, 2)), x.reshape(-1), x.reshape(2, -1), torch.reshape(x, (3, 2)), x.reshape([6])
        x.view(6), x.view(3, -1), x.view((6, 1)), x.view(-1, 2, 3), x.view(x.shape[0], -1), x.view(torch.Size([6]))
        x.flatten(), torch.flatten(x), B.flatten(1), B.flatten(0, 1), B.flatten(start_dim=1)
        torch.flatten(B, start_dim=1)
        x.T, x.t(), x.transpose(0, 1), x.transpose(-1, -2), torch.transpose(B, 0, 2), B.transpose(1, 2)
        x.permute(1, 0), B.permute(2, 0, 1), B.permute((1, 0, 2)), torch.permute(B, (2, 1, 0)), B.permute(-1, 0, 1)
        v.expand(2, 3), v.expand(2, -1), v.expand((4, 3)), x.expand(2, 2, 3), s.expand(3), x[:1].expand(4, 3)
        x[:, :1].expand(-1, 4)
        x[:1].squeeze(), x[:1].squeeze(0), x.squeeze(0), torch.squeeze(x[:, :1], 1), x[:1].squeeze(-2)
        x[:1, :1].squeeze()
        x.unsqueeze(0), x.unsqueeze(-1), x.unsqueeze(1), torch.unsqueeze(x, 1), torch.unsqueeze(v, dim=0)
        s.unsqueeze(0)
        x.clone()
        x.triu(), x.tril(), torch.triu(x, 1), torch.tril(x, diagonal=-1), x.triu(diagonal=-1), M.tril(1), B.triu()
        ~
        x.mT, x.T.reshape(2, 3), x.T.flatten(), x.T.contiguous(), v.expand_as(x), x.view_as(M)
        x.reshape(3, 2).T.reshape(-1)
        s.reshape(1, 1), s.view(1), x.unbind(0)[1], torch.unbind(x, 1)[2], x.unbind()[0], x.T.T, x.double() * 2
        x.to(torch.float64) * 2, x.contiguous() * 2
    """, locals())  # fmt: skip


@_exact
def joining(torch, nn, F, optim, data):
    return _study(torch, """
        torch.cat([x, y]), torch.cat([x, y], 1), torch.cat((x, y), dim=-1), torch.cat([x, y, x], dim=0)
        torch.cat([v, v * 2])
        torch.cat([x, x.detach()], 1), torch.cat([B, B * 2], 2), torch.cat([x, y[:1]]), torch.cat([x])
        torch.cat([x, y], axis=1)
        torch.stack([x, y]), torch.stack([x, y], 1), torch.stack((x, y), dim=-1), torch.stack([s, s * s])
        torch.stack([x, x])
        torch.stack([v, x[0], y[1]], dim=1), torch.stack([x, y], dim=2)
    """, locals())  # fmt: skip


@_exact
def indexing(torch, nn, F, optim, data):
    i, j = torch.tensor([1, 0, 1]), torch.tensor([2, 0, 0])
    row, grid, array = torch.tensor([True, False]), torch.tensor([[0, 1], [1, 1]]), np.array([1, 0])
    return _study(torch, """
        x[0], x[-1], x[:, 1], x[..., 0], x[1, 2], x[1][2], x[-1, -1], x[0, :], x[torch.tensor(1)], B[0, 1], B[1, :, 0]
        B[..., 1]
        x[0:1], x[:, 1:], x[::2], x[:, ::2], x[:, -2:], x[1:, :2], x[0:0], B[:, 0:1], x[slice(0, 1)], x[:, 1:100]
        x[None], x[:, None], x[..., None], s[None]
        x[i], x[[1, 0, 1]], x[:, j], x[:, [2, 0]], x[i, j], x[[0, 1], [2, 0]], x[grid], v[grid], x[i, 0], x[0, j]
        x[1, [0, 0, 2]], x[-i], x[torch.arange(2), torch.tensor([2, 0])], x[torch.arange(2)[:, None], j], x[i, 1:]
        x[1:, j]
        x[row], x[x > 0], x[:, v > 0], x[row, 1], x[~row], x[x > 100], x[torch.tensor([False, False])], B[row], B[B > 0]
        B[i], B[:, i], B[i, :, j], B[:, i, j], B[..., [0, 1]], B[i, i], B[0, :, j], B[i, 0, 1:], B[0, i, j], B[i, :, 0]
        v[x.argmax(1)], x[array], x[torch.tensor([[0, 1], [1, 0]]), torch.tensor([[0, 1], [2, 2]])]
        v[torch.tensor([], dtype=torch.int64)]
        x.gather(1, grid), torch.gather(x, 0, torch.tensor([[0, 1, 1], [1, 1, 0]]))
        torch.gather(x, dim=1, index=grid[:, :1])
        x.sort(1).values, torch.sort(x, 0)[0], torch.sort(x, 1, descending=True).values, v.sort().values
        x.sort(dim=0, descending=True)[0], torch.sort(x).values, F.embedding(i, x), F.embedding(grid, x)
        ~
        x[i][j[:2] - 1], x[None, :, 1:], x[..., None, 0], x[i] * x[i].sum(), x[:, None, [0, 2]], next(iter(x)) * 1
        [r * 2 for r in x][1]
    """, locals())  # fmt: skip


def without_gradient(torch, nn, F, optim, data):
    """Indices, orders, comparisons, truth: values, dtypes and shapes."""
    x = torch.tensor([[3.0, 1.0, 2.0, 1.5], [0.5, 4.0, -1.0, 3.5]])
    i = torch.tensor([[0, 2], [1, 1]])
    nan = torch.tensor([1.0, float("nan"), float("inf"), -float("inf")])
    return _each("""
        F.one_hot(i), F.one_hot(i, 4), F.one_hot(torch.tensor(2), num_classes=3), F.one_hot(i[0], num_classes=5)
        x.argmax(), x.argmax(1), x.argmax(0), x.argmax(dim=1, keepdim=True), x.argmax(axis=1), x.argmax(-1)
        torch.argmax(x, 1)
        x.argmin(), x.argmin(1), torch.argmax(x), torch.argmin(x, dim=0), torch.argmax(x, dim=1, keepdim=True)
        x.max(1).indices, x.min(0).indices, x.max(0)[1], torch.max(x, 1)[1], x.sort(1).indices, x.sort(0)[1]
        x.argsort()
        x.argsort(0), x.argsort(descending=True), torch.argsort(x, 1), torch.sort(x, descending=True).indices
        x > 1, x >= 1, x < 2, x <= 2, x == 4, x != 4, x > x.mean(), 1 < x, x == x, x.eq(4.0), x.ne(4), x.gt(1)
        x.ge(1), x.lt(1), x.le(1)
        torch.eq(x, 4), torch.gt(x, 1), i == 1, i > 0.5, (x > 1) & (x < 3), (x > 1) | (x < 0), ~(x > 1)
        (x > 1) ^ (x > 2)
        (x > 1).all(), (x > 1).any(), (x > 1).all(0), (x > 1).any(1), (x > 1).all(1, keepdim=True), torch.all(x > -2)
        torch.any(x > 9)
        (x > 1).sum(), (x > 1).sum(1), (x > 1).float().mean(), x.isnan(), torch.isnan(nan), torch.isinf(nan)
        torch.isfinite(nan)
        nan > 0, nan == nan, nan.max(), nan.min(), nan.argmax(), nan.sum(), torch.maximum(nan, torch.zeros(4))
        nan.clamp(0, 1)
        torch.arange(5) % 3, torch.tensor([-3, 3]) % 2, torch.tensor([-3, 3]) // 2, torch.tensor([-3.5, 3.5]) // 2
        torch.tensor([-3.5, 3.5]) % 2
        torch.where(x > 2, 1, 0), torch.where(x > 2, x, 0), torch.where(i > 0, i, -i), torch.where(i > 0, 1.5, 0.0)
    """, locals(), _described)  # fmt: skip


EDGES: dict[str, Any] = {
    "z": [0.0, 1.0, -1.0, 1.0],
    "o": [0.0, 1.0, 1.0, -1.0],
    "P": [[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [1.0, 5.0, 5.0]],
    "big": [1000.0, -1000.0, 0.0, 30.0],
}


@_exact
def edges(torch, nn, F, optim, data):
    """Kinks, ties, zeros, overflow: which of several answers PyTorch gives."""
    found = _study(torch, """
        ~
        z.abs(), z.relu(), F.leaky_relu(z), F.elu(z), z.clamp(-1, 1), z.clamp(0, 1), z**0, z**1, z**2, z**3, o**z, z**o
        torch.maximum(z, o), torch.minimum(z, o), z.max(), z.min(), z.max(0).values, z.min(0).values, z.amax(), z.amin()
        P.amax(1), P.max(1).values, P.prod(), P.prod(1), P.prod(0), z.norm(), (z * 0).norm(), P.norm(dim=1)
        (z * 0).std()
        z.sqrt(), z.log(), torch.log1p(z), z**0.5, z**-1.0, z / o, o / z, z.reciprocal(), torch.atan2(z, o)
        torch.hypot(z, o)
        big.sigmoid(), big.tanh(), big.exp(), F.softplus(big), F.silu(big), F.gelu(big), F.elu(big), torch.expm1(big)
        big.softmax(0), big.log_softmax(0), big.logsumexp(0), (-big).sigmoid(), (big * float("inf")).relu()
        torch.where(z > 0, z.log(), z), torch.where(z > 0, z, o).sqrt(), z.sort().values, P.sort(1).values, z.cumsum(0)
    """, locals(), EDGES)  # fmt: skip
    return {code: {key: of[key] for key in of if key not in ("shape", "second")} for code, of in found.items()}


@_exact
def beyond_the_list(torch, nn, F, optim, data):
    """Near neighbours of what the courses call."""
    return _study(torch, """
        ~
        x.flip(0), torch.flip(x, (0, 1)), x.split(2, 1)[0], torch.split(x, [1, 2], dim=1)[1], x.chunk(2, 1)[1]
        x.repeat(2, 1), x.masked_fill(x > 0, 0.0), x.index_select(0, torch.tensor([1, 0, 1]))
        torch.topk(x, 2, 1).values
        torch.rsqrt(p), torch.log2(p), torch.log10(p), torch.sign(x), torch.floor(x), torch.round(x), x.diagonal()
        F.logsigmoid(x), F.normalize(x, dim=1), torch.hstack([x, y]), torch.vstack([x, y]), x.clip(-1, 1)
        torch.linalg.norm(x), torch.trace(M @ x), torch.diag(v), x.swapaxes(0, 1), x.ravel(), torch.cumprod(x, 1)
        nn.LogSoftmax(dim=1)(x), F.cross_entropy(B, torch.tensor([[0, 1, 1], [1, 0, -100]]))
    """, locals())  # fmt: skip


# ---- in place -------------------------------------------------------------------------------------------


def _statement(torch, code: str, names: dict[str, Any]) -> list[Any]:
    """x (2, 3) after a statement; the gradients if x is a step of a graph, 0 for an x that was overwritten."""
    plain = {name: torch.tensor(v, dtype=torch.float64) for name, v in LEAVES.items()}
    same = plain["x"]
    exec(code, {**names, **plain})
    leaves = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in LEAVES.items()}
    space = {**names, **leaves, "x": leaves["x"] * 1.0}
    exec(code, space)
    total = (space["x"] * _weights(torch, same)).sum() + 0 * leaves["x"].sum()
    total.backward()
    return [_digits(same), {name: _digits(t.grad) for name, t in leaves.items() if t.grad is not None}]


def _after(torch, lines: str, names: dict[str, Any]) -> dict[str, Any]:
    return {code: _outcome(_statement, torch, code, names) for code in map(str.strip, lines.strip().splitlines())}


@_exact
def in_place(torch, nn, F, optim, data):
    i, row = torch.tensor([1, 0]), torch.tensor([True, False])
    return _after(torch, """
        x.add_(2)
        x.add_(y)
        x.add_(y, alpha=0.5)
        x.add_(v)
        x.sub_(y)
        x.sub_(y, alpha=2)
        x.mul_(y)
        x.mul_(2.5)
        x.div_(p)
        x.zero_()
        x.fill_(3.5)
        x.copy_(y)
        x.copy_(v)
        x.clamp_(-1, 1)
        x.clamp_(min=0)
        x.clamp_(max=v.detach().max())
        x += y
        x += 1
        x -= v
        x *= 2
        x *= y
        x /= p
        x /= 4
        x.add_(y).mul_(2)
        x[0] = 5.0
        x[0] = v
        x[:, 1] = y[:, 2]
        x[1, 2] = s
        x[1, 2] = 7
        x[0:1] = y[1:]
        x[...] = y
        x[:] = 0
        x[i] = y
        x[[0, 1], [2, 0]] = torch.tensor([9.0, 8.0]).double()
        x[i, i] = v[:2]
        x[row] = 0.0
        x[x > 0] = 0.0
        x[x > 1] = s
        x[x < 0] *= -1
        x[i] += y
        x.requires_grad_(x.requires_grad)
    """, locals())  # fmt: skip


@_exact
def in_place_beyond_the_list(torch, nn, F, optim, data):
    return _after(torch, """
        x.neg_()
        x.exp_()
        x.tanh_()
        x.sigmoid_()
        x.relu_()
        x.pow_(2)
        x **= 2
    """, {})  # fmt: skip


def memory_is_shared(torch, nn, F, optim, data):
    """Which results are views: what is written into the base then shows, and the other way round."""
    found = {}
    views = """
        x[0], x[:, 1], x[0:1], x[::1, ::2], x[..., 0], x[None], x.T, x.t(), x.view(6), x.view(3, 2), x.reshape(6)
        x.flatten()
        x.reshape(3, 2), x.T.reshape(6), x.T.flatten(), x.transpose(0, 1), x.permute(1, 0), x.unsqueeze(0)
        x[:1].squeeze(0)
        x.expand(2, 2, 3), x.detach(), x.data, x.clone(), x.contiguous(), x.T.contiguous(), x.double(), x.float()
        x.to(torch.float64)
        x.to("cpu"), x[[0, 1]], x[x > -9], x[torch.tensor(0)], x + 0, x.numpy(), torch.from_numpy(x.numpy())
        torch.tensor(x.numpy())
        torch.as_tensor(x.numpy()), x.unbind(0)[0], torch.unbind(x, 1)[0], next(iter(x)), x.view_as(x), x.abs()
        x.sum(0), x.cpu()
        x.squeeze(), x.tril(), torch.cat([x]), x.requires_grad_(False), x.type(torch.float64), x[0][0], x[0, 0]
        nn.Flatten()(x), x.mT
    """
    for code in _split(views):
        x = torch.tensor(LEAVES["x"], dtype=torch.float64)
        view = _outcome(eval, code, {"torch": torch, "nn": nn, "x": x})
        x.fill_(9.0)
        found[code] = view if isinstance(view, dict) else bool((view == 9).all())
    x = torch.zeros(2, 3)
    x[0][1] = 1.0
    x[1].add_(5)
    x.T[2].fill_(7)
    x.view(6)[3:5] *= 2
    x.numpy()[0, 0] = -1.0
    found["writing through views"] = x
    w = torch.zeros(2, 2, requires_grad=True)
    with torch.no_grad():
        w[0] = 3.0
        w.T[1] += 1.0
        w.view(4)[2:].sub_(0.5)
    found["a parameter under no_grad"] = [w, w.is_leaf, w.requires_grad]
    return found


# ---- dtypes ---------------------------------------------------------------------------------------------

DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64".split()


def promotion(torch, nn, F, optim, data):
    """The dtype for each pair of DTYPES, of tensors a, b and of single numbers n, m: a row a line, short names."""
    short = dict(zip([str(getattr(torch, name)) for name in DTYPES], "b u1 i1 i2 i4 i8 f2 f4 f8".split(), strict=True))
    one = {name: torch.ones(2, dtype=getattr(torch, name)) for name in DTYPES}
    single = {name: t[0] for name, t in one.items()}
    found = {}
    for code in _split("""
        a + b, a * b, a / b, a + m, n * b, n + m, torch.maximum(a, b), torch.where(a > 0, a, b), torch.cat([a, b])
    """):  # fmt: skip
        for row in DTYPES:
            kinds = [(one[row], single[row], one[column], single[column]) for column in DTYPES]
            results = [_outcome(eval, code, {"torch": torch, "a": a, "n": n, "b": b, "m": m}) for a, n, b, m in kinds]
            found[f"{code}, a {row}"] = " ".join(short[str(t.dtype)] if torch.is_tensor(t) else "-" for t in results)
    return found


def dtypes_of_results(torch, nn, F, optim, data):
    """For each of DTYPES in turn."""
    found = {}
    for code in _split("""
        a + True, a + 2, a + 2.5, 2 * a, 2.5 * a, a / 2, 2 / a, a[0] * 2.5, a[0] + a, a.float() ** 2, a == a, a > 0
        1.5 < a
        a.sum(), a.sum(0), a.prod(), a.cumsum(0), a.max(), a.sin(), a.exp(), a.sqrt(), torch.sigmoid(a), a.tanh()
        torch.log(a)
        torch.zeros_like(a), torch.ones_like(a), torch.full_like(a, 1), torch.tensor(a.tolist())
        torch.tensor(a[0].item())
        torch.where(a > 0, a, 0), torch.where(a > 0, 1.5, a), torch.stack([a, a]), a.clone(), a.to(a)
        a.float(), a.double(), a.half(), a.long(), a.int(), a.short(), a.bool(), a.to(torch.int16), a.type(torch.uint8)
        a.type_as(torch.ones(1)), a.to(torch.ones(1).double()), a.to(dtype=torch.float64), a.to("cpu", torch.float32)
        a.to("cpu")
    """):  # fmt: skip
        ones = [torch.ones(2, dtype=getattr(torch, name)) for name in DTYPES]
        found[code] = [_outcome(lambda a, code=code: eval(code, {"a": a, "torch": torch}).dtype, a) for a in ones]
    return found


def numbers_of_small_integers(torch, nn, F, optim, data):
    """Integers wrap around, bools are logic, floats are cut; which casts lose nothing."""
    u, i, b = torch.tensor([200, 100], dtype=torch.uint8), torch.tensor([7, -7]), torch.tensor([True, False])
    f = torch.tensor([2.7, -2.7])
    return _each("""
        u + u, u * 2, u - 201, -torch.tensor([1], dtype=torch.uint8), torch.tensor([127], dtype=torch.int8) + 1
        b + b, b * b, b | True, ~b, b.sum(), b.float(), b & torch.tensor([True, True]), b == 1, torch.tensor([True]) + 1
        i / 2, i // 2, i % 4, i**2, 2 ** torch.tensor([3, 0]), f.int(), f.long(), f.bool(), f.to(torch.uint8)[:1]
        i.float() / 2
        torch.tensor([1.0]).half() / 3, torch.tensor([70000.0]).half(), torch.tensor([1 / 3]).double()
        torch.tensor([1 / 3], dtype=torch.float64).float()
        torch.tensor([16777217]).float(), torch.tensor(0.1, dtype=torch.float64) + torch.tensor(0.2)
        torch.tensor(0.1).item(), u.sum(), u.float().mean()
        i.float().mean(), torch.tensor([1, 2]).double().std(), torch.tensor([[1, 2], [3, 4]]) @ torch.tensor([1, 1])
        i.max(), i.sort().values
    """, locals())  # fmt: skip


def in_place_keeps_the_dtype(torch, nn, F, optim, data):
    i, f, d = torch.tensor([1, 2]), torch.tensor([1.5, 2.5]), torch.tensor([1.5, 2.5], dtype=torch.float64)
    found = _errors("""
        i += 1.5                        # can't be cast
        i /= 2                          # can't be cast
        i.mul_(f)                       # can't be cast
        i.add_(torch.tensor(2.5))       # can't be cast
        f += torch.ones(3, 2)           # doesn't match the broadcast shape
        f.add_(torch.ones(3))           # must match
    """, locals())  # fmt: skip
    f += d
    f *= i
    i += torch.tensor([True, False])
    i[0] = 7.9
    d.copy_(i)
    return found | {"f": [f, f.dtype], "i": [i, i.dtype], "d": [d, d.dtype]}


# ---- safety ---------------------------------------------------------------------------------------------


def _failures(torch, lines: str, names: dict[str, Any]) -> dict[str, Any]:
    """`_errors` with float32 leaves x (2, 3) and w (3,), plain t (2, 3), integers i, all new for each line."""
    found: dict[str, Any] = {}
    for line in lines.strip().splitlines():
        x = torch.tensor(LEAVES["x"], requires_grad=True)
        w = torch.tensor(LEAVES["v"], requires_grad=True)
        t, i = x.detach().clone(), torch.tensor([1, 0])
        found |= _errors(line, {"torch": torch, "x": x, "w": w, "t": t, "i": i, **names})
    return found


def changed_before_backward(torch, nn, F, optim, data):
    """An array that a gradient needs and that was changed in place: an error, not a wrong gradient."""
    modified = "modified by an inplace operation"
    y = "y = x * 1.0; "
    lines = [
        "y.exp_(); z = y.sum(); y.add_(1); z.backward()",
        "z = y * y; y.mul_(2); z.sum().backward()",
        "z = y.exp(); z.add_(1); z.sum().backward()",
        "z = y.tanh(); z[0, 0] = 5.0; z.sum().backward()",
        "z = y**2; y[0] = 0; z.sum().backward()",
        "z = y.sigmoid(); z *= 2; z.sum().backward()",
        "z = y @ w; y.zero_(); z.sum().backward()",
        "z = y * t; t += 1; z.sum().backward()",
        "z = y * t; t[0, 0] = 3.0; z.sum().backward()",
        "z = y * t; t.view(6)[2] = 3.0; z.sum().backward()",
        "z = y * t[0]; t[0].mul_(2); z.sum().backward()",
        "z = y * t[0]; t.mul_(2); z.sum().backward()",
        "z = torch.softmax(y, 1); z.mul_(2); z.sum().backward()",
        "z = y.prod(); y.add_(1); z.backward()",
        "z = y / t; t.copy_(t + 1); z.sum().backward()",
        "z = (y * t).sum(); t.clamp_(0, 1); z.backward()",
        "z = (y * t).sum(); t.detach().zero_(); z.backward()",
        "z = y.sqrt(); z.add_(1); z.sum().backward()",
        "z = F.linear(y, t); t.zero_(); z.sum().backward()",
        "z = F.cross_entropy(y, i); i[0] = 0; z.backward()",
        "z = (w * x).sum(); torch.no_grad()(w.add_)(1); z.backward()",
    ]
    found = _failures(torch, "\n".join(f"{y}{line}  # {modified}" for line in lines), {"F": F})
    return found


def changed_without_harm(torch, nn, F, optim, data):
    """What no gradient needs may change: sums, products by numbers, the other factor."""

    def gradient(line: str) -> Any:
        x = torch.tensor(LEAVES["x"], requires_grad=True)
        names = {"torch": torch, "x": x, "t": x.detach().clone(), "w": torch.tensor(LEAVES["v"])}
        exec(f"y = x * 1.0; {line}; z.sum().backward()", names)
        return x.grad

    lines = """
        z = y + t; t += 1
        z = y - t; y += 1
        z = y.sum(0); y *= 2
        z = y.mean(); y *= 2
        z = y * 2.5; y.zero_()
        z = y * w; y += 1
        z = y.exp(); y += 1
        z = y + w; z *= 3
        z = y * w; z += 1
        z = y @ w; z -= 1
    """
    return {line: _outcome(gradient, line) for line in map(str.strip, lines.strip().splitlines())}


def refused_or_right(torch, nn, F, optim, data):
    """Which arrays a step needs, and which views may be written to, is the engine's choice; a wrong gradient is not."""

    def gradient(code: str) -> Any:
        x = torch.tensor(LEAVES["x"], requires_grad=True)
        names = {"torch": torch, "F": F, "x": x, "t": x.detach() + 1, "i": torch.tensor([1, 0])}
        exec(f"y = x * 1.0; {code}; (z * z.detach()).sum().backward()", names)
        return x.grad

    pairs = """
        z = torch.relu(y); z.sub_(1)            # z = torch.relu(y) - 1
        z = torch.relu(y); z.mul_(2)            # z = torch.relu(y) * 2
        k = torch.relu(y); y.add_(3); z = k     # z = torch.relu(y)
        y.mul_(y); z = y                        # z = y * y
        z = y[i] * t[i]; z.mul_(z)              # z = (y[i] * t[i]) ** 2
        z = F.log_softmax(y, 1); z.mul_(2)      # z = F.log_softmax(y, 1) * 2
        z = y.exp(); z.mul_(2)                  # z = y.exp() * 2
        z = y.reshape(3, 2); y += 1             # z = (y + 1).reshape(3, 2)
        z = y[0]; y[1] = 9                      # z = y[0]
        z = y[0]; y *= 2                        # z = y[0] * 2
        z = y.T; y[0] = 1                       # z = torch.stack([torch.ones(3), y[1]]).T
        y[0] += 1; z = y                        # z = torch.stack([y[0] + 1, y[1]])
        y[0].mul_(2); z = y                     # z = torch.stack([y[0] * 2, y[1]])
        y.T[1].zero_(); z = y                   # z = torch.stack([y[:, 0], y[:, 1] * 0, y[:, 2]], 1)
        y[:, 1] *= t[:, 1]; z = y               # z = torch.stack([y[:, 0], y[:, 1] * t[:, 1], y[:, 2]], 1)
        y.view(6)[1:3].add_(t[0, 0]); z = y     # z = torch.cat([y.view(6)[:1], y.view(6)[1:3] + 1.5, y.view(6)[3:]])
        y[0] = y[1] * 2; z = y                  # z = torch.stack([y[1] * 2, y[1]])
        y.detach().mul_(2); z = y * y           # z = (y + y.detach()) * (y + y.detach())
        v = y[0]; y.mul_(2); v.add_(1); z = y   # z = torch.stack([y[0] * 2 + 1, y[1] * 2])
        v = y.clone(); v[0] *= 5; z = v + y     # z = torch.stack([y[0] * 6, y[1] * 2])
    """
    found = {}
    for line in pairs.strip().splitlines():
        code, _, meant = (part.strip() for part in line.partition("#"))
        outcome, right = _outcome(gradient, code), gradient(meant)
        refused = isinstance(outcome, dict) and outcome["raises"] == "RuntimeError"
        found[code] = True if refused or torch.allclose(outcome, right) else [outcome, right]
    return found


def leaves_are_guarded(torch, nn, F, optim, data):
    leaf = "a leaf Variable that requires grad is being used in an in-place operation"
    found = _failures(torch, f"""
        x.add_(1)                               # {leaf}
        x += 1                                  # {leaf}
        x.sub_(0.1 * t)                         # {leaf}
        x.zero_()                               # {leaf}
        x.copy_(t)                              # {leaf}
        x.clamp_(0, 1)                          # {leaf}
        x.mul_(2)                               # {leaf}
        x.fill_(0)                              # {leaf}
        x[0] = 1.0                              # in-place
        x[i] = 1.0                              # {leaf}
        x[0].add_(1)                            # view
        x.view(6).mul_(2)                       # view
        x.T.zero_()                             # view
    """, {})  # fmt: skip
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        x -= 0.5
        x.mul_(3)
        x[0] = 7.0
    x.data.add_(1)
    x.detach().mul_(2)
    return found | {"x": x, "still a leaf": [x.is_leaf, x.requires_grad, x.grad_fn]}


def backward_refuses(torch, nn, F, optim, data):
    return _failures(torch, """
        (x * 2).backward()                                      # grad can be implicitly created only for scalar outputs
        x.backward()                                            # grad can be implicitly created only for scalar outputs
        t.sum().backward()                                              # does not require grad
        z = x.pow(2).sum(); z.backward(); z.backward()                  # backward through the graph a second time
        z = x.exp().sum(); z.backward(); z.backward()                   # backward through the graph a second time
        a = x * x; a.sum().backward(); (a * 2).sum().backward()         # backward through the graph a second time
        (x * 2).backward(torch.ones(3, 2))                              # shape
        (x * 2).sum().backward(torch.ones(2))                           # shape
        x.sum().detach().backward()                                     # does not require grad
        x.argmax().backward()                                           # does not require grad
        torch.autograd.grad(t.sum(), x)                                 # does not require grad
        torch.autograd.grad(x.sum(), t)                                 # not require grad
        torch.autograd.grad(x.sum(), w)                                 # allow_unused
        torch.autograd.grad(x * 2, x)                                   # scalar
        torch.tensor([1, 2], requires_grad=True)                        # floating point
        torch.ones(2, dtype=torch.int64, requires_grad=True)            # floating point
        i.requires_grad_()                                              # floating point
        i.requires_grad = True                                          # floating point
        torch.tensor([True], requires_grad=True)                        # floating point
        torch.nn.Parameter(i)                                           # floating point
        (x * 2).requires_grad_(False)                                   # leaf
        x.numpy()                # Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
        (x * 2).numpy()          # Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
        t.retain_grad()                                                 # requires_grad
        x.grad = torch.ones(2)                                          # gradient
        x.grad = 3.0                                                    # Tensor
        x.grad = torch.ones(2, 3, dtype=torch.float64)                  # type
        x.sum().backward(3.0)                                           # float
        x.grad.zero_()                                                  # zero_
    """, {})  # fmt: skip


def shapes_refuse(torch, nn, F, optim, data):
    return _failures(torch, """
        x + torch.ones(2)                           # The size of tensor a (3) must match the size of tensor b (2)
        t * torch.ones(3, 2)                        # must match
        x @ x                                       # mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
        w @ torch.ones(2)                           # inconsistent tensor size
        x @ torch.ones(2)                           # size
        torch.mm(x, w)                              # 2
        torch.ones(2, 3, 4) @ torch.ones(3, 4, 2)   # size
        x.view(4)                                   # shape '[4]' is invalid for input of size 6
        x.view(-1, -1)                              # only one dimension can be inferred
        x.reshape(4, -1)                            # shape '[4, -1]' is invalid for input of size 6
        x.T.view(6)                                 # Use .reshape(...) instead
        x.sum(2)                                # Dimension out of range (expected to be in range of [-2, 1], but got 2)
        x.mean(-3)                             # Dimension out of range (expected to be in range of [-2, 1], but got -3)
        x.max(5)                                    # Dimension out of range
        x.softmax(2)                                # Dimension out of range
        x.sum((0, 0))                               # multiple times
        x.transpose(0, 2)                           # Dimension out of range
        x.permute(0)                                # dim
        x.permute(0, 0)                             # permute
        x.expand(3, 3)                              # must match
        x.expand(3)                                 # expand
        x.unsqueeze(4)                              # Dimension out of range
        x.squeeze(3)                                # Dimension out of range
        torch.ones(2, 2, 2).t()                     # t()
        torch.cat([x, torch.ones(3, 2)])            # Sizes of tensors must match
        torch.cat([])                               # non-empty
        torch.cat([x, w])                           # dimension
        torch.stack([x, w])                         # size
        torch.stack([])                             # non-empty
        x[2]                                        # index 2 is out of bounds
        x[-3]                                       # index -3 is out of bounds
        x[0, 3]                                     # index 3 is out of bounds
        x[0, 0, 0]                                  # too many indices
        x[torch.tensor([2])]                        # index 2 is out of bounds
        x[[0, 5]]                                   # index 5 is out of bounds
        x[torch.tensor([True, False, True])]        # match
        x[torch.tensor([0.5])]                      # bool
        x[0.5]                                      # float
        x[i, torch.tensor([0, 1, 2])]               # shape mismatch
        t[0] = torch.ones(2)                        # match
        t[i] = torch.ones(3, 3)                     # shape mismatch
        x.gather(1, i)                              # same number of dimensions
        x.gather(1, torch.tensor([[3]]))            # index 3 is out of bounds
        torch.einsum("ij,jk->ik", x, x)             # einsum
        torch.einsum("ij->ik", x)                   # einsum
        torch.outer(x, w)                           # 1
        torch.dot(x, x)                             # 1D
        x.item()                                    # a Tensor with 6 elements cannot be converted to Scalar
        bool(x > 0)                                 # Boolean value of Tensor with more than one value is ambiguous
        bool(torch.tensor([]))                      # ambiguous
        float(t)                                    # element
        int(t)                                      # element
        len(torch.tensor(1.0))                      # 0-d
        iter(torch.tensor(1.0))                     # 0-d
        [][torch.tensor(0.5)]                       # integer
        torch.tensor([[1, 2], [3]])                 # length
        torch.tensor("a")                           # str
        torch.tensor([None])                        # NoneType
        torch.zeros(-1)                             # negative
        torch.arange(1, 5, -1)                      # step
        i.mean()                                    # floating point
        i.std()                                     # floating point
        i.softmax(0)                                # softmax
        (i > 0) - (i > 0)                           # bool
        -(i > 0)                                    # bool
        i @ w[:2]                                   # same dtype
        x @ torch.ones(3, 2).double()               # dtype
        torch.ones(0).max()                         # dim
        torch.ones(0).argmax()                      # argmax
        torch.tril(torch.ones(3))                   # 2
        x.clamp()                                   # 'min' or 'max'
        torch.tensor([2]) ** -1                     # negative integer powers
        x + "a"                                     # 'Tensor' and 'str'
        "a" + x                                     # "Tensor"
        x @ 2                                       # 'Tensor' and 'int'
        x.nonsense                                  # nonsense
    """, {})  # fmt: skip


def functional_refuses(torch, nn, F, optim, data):
    return _failures(torch, """
        F.cross_entropy(x, torch.tensor([0, 3]))                    # Target 3 is out of bounds
        F.cross_entropy(x, torch.tensor([0, -1]))                   # Target -1 is out of bounds
        F.cross_entropy(x, torch.tensor([0, 1, 2]))                 # batch_size
        F.cross_entropy(x, torch.tensor([0.0, 1.0]))                # Float
        F.cross_entropy(x, i, weight=torch.ones(2))                 # weight
        F.cross_entropy(x, i, reduction="average")                  # average is not a valid value for reduction
        F.mse_loss(x, t, reduction="all")                           # all is not a valid value for reduction
        F.nll_loss(x, torch.tensor([5, 0]))                         # Target 5 is out of bounds
        F.nll_loss(x, torch.ones(2))                                # Float
        F.binary_cross_entropy(x, t)                                # between 0 and 1
        F.binary_cross_entropy(torch.sigmoid(x), torch.ones(2))     # size
        F.binary_cross_entropy_with_logits(x, torch.ones(2))        # size
        F.one_hot(torch.tensor([0, 3]), 3)                          # num_classes
        F.one_hot(torch.tensor([-1, 3]))                            # non-negative
        F.one_hot(torch.tensor([1.0]))                              # one_hot
        F.embedding(torch.tensor([2]), x)                           # out of range
        F.embedding(torch.tensor([0.5]), x)                         # Long
        F.linear(x, torch.ones(2, 2))                          # mat1 and mat2 shapes cannot be multiplied (2x3 and 2x2)
        F.dropout(x, p=1.5)                                         # dropout probability has to be between 0 and 1
        F.batch_norm(x[:1], t[0], t[1], training=True)              # Expected more than 1 value per channel
        F.layer_norm(x, (2,))                                       # normalized_shape
        nn.Dropout(-0.1)                                            # dropout probability has to be between 0 and 1
        nn.Linear(3, 2)(torch.ones(4))                         # mat1 and mat2 shapes cannot be multiplied (1x4 and 3x2)
        nn.Linear(3, 2)(torch.ones(5, 4))                      # mat1 and mat2 shapes cannot be multiplied (5x4 and 3x2)
        nn.Linear(3, 2)(i)                                          # dtype
        nn.BatchNorm1d(4)(x)                                        # 4
        nn.BatchNorm1d(3)(w)                                        # 2D or 3D
        nn.CrossEntropyLoss()(x, torch.tensor([0, 3]))              # Target 3 is out of bounds
        nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 1))(x)     # mat1 and mat2 shapes cannot be multiplied (2x2 and 3x1)
        nn.Module()(x)                                              # forward
        nn.Sequential(nn.ReLU())[1]                                 # index 1 is out of range
        nn.Linear(3, 2).nothing                                     # 'Linear' object has no attribute 'nothing'
        nn.Linear(3, 2).load_state_dict({})                         # Missing key(s) in state_dict
        nn.Linear(3, 2).load_state_dict({"weight": t, "bias": w})   # size mismatch for bias
        nn.Linear(3, 2, False).load_state_dict({"weight": t, "more": w})    # Unexpected key(s) in state_dict
        setattr(nn.Linear(3, 2), "weight", t)                       # cannot assign
        nn.Module().register_parameter("a.b", nn.Parameter(w))      # "."
        nn.init.xavier_uniform_(torch.empty(3))                     # fewer than 2 dimensions
        nn.init.kaiming_normal_(torch.empty(3, 2), mode="fan")      # Mode fan not supported
        nn.init.calculate_gain("swish")                             # Unsupported nonlinearity swish
    """, {"nn": nn, "F": F})  # fmt: skip


# ---- functions of networks -------------------------------------------------------------------------------

PREDICTIONS: dict[str, Any] = {
    "x": [[0.5, -1.25, 2.0], [-0.75, 1.5, 0.25], [3.0, 0.1, -0.4], [0.2, 0.3, 0.9]],
    "y": [[1.5, 0.75, -0.5], [-2.0, 0.4, 1.25], [0.5, -3.0, 0.6], [0.1, 0.7, 0.8]],
    "q": [[0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [0.25, 0.25, 0.5], [0.6, 0.1, 0.3]],
    "v": [0.5, -1.5, 2.5],
}


@_exact
def losses(torch, nn, F, optim, data):
    """Every option of every loss; targets that require a gradient have one where PyTorch gives it."""
    i, gap = torch.tensor([2, 0, 1, 2]), torch.tensor([2, -100, 1, 0])
    w, rows = torch.tensor([0.5, 2.0, 1.5]).double(), torch.tensor([[0.5], [1.0], [2.0], [0.0]]).double()
    truth = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.25, 0.5, 1.0]]).double()
    return _study(torch, """
        F.mse_loss(x, y), F.mse_loss(x, y, reduction="sum"), F.mse_loss(x, y, reduction="none"), nn.MSELoss()(x, y)
        F.huber_loss(x, y), F.cross_entropy(x, i), nn.CrossEntropyLoss()(x, i), F.nll_loss(F.log_softmax(x, 1), i)
        nn.NLLLoss()(x, i), F.binary_cross_entropy(q, truth), F.binary_cross_entropy_with_logits(x, truth)
        nn.BCELoss()(q, truth), nn.BCEWithLogitsLoss()(x, truth), nn.HuberLoss()(x, y)
        ~
        nn.MSELoss(reduction="sum")(x, y), nn.MSELoss(reduction="none")(x, y), F.mse_loss(x[:, 0], y[:, 0])
        F.mse_loss(y, y)
        F.l1_loss(x, y), F.l1_loss(x, y, reduction="sum"), F.l1_loss(x, y, reduction="none"), nn.L1Loss()(x, y)
        F.l1_loss(x, x)
        nn.L1Loss(reduction="sum")(x, y), F.huber_loss(x, y, delta=0.5), F.huber_loss(x, y, reduction="sum", delta=2.0)
        nn.HuberLoss(delta=0.3, reduction="none")(x, y), nn.HuberLoss("sum", 1.5)(x, y)
        F.cross_entropy(x, i, reduction="sum"), F.cross_entropy(x, i, reduction="none"), F.cross_entropy(x, i, weight=w)
        F.cross_entropy(x, i, w, reduction="sum"), F.cross_entropy(x, i, weight=w, reduction="none")
        F.cross_entropy(x, gap)
        F.cross_entropy(x, gap, reduction="none"), F.cross_entropy(x, gap, weight=w)
        F.cross_entropy(x, i, ignore_index=2)
        F.cross_entropy(x, i, ignore_index=0, reduction="sum"), F.cross_entropy(x, i, label_smoothing=0.1)
        F.cross_entropy(x, i, weight=w, label_smoothing=0.2), F.cross_entropy(x, gap, label_smoothing=0.3)
        F.cross_entropy(x, gap, weight=w, label_smoothing=0.3)
        F.cross_entropy(x, i, label_smoothing=0.1, reduction="none")
        F.cross_entropy(x, i, label_smoothing=1.0, reduction="sum")
        F.cross_entropy(x, gap, w, reduction="none", label_smoothing=0.1)
        F.cross_entropy(x, q), F.cross_entropy(x, q, reduction="sum"), F.cross_entropy(x, q, reduction="none")
        F.cross_entropy(x, q, weight=w), F.cross_entropy(x, q.detach(), label_smoothing=0.1)
        F.cross_entropy(x, q, w, reduction="sum")
        F.cross_entropy(x, truth, w, reduction="none", label_smoothing=0.2), F.cross_entropy(x[0], i[0])
        F.cross_entropy(x[0], q[0])
        nn.CrossEntropyLoss(reduction="none")(x, i), nn.CrossEntropyLoss(weight=w)(x, i)
        nn.CrossEntropyLoss(w, label_smoothing=0.1)(x, i)
        nn.CrossEntropyLoss(ignore_index=1)(x, i), nn.CrossEntropyLoss(reduction="sum")(x, q)
        F.nll_loss(x, i), F.nll_loss(x, i, weight=w), F.nll_loss(x, i, reduction="sum")
        F.nll_loss(x, i, w, reduction="none")
        F.nll_loss(x, gap), F.nll_loss(x, i, ignore_index=2), nn.NLLLoss(weight=w, reduction="sum")(x, i)
        nn.NLLLoss(w, ignore_index=0)(x, i)
        F.binary_cross_entropy(q, truth, reduction="sum"), F.binary_cross_entropy(q, truth, reduction="none")
        F.binary_cross_entropy(q, truth, weight=w), F.binary_cross_entropy(q, truth, rows)
        nn.BCELoss(reduction="sum")(q, truth)
        nn.BCELoss(weight=rows)(q, truth), F.binary_cross_entropy(q, q.detach())
        F.binary_cross_entropy_with_logits(x, truth, reduction="sum")
        F.binary_cross_entropy_with_logits(x, truth, reduction="none")
        F.binary_cross_entropy_with_logits(x, truth, pos_weight=w)
        F.binary_cross_entropy_with_logits(x, truth, weight=rows)
        F.binary_cross_entropy_with_logits(x, truth, rows, reduction="sum", pos_weight=w)
        nn.BCEWithLogitsLoss(pos_weight=w)(x, truth)
        nn.BCEWithLogitsLoss(rows, reduction="none", pos_weight=w)(x, truth)
        F.binary_cross_entropy_with_logits(x * 1000, truth)
    """, locals(), PREDICTIONS)  # fmt: skip


def losses_at_the_edge(torch, nn, F, optim, data):
    """No class left to average, certainty, probabilities of 0 and 1, classes of another integer kind, float32."""
    x = torch.tensor([[100.0, -100.0], [0.0, 0.0]], requires_grad=True)
    none_left = torch.tensor([-100, -100])
    sure = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    wrong = torch.tensor([0.0, 1.0, 1.0, 0.0])

    def differentiated(loss):
        x.grad = sure.grad = None
        loss.backward()
        return [loss, loss.dtype, x.grad, sure.grad]

    return _each("""
        F.cross_entropy(x, none_left), F.cross_entropy(x, none_left, reduction="sum")
        F.cross_entropy(x, torch.tensor([0, 1]))
        F.cross_entropy(x, torch.tensor([1, 1])), F.nll_loss(x, none_left), F.mse_loss(x, x.detach() + 1)
        F.l1_loss(x, x.detach())
        F.huber_loss(x, x.detach() + 1), F.cross_entropy(x, torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
        F.binary_cross_entropy_with_logits(x, torch.ones(2, 2)), F.binary_cross_entropy(sure, wrong)
        F.mse_loss(x, torch.zeros(2, 2))
        F.cross_entropy(x, torch.tensor([0, 1], dtype=torch.uint8)), F.cross_entropy(x * 10, torch.tensor([1, 0]))
    """, locals(), differentiated)  # fmt: skip


@_exact
def layers(torch, nn, F, optim, data):
    """Normalisation, embedding, dropout without chance: values, gradients, second gradients."""
    i = torch.tensor([2, 0, 2])
    mean, var = torch.tensor([0.5, -0.5, 1.0]).double(), torch.tensor([1.5, 0.5, 2.0]).double()
    weight, bias = torch.tensor([1.5, -0.5, 2.0]).double(), torch.tensor([0.1, 0.2, 0.3]).double()
    return _study(torch, """
        F.embedding(i, x), F.linear(x, y, y[:, 0])
        ~
        F.batch_norm(x, mean.clone(), var.clone(), training=True), F.batch_norm(x, mean, var)
        F.batch_norm(x, None, None, training=True)
        F.batch_norm(x, mean, var, weight, bias), F.batch_norm(x, None, None, v, bias, training=True)
        F.batch_norm(x, None, None, v, v * 2, True, 0.3, 0.01)
        F.layer_norm(x, (3,)), F.layer_norm(x, (3,), v, v * 2), F.layer_norm(x, (4, 3))
        F.layer_norm(x, [3], weight, bias, 0.1)
        F.dropout(x, 0.0), F.dropout(x, 0.5, training=False), F.dropout(x, 1.0) + x * 0, nn.Dropout(0.3).eval()(x)
        nn.Dropout(0.0)(x)
        nn.BatchNorm1d(3).double()(x), nn.BatchNorm1d(3, affine=False).double()(x), nn.BatchNorm1d(3).double().eval()(x)
        nn.BatchNorm1d(4).double()(x[None, :, :] * y), nn.BatchNorm1d(3, track_running_stats=False).double().eval()(x)
        nn.LayerNorm(3).double()(x), nn.LayerNorm((4, 3)).double()(x), nn.LayerNorm(3, elementwise_affine=False)(x)
        nn.LayerNorm(3, eps=0.5).double()(x)
        nn.Flatten()(x.reshape(2, 2, 3)), nn.Flatten(0)(x), nn.Flatten(0, 1)(x.reshape(2, 2, 3))
        nn.Sequential(nn.Tanh(), nn.Softmax(1))(x)
    """, locals(), PREDICTIONS)  # fmt: skip


def layers_with_state(torch, nn, F, optim, data):
    """Running statistics, dropout's masks, padding rows: what a layer keeps from one call to the next."""
    x = torch.tensor(PREDICTIONS["x"])
    found = {}
    for options in ({}, {"momentum": 0.5}, {"momentum": None}, {"affine": False}, {"eps": 1.0}):
        layer = nn.BatchNorm1d(3, **options)
        first, second = layer(x), layer(x * 2 + 1)
        layer.eval()
        after = layer(x)
        state = [layer.running_mean, layer.running_var, layer.num_batches_tracked]
        found[f"BatchNorm1d {options}"] = [first, second, after, state, list(layer.state_dict())]
    layer = nn.BatchNorm1d(4)
    found["(N, C, L)"] = [layer(x.reshape(1, 4, 3)), layer.running_mean, layer.running_var]
    torch.manual_seed(3)
    dropout = nn.Dropout(0.4)
    y = x.clone().requires_grad_()
    dropped = dropout(y)
    dropped.sum().backward()
    found["Dropout"] = [dropped, y.grad, F.dropout(x, 0.4), F.dropout(x), nn.Dropout(0.25)(torch.ones(1000)).mean()]
    found["no Dropout"] = [nn.Dropout(1.0)(x), dropout.eval()(x), F.dropout(x, training=False)]
    torch.manual_seed(4)
    embedding = nn.Embedding(4, 2, padding_idx=1)
    vectors = embedding(torch.tensor([[1, 3], [3, 0]]))
    vectors.sum().backward()
    found["Embedding"] = [embedding.weight, vectors, embedding.weight.grad, nn.Embedding(3, 2).weight]
    torch.manual_seed(5)
    linear = nn.Linear(3, 2)
    out = linear(x)
    out.sum().backward()
    found["Linear"] = [linear.weight, linear.bias, out, linear.weight.grad, linear.bias.grad]
    found["Linear of more dimensions"] = [linear(x[0]), linear(x.reshape(2, 2, 3)), linear(torch.zeros(0, 3)).shape]
    return found


def initialisers(torch, nn, F, optim, data):
    """The same numbers as PyTorch's from the same seed; (5, 4) has more than 16 elements, (3, 2) has fewer."""
    found = {}
    for shape in ((5, 4), (3, 2)):
        for code in _split("""
            nn.init.uniform_(w), nn.init.uniform_(w, -1, 2), nn.init.normal_(w), nn.init.normal_(w, std=0.01)
            nn.init.normal_(w, 2.0, 3.0)
            nn.init.constant_(w, 0.3), nn.init.zeros_(w), nn.init.ones_(w), nn.init.xavier_uniform_(w)
            nn.init.xavier_uniform_(w, gain=2.0)
            nn.init.xavier_normal_(w), nn.init.xavier_normal_(w, gain=nn.init.calculate_gain("tanh"))
            nn.init.kaiming_uniform_(w)
            nn.init.kaiming_uniform_(w, a=5**0.5), nn.init.kaiming_uniform_(w, mode="fan_out")
            nn.init.kaiming_normal_(w)
            nn.init.kaiming_normal_(w, nonlinearity="relu")
            nn.init.kaiming_normal_(w, a=0.2, mode="fan_out", nonlinearity="leaky_relu")
            nn.init.kaiming_normal_(w, nonlinearity="linear"), w.normal_(), w.uniform_(), w.normal_(1, 2)
            w.uniform_(-1, 1)
            nn.Linear(shape[1], shape[0]).weight.data, nn.Linear(shape[1], shape[0]).bias.data
            nn.Embedding(*shape).weight.data
        """):  # fmt: skip
            torch.manual_seed(11)
            found[f"{code} {shape}"] = _outcome(eval, code, {"nn": nn, "w": torch.empty(shape), "shape": shape})
    w = nn.Parameter(torch.empty(2, 3))
    gains = "linear sigmoid tanh relu leaky_relu".split()
    return found | {
        "gains": {name: nn.init.calculate_gain(name) for name in gains},
        "leaky_relu 0.2": nn.init.calculate_gain("leaky_relu", 0.2),
        "of a parameter": [nn.init.ones_(w) is w, w, w.requires_grad, w.is_leaf, w.grad_fn],
        "dtype": nn.init.zeros_(torch.empty(2, dtype=torch.float64)).dtype,
    }


# ---- modules --------------------------------------------------------------------------------------------


def _network(torch, nn):
    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.linear = nn.Linear(width, width)
            self.norm = nn.BatchNorm1d(width)
            self.scale = nn.Parameter(torch.ones(1))
            self.register_buffer("calls", torch.tensor(0))
            self.register_buffer("unsaved", torch.zeros(2), persistent=False)
            self.label = "plain attribute"

        def forward(self, x):
            self.calls += 1
            return x + self.scale * torch.relu(self.norm(self.linear(x)))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block(2), Block(2)])
            self.head = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 1, bias=False))
            self.shared = self.head[0]

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    return Network()


def texts_of_modules(torch, nn, F, optim, data):
    """What print(model) shows, to the letter."""
    return _each("""
        nn.Linear(3, 2), nn.Linear(3, 2, bias=False), nn.Flatten(), nn.Flatten(0, 1), nn.Identity(), nn.Embedding(10, 3)
        nn.Embedding(10, 3, padding_idx=0), nn.Dropout(), nn.Dropout(0.2), nn.BatchNorm1d(4)
        nn.BatchNorm1d(4, 1e-3, 0.2)
        nn.BatchNorm1d(4, affine=False, track_running_stats=False), nn.LayerNorm(5), nn.LayerNorm((2, 3), 1e-6)
        nn.LayerNorm(5, elementwise_affine=False)
        nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(), nn.LeakyReLU(0.2), nn.Tanh(), nn.Sigmoid(), nn.Softmax()
        nn.Softmax(dim=1), nn.Softmax(dim=-1)
        nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softplus(), nn.Softplus(2, 10), nn.ELU(), nn.ELU(0.5)
        nn.MSELoss(), nn.L1Loss(), nn.CrossEntropyLoss(), nn.CrossEntropyLoss(torch.ones(3)), nn.NLLLoss()
        nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.HuberLoss()
        nn.Sequential(), nn.Sequential(nn.Linear(2, 1))
        nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 1), nn.Tanh()))
        nn.ModuleList(), nn.ModuleList([nn.ReLU(), nn.Tanh()]), nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        nn.Module()
        nn.Parameter(torch.tensor([1.0, 2.5]))
        nn.Parameter(torch.ones(2, 2), requires_grad=False)
        [nn.Tanh(), nn.ReLU()], _network(torch, nn)
    """, locals() | globals(), repr)  # fmt: skip


@tolerance(atol=1e-6)
def modules(torch, nn, F, optim, data):
    """Names, kinds, modes, states of a network of blocks."""
    torch.manual_seed(1)
    net = _network(torch, nn)
    x = torch.tensor([[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25]])
    visited = []
    applied = net.apply(lambda module: visited.append(type(module).__name__))
    found = _each("""
        list(net.state_dict()), [name for name, _ in net.named_parameters()], [name for name, _ in net.named_buffers()]
        [name for name, _ in net.named_modules()], [name for name, _ in net.named_children()]
        [type(m).__name__ for m in net.children()]
        [type(m).__name__ for m in net.modules()], visited, applied is net, len(list(net.parameters()))
        sum(p.numel() for p in net.parameters())
        net.training, [m.training for m in net.eval().modules()], net.train() is net, net.train(False).training
        net.training, net.eval()(x).shape
        [b.calls for b in net.blocks], net.blocks[1].label, len(net.blocks), len(net.head)
        net.head[-1] is net.head[2], net.head[:2], [type(m).__name__ for m in net.head]
        net.shared is net.head[0], net.blocks[0].linear.bias is None, net.head[2].bias, net.head[0].in_features
        net.head[0].out_features
        isinstance(net.head[0].weight, nn.Parameter), isinstance(net.head[0].weight, torch.Tensor)
        isinstance(net, nn.Module), type(net.head[0]) == nn.Linear
        net.head[0].weight.is_leaf
        net.requires_grad_(False) is net, [p.requires_grad for p in net.parameters()][:3]
        net.requires_grad_(True).head[0].weight.requires_grad
        net.double() is net, net.head[0].weight.dtype, net.blocks[0].calls.dtype, net.float().head[0].weight.dtype
        net.to("cpu") is net, net.to(torch.float64).head[0].bias.dtype
    """, locals())  # fmt: skip
    net.float().train()
    torch.manual_seed(2)
    net(x).sum().backward()
    grads = [p.grad.abs().sum() for p in net.parameters()]
    net.zero_grad()
    saved = {key: value.clone() for key, value in net.state_dict().items()}
    other = _network(torch, nn)
    result = other.load_state_dict(saved)
    partial = nn.Linear(3, 2).load_state_dict({"weight": torch.zeros(2, 3)}, strict=False)
    with torch.no_grad():
        net.head[0].weight.fill_(7.0)
    found["gradients"] = grads
    found["after zero_grad"] = [p.grad for p in net.parameters()][:2]
    found["state"] = {key: value for key, value in net.state_dict().items() if "norm" in key or "calls" in key}
    same = all(torch.equal(value, other.state_dict()[key]) for key, value in saved.items())
    found["loaded"] = [same, str(result), partial.missing_keys, partial.unexpected_keys]
    found["state_dict shares memory"] = [net.state_dict()["head.0.weight"][0, 0], saved["head.0.weight"][0, 0] == 7]
    found["state_dict requires no gradient"] = [value.requires_grad for value in net.state_dict().values()][:3]
    return found


def building_modules(torch, nn, F, optim, data):
    """Attributes come and go; containers grow; a parameter is what is assigned as one."""

    class Free(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(1, 1)
            self.plain = torch.ones(2)
            self.none = None
            self.listed = [nn.Linear(1, 1)]
            self.p = nn.Parameter(torch.zeros(2))

        def extra_repr(self):
            return "more=1"

    class Unready(nn.Module):
        def __init__(self):
            self.layer = nn.ReLU()

    class UnreadyParameter(nn.Module):
        def __init__(self):
            self.p = nn.Parameter(torch.zeros(1))

    free = Free()
    found = {"before": [list(free.state_dict()), repr(free), [n for n, _ in free.named_parameters()]]}
    free.a = nn.Linear(2, 2)
    free.p = None
    free.b = nn.Parameter(torch.ones(1))
    free.add_module("added", nn.Tanh())
    free.register_parameter("registered", nn.Parameter(torch.ones(3)))
    del free.b
    found["after changes"] = [list(free.state_dict()), repr(free), [n for n, _ in free.named_parameters()]]
    several = nn.Sequential(nn.Linear(1, 2))
    several.append(nn.ReLU())
    several.add_module("last", nn.Linear(2, 1))
    several[1] = nn.Tanh()
    listed = nn.ModuleList([nn.ReLU()])
    listed.append(nn.Tanh())
    listed.extend([nn.Identity(), nn.Sigmoid()])
    listed[0] = nn.Linear(1, 1)
    found["containers"] = [repr(several), list(several.state_dict()), repr(listed), repr(listed[1:3])]
    named = nn.Sequential(OrderedDict([("first", nn.Linear(1, 1)), ("second", nn.ReLU())]))
    found["named"] = [repr(named), list(named.state_dict()), named.first is named[0]]
    return found | _errors("""
        Unready()                                       # cannot assign module before Module.__init__() call
        UnreadyParameter()                              # cannot assign parameters before Module.__init__() call
        free.a.missing                                  # 'Linear' object has no attribute 'missing'
        nn.Sequential(nn.Linear(1, 1), torch.relu)      # is not a Module subclass
        nn.ModuleList([torch.relu])                     # is not a Module subclass
        free.a.weight = torch.ones(1)                   # cannot assign
    """, locals())  # fmt: skip


# ---- tensors as such ------------------------------------------------------------------------------------


def creation(torch, nn, F, optim, data):
    """Values, dtypes and shapes of new tensors."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    return _each("""
        torch.tensor(3), torch.tensor(2.5), torch.tensor(True), torch.tensor([1, 2]), torch.tensor([1, 2.5])
        torch.tensor([[1], [2]]), torch.tensor([])
        torch.tensor([True, False]), torch.tensor([1, 2], dtype=torch.float32), torch.tensor(np.ones(2))
        torch.tensor(np.float32(1.5)), torch.tensor((1, 2))
        torch.tensor([torch.tensor(1.0), torch.tensor(2.0)]), torch.tensor(np.arange(3, dtype=np.int32))
        torch.tensor([[]]), torch.tensor(range(3))
        torch.zeros(2, 3), torch.zeros((2,)), torch.zeros([2, 1]), torch.ones(2, dtype=torch.int64)
        torch.full((2, 2), 3.5), torch.full((2,), 7), torch.eye(3), torch.eye(2, 3)
        torch.empty(2, 3).shape, torch.zeros(()), torch.ones(torch.Size([2])), torch.zeros(2, 0), torch.zeros_like(x)
        torch.ones_like(x, dtype=torch.int64), torch.full_like(x, 2)
        torch.arange(4), torch.arange(1, 4), torch.arange(0, 1, 0.25), torch.arange(3.0), torch.arange(4, 0, -1)
        torch.arange(0), torch.arange(3, dtype=torch.float64), torch.arange(-1.0, 1.0, 0.5)
        torch.linspace(0, 1, 5), torch.linspace(-1, 1, 4), torch.linspace(2, 2, 1), torch.linspace(3, -3, 7)
        torch.linspace(0, 1, 3, dtype=torch.float64)
        torch.from_numpy(np.array([1.5, 2.5], dtype=np.float32)), torch.as_tensor([1, 2]), torch.as_tensor(x)
        torch.empty_like(x).shape, torch.empty(0).shape
        torch.tensor(5.0, requires_grad=True)
        torch.zeros(2, requires_grad=True), torch.tril(torch.ones(3, 3))
    """, locals() | globals(), _described)  # fmt: skip


def attributes(torch, nn, F, optim, data):
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    s, i = torch.tensor(2.5), torch.tensor([1, 2])
    return _each("""
        x.shape, x.size(), x.size(0), x.size(-1), x.ndim, x.dim(), x.numel(), x.nelement(), len(x), x.dtype, x.device
        x.is_leaf, x.requires_grad, x.grad, x.grad_fn
        repr(x.shape), repr(s.shape), x.shape[0], x.shape[-1], x.shape == (2, 3), x.shape == torch.Size([2, 3])
        x.shape[:1], tuple(x.shape), x.shape.numel(), list(x.shape), len(s.shape)
        s.item(), i[0].item(), (s > 1).item(), type(s.item()).__name__, type(i[0].item()).__name__, x.tolist()
        s.tolist(), x[0].tolist(), float(s), int(s), bool(s)
        x.T.shape, x.stride(), x.T.stride(), x[:, ::2].stride(), x.is_contiguous(), x.T.is_contiguous()
        x.is_floating_point(), i.is_floating_point()
        isinstance(x, torch.Tensor), torch.is_tensor(x), torch.is_tensor(1), hash(x) == hash(x), x is x, x in [x]
        torch.equal(x, x.clone()), torch.allclose(s, torch.tensor(2.5000001))
        torch.allclose(i.float(), i + 1e-3, atol=1e-2)
        x.cpu() is x, x.to("cpu") is x, x.float() is x, x.contiguous() is x, x.requires_grad_() is x, x.detach() is x
        x.double() is x, x.data is x, x.to(torch.float32) is x
        str(x.device), x.device.type, x.device == torch.device("cpu"), repr(x.dtype), str(torch.int64)
        torch.float is torch.float32, torch.double is torch.float64, torch.long is torch.int64
        torch.half is torch.float16
        torch.float32.is_floating_point, torch.int64.is_floating_point, torch.pi
        torch.inf, str(torch.nan), torch.is_grad_enabled()
        [type(v).__name__ for v in x.max(1)], [v.shape for v in torch.sort(x, 1)], round(s.item())
        s.__format__(".1f"), f"{s:8.3f}", f"{i[0]:3d}", sum(i), max(i), sorted(i, reverse=True), list(i)
        [*map(int, i)]
        {1: "a", 2: "b"}[i[0].item()], "abcd"[i[1]], [10, 20, 30][i[0]], list(range(i[1])), np.asarray(s)
        np.sum(i.numpy()), [0, 1][s > 1], 1 if s > 1 else 0, not s
    """, locals() | globals())  # fmt: skip


def printing(torch, nn, F, optim, data):
    """repr of every kind: widths, decimals, exponents, signs, suffixes, line breaks, summaries."""
    g = torch.Generator().manual_seed(5)
    x, w = torch.tensor([1.0, 2.5, -3.25]), torch.tensor([[1.0, 2.0], [3.0, 4.5]], requires_grad=True)
    nan, inf = float("nan"), float("inf")
    return _each("""
        x, w, -x, x.int(), x > 0, x.double(), x.half(), torch.tensor(3), torch.tensor(2.5), torch.tensor(-2.0)
        torch.tensor(True), torch.tensor(1e-7), torch.tensor(123456789.0), torch.tensor(1e10)
        torch.tensor([]), torch.zeros(0, 3), torch.zeros(2, 0), torch.tensor([], dtype=torch.int64)
        torch.tensor([[]]), torch.tensor([[], []], dtype=torch.float64), torch.zeros(0, requires_grad=True)
        torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1000.0]), torch.tensor([0.1, 100000.0])
        torch.tensor([1e-5, 1.0]), torch.tensor([1e-5, 1e-6]), torch.tensor([1e8, 1.0]), torch.tensor([1e8, 1.5])
        torch.tensor([99999.5, 1.0])
        torch.tensor([0.00012]), torch.tensor([0.12345678]), torch.tensor([123.456789, 0.001])
        torch.tensor([1e-10, 0.0]), torch.tensor([0.0, -0.0]), torch.tensor([1e4, 2e4]), torch.tensor([12345.678])
        torch.tensor([1e-4, 1.0])
        torch.tensor([nan, 1.0]), torch.tensor([inf, -inf, 1.5]), torch.tensor([nan]), torch.tensor([inf])
        torch.tensor([-inf, 1e9]), torch.tensor([nan, 1e-9]), torch.tensor([inf, 3.0])
        torch.tensor([1, -10, 100]), torch.tensor([[1, 2], [30, -4]]), torch.tensor([1, 2], dtype=torch.int32)
        torch.tensor([1, 2], dtype=torch.uint8), torch.tensor([10**12, 1]), torch.tensor([[True], [False]])
        torch.tensor([-1, 1], dtype=torch.int8)
        w * 2, w.sum(), w[0], w.T, w.detach(), w.double(), w.double().detach(), w > 1, w.mean(0), w.view(4)
        w.half() * 2, torch.zeros(2, dtype=torch.float64, requires_grad=True), w.exp().double()
        torch.arange(30), torch.arange(30.0), torch.arange(100) * 1000, torch.arange(23.0) / 11 - 1
        torch.ones(40, dtype=torch.bool), torch.arange(24).reshape(2, 3, 4), torch.zeros(2, 2, 1, 2)
        torch.zeros(1, 1, 1)
        torch.arange(1001), torch.arange(50.0) / 7, torch.arange(1001.0), torch.zeros(20, 60), torch.zeros(1001, 2)
        torch.arange(4000).reshape(10, 20, 20), torch.zeros(2, 3, 300), torch.zeros(1500, requires_grad=True)
        torch.arange(1200.0).reshape(2, 600) * 2.5
        torch.randn(3, 4, generator=g), torch.randn(2, 20, generator=g), torch.rand(40, generator=g)
        torch.randn(2, 2, 3, generator=g) * 1000, torch.randn(30, 40, generator=g)
        torch.randn(5, generator=g).double() * 1e-3
        nn.Parameter(x), [x], (x, 1), {"a": x}, nn.Parameter(torch.ones(2, 2), requires_grad=False), x.max(0)
        torch.sort(x), x.shape, x.dtype, x.device, torch.device("cpu"), w[:, 0] + 1
        torch.tensor([1.0, 2.0]).expand(2, 2), x[x > 100]
        torch.zeros(3, 50), torch.zeros(30, 3) + 0.5, torch.tensor([[1.0, 1e6], [2.0, 3.0]])
        torch.tensor([[1.0, 1e9], [2.0, 3.0]]), torch.tensor([[0.5], [1e-9]])
        torch.tensor([5e-324], dtype=torch.float64), torch.tensor([1.0 / 3], dtype=torch.float64)
        torch.tensor([65504.0]).half()
    """, locals(), repr)  # fmt: skip
