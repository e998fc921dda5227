"""Write tests/data/tensor.json, what PyTorch's Tensors give: `python -m tests.oracle.tensor`, with torch.

A case is a line of Python over the tensors below, statements before its last expression. `study` runs it in PyTorch
or in microgradx and tells what came of it: each tensor's dtype, shape, grad_fn, whose memory it shares and Σ c·value
with known c; then, from the sum of these, Σ c·gradient for every leaf. Whatever else came of it is told by its repr.

>>> import microgradx
>>> study(microgradx, "a = x[0]; a, 2")["out"]
[['float64', [4], 'SelectBackward0', 'x', 1.637...], '2']
"""

from __future__ import annotations

import json
import math
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "tensor.json"


def arrays(seed: int = 2026) -> dict[str, Any]:
    """Floats, which are leaves, and ints and bools, which are not."""
    draw = np.random.default_rng(seed)
    return {
        "x": draw.standard_normal((3, 4)), "y": draw.standard_normal(4), "z": draw.standard_normal((2, 3, 4)),
        "m": draw.standard_normal((4, 5)), "q": draw.standard_normal((3, 3)), "c": draw.standard_normal((3, 1)),
        "p": draw.uniform(0.1, 2, (3, 4)), "s": np.array(draw.uniform(0.2, 0.9)), "e": np.empty((0, 4)),
        "f": draw.standard_normal((3, 4)).astype(np.float32), "h": draw.standard_normal((3, 4)).astype(np.float16),
        "edge": np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0]),
        "i": draw.integers(-5, 6, (3, 4)), "j": np.array([2, 0, 1]), "k": draw.integers(0, 3, (3, 4)),
        "n": np.array(3), "w": draw.integers(-5, 6, (3, 4)).astype(np.int32),
        "u": draw.integers(0, 9, (3, 4)).astype(np.uint8), "b": draw.random((3, 4)) > 0.5,
        "v": np.array([True, False, True]),
    }  # fmt: skip


def cases(text: str) -> list[str]:
    """Two spaces or a new line lie between cases."""
    return re.split(r" {2,}|\s*\n\s*", text.strip())


# ---- functions ---------------------------------------------------------------------------------------------
GROUPS: dict[str, list[str]] = {}
GROUPS["sums"] = cases("""
    x.sum()  x.sum(0)  x.sum(1, keepdim=True)  x.sum((0,1))  x.sum([0,1], True)  x.sum(-1)  z.sum((0,2))  i.sum()
    b.sum()
    u.sum(0)  w.sum()  x.sum(dtype=torch.float32)  i.sum(dtype=torch.float64)  h.sum()  s.sum()  e.sum()  e.sum(0)
    e.sum(1)  x.sum(axis=0, keepdims=True)  torch.sum(x)  torch.sum(x, 1)  torch.sum(x, dim=(0,))
    torch.sum(input=x, dim=1)  x.mean()  x.mean(0)  x.mean((0,1), True)  e.mean()  e.mean(0)  e.mean(1)  f.mean(1)
    h.mean()  i.mean(dtype=torch.float32)  torch.full((70000,), 1., dtype=torch.float16).mean()
    torch.full((7000,), 10., dtype=torch.float16).sum()  x.prod()  x.prod(1)  x.prod(1, keepdim=True)  i.prod()
    i.prod(0)  s.prod()  e.prod()  e.prod(0)  (x * (x > 0)).prod(1)  x.var()  x.var(0)  x.var(0, unbiased=False)
    x.var(False)  x.var(1, True)  x.var(1, True, True)  x.var(dim=1, correction=0, keepdim=True)  x.var(correction=2)
    x.var((0,1))  s.var()  e.var()  x.std()  x.std(1)  x.std(0, unbiased=False, keepdim=True)  x.std(False)  e.std(0)
    torch.std(x, 1)  torch.std(x, dim=1, unbiased=False)  torch.var_mean(x)  torch.var_mean(x, 1)
    torch.var_mean(x, 1, keepdim=True)  torch.std_mean(x, dim=0, correction=0)  torch.count_nonzero(x)
    i.count_nonzero(1)  i.count_nonzero((0,1))  x.norm()  x.norm(1)  x.norm(p=1)  x.norm(2, 1)
    x.norm(2, dim=0, keepdim=True)  x.norm(inf)  x.norm(float('inf'), 1)  x.norm(-inf, dim=0)  x.norm(3)
    x.norm('fro')  x.norm(dim=(0,1))  x.norm(0.5, 1)  (x*0).norm()  (x*0).norm(1)  (x*0).norm(3)  e.norm()  e.norm(1)
    e.norm(2, 0)  e.norm(2, 1)  e.norm(inf, 1)  torch.norm(x)  torch.norm(x, 2, 1)  torch.norm(x, p='fro', dim=0)
    torch.linalg.norm(x)  x.logsumexp(0)  x.logsumexp((0,1))  x.logsumexp(1, True)  torch.logsumexp(x, dim=-1)
    s.logsumexp(0)  e.logsumexp(0)  i.logsumexp(0)  (x*1000).logsumexp(1)
    t([[-inf, -inf], [inf, 1.]], requires_grad=True).logsumexp(1)  b.all()  b.any()  b.all(1)  b.any(0, keepdim=True)
    i.all()  u.all()  u.any(1)  x.all()  e.all()  e.any(0)  b.all((0,1))  x.cumsum(0)  x.cumsum(-1)  i.cumsum(0)
    b.cumsum(1)  s.cumsum(0)  e.cumsum(0)  x.cumsum(1, dtype=torch.float32)  x.cumprod(0)  x.cumprod(1)  i.cumprod(1)
    s.cumprod(0)  e.cumprod(1)  t([2., 0., 3., 0., 5.], requires_grad=True).cumprod(0)  x.softmax(0)  x.softmax(-1)
    torch.softmax(x, dim=1)  torch.softmax(x, 1, dtype=torch.float32)  F.softmax(x, dim=0)  x.log_softmax(1)
    torch.log_softmax(x, 0)  s.softmax(0)  s.log_softmax(-1)  e.softmax(0)  e.softmax(1)
""")
GROUPS["extremes and order"] = cases("""
    x.amax()  x.amax(1)  x.amax((0,1), True)  x.amin(0)  x.amin(dim=())  e.amax(1)  edge.amax()  x.max()  x.min()
    x.max(0)  x.max(1, keepdim=True)  x.min(dim=-1)  x.max(x*0)  torch.max(x, y)  torch.min(x, other=y)  x.max(other=y)
    torch.max(x, 1, True)  torch.max(x, dim=1, keepdim=True)  x.max(-1).values  x.max(-1).indices  x.max(1)[1]  i.max()
    i.max(1)  b.max()  b.max(0)  s.max()  s.max(0)  e.max(1)  repr(i.max(1))  repr(i.sort(1))  edge.detach().max()
    edge.max(0)
    t([2., 2., 1.], requires_grad=True).max()  t([2., 2., 1.], requires_grad=True).max(0)
    t([2., 2., 1.], requires_grad=True).amax(0)  t([2., -2., 1.], requires_grad=True).norm(inf)  t([3, 1, 3]).max(0)
    t([3, 1, 3, 1]).min(0)  x.argmax()  x.argmax(1)  x.argmax(1, True)  x.argmin(-1)  x.argmax(dim=0, keepdim=True)
    s.argmax()  s.argmax(0)  e.argmax(1)  edge.argmax()  x.median()  x.median(1)  x.median(0, keepdim=True)  i.median()
    s.median()  e.median()  edge.median()  t([3., 1, 2, 1]).median(0)  x.sort()  x.sort(0)  x.sort(1, descending=True)
    x.sort(descending=True)  k.sort(stable=True)  s.sort()  e.sort()  e.sort(0)  torch.sort(x, dim=0, descending=True)
    t([3, 1, 3, 1]).sort(descending=True, stable=True)  t([1., nan, 2.]).sort()  t([1., nan, 2.]).sort(descending=True)
    x.argsort()  x.argsort(0, descending=True)  torch.argsort(k, stable=True)  x.topk(2)  x.topk(2, 0)
    x.topk(2, dim=1, largest=False)  x.topk(0)  s.topk(1).values.item() == s.item()  k.unique()
    torch.unique(k, return_counts=True)  torch.unique(k, return_inverse=True)
    torch.unique(k, sorted=True, return_inverse=True, return_counts=True)  i.nonzero()  b.nonzero()
    b.nonzero(as_tuple=True)  s.nonzero()  torch.nonzero(b)  torch.bincount(j)  torch.bincount(j, minlength=6)
    torch.bincount(j, y[:3].detach())  torch.bincount(t([], dtype=torch.int64))
""")
GROUPS["shapes"] = cases("""
    x.reshape(2, 6)  x.reshape(-1)  x.reshape((4,3))  x.reshape([12])  x.reshape(-1, 2)  x.T.reshape(12)  s.reshape(1)
    torch.reshape(x, (2, 6))  torch.reshape(x, shape=(2, 6))  s.reshape(())  x.view(2, 6)  x.view(-1)  x.T.view(4, 3)
    x.view((12,))  x.view(6, -1)  x.view_as(p)  x.reshape_as(p)  x.view(torch.int64)  f.view(torch.int32)
    x.permute(1, 0)  x.permute((1, 0))  z.permute(2, 0, 1)  z.permute(-1, 0, 1)  z.permute([0, 2, 1])
    torch.permute(z, (2, 1, 0))  torch.permute(z, dims=(2, 1, 0))  x.transpose(0, 1)  z.transpose(1, -1)
    s.transpose(0, 0)  torch.transpose(z, 0, 1)  x.t()  y.t()  s.t()  x.T  y.T  x.mT  z.mT  x.swapaxes(0, 1)
    z.movedim(0, 2)  z.movedim((0, 1), (2, 0))  torch.movedim(z, -1, 0)  c.squeeze()  c.squeeze(1)  c.squeeze(0)
    c.squeeze(-1)  c.squeeze((0, 1))  x.squeeze()  s.squeeze()  s.squeeze(0)  x.unsqueeze(0)  x.unsqueeze(-1)
    x.unsqueeze(1)  s.unsqueeze(0)  torch.unsqueeze(y, 0)  z.flatten()  z.flatten(1)  z.flatten(0, 1)  z.flatten(1, 2)
    s.flip(0)  s.topk(1)
    s.flatten()  y.flatten()  x.T.flatten()  x.ravel()  x.unflatten(1, (2, 2))  x.unflatten(1, (-1, 2))
    x.unflatten(-1, [4, 1])  y.expand(3, 4)  c.expand(-1, 5)  c.expand(3, 5)  c.expand(2, -1, 5)  c.expand((3, 2))
    s.expand(2, 3)  y.expand_as(x)  x.expand(3, 4)
    x.expand_as(x)  torch.broadcast_to(y, (3, 4))  y.broadcast_to((3, 4))
    torch.broadcast_tensors(x, y)  torch.broadcast_tensors(c, y)  y.repeat(2)  y.repeat(2, 3)  x.repeat(1, 2)
    x.repeat((2, 1, 1))  x.repeat(1, 1)  s.repeat(3)  s.repeat(1)  x.tile(2)  x.tile((2, 1))  torch.tile(x, (2, 1))
    torch.tile(x, (2, 1, 2))  torch.repeat_interleave(x, t([1, 0, 2]), dim=0)
    x.repeat_interleave(2, dim=1).detach()  x.repeat_interleave(2).detach()  x.flip(0)  x.flip((0, 1))  x.flip(0, 1)
    x.flip([-1])  torch.flip(x, [0])  torch.flip(x, dims=(1,))  x.roll(1)  x.roll(1, 0)  x.roll((1, 2), (0, 1))
    torch.roll(x, -1, dims=1)  x.roll(1, -1)  x.roll([1], [1])  x.narrow(0, 1, 2)  x.narrow(1, -2, 1)  x.select(0, 1)
    x.select(1, -1)  x.unbind()  x.unbind(1)  torch.unbind(x, -1)  x.split(2)  x.split(2, 1)  x.split([1, 3], dim=1)
    x.split((1, 1, 1))  torch.split(x, 3, -1)  x.chunk(2)  x.chunk(3, 1)  x.chunk(7)  torch.chunk(x, 2, dim=1)
    torch.cat([x, p])  torch.cat((x, p), 1)  torch.cat([x, p], dim=-1)  torch.cat([x, p], axis=1)  torch.cat([x, f])
    torch.cat([x, i])  torch.cat([i, b])  torch.cat([x, e])  torch.cat([t([]), x])  torch.cat([x], 0)
    torch.cat([x, x])  torch.concat([x, p])  torch.concatenate([x, p], 1)  torch.stack([x, p])  torch.stack([x, p], 1)
    torch.stack([x, p], dim=-1)  torch.stack([s, s])  torch.stack([x, f])  torch.stack((x,), 2)  torch.vstack([y, y])
    torch.vstack([x, p])  torch.vstack([s, s])  torch.hstack([y, y])  torch.hstack([x, p])  torch.hstack([s, s])
    torch.meshgrid(y, y, indexing='xy')  torch.meshgrid([y, x[0]], indexing='ij')  torch.cartesian_prod(j, j)
    torch.meshgrid(y, y[:2], s, indexing='xy')  torch.cartesian_prod(y, x[0])  torch.cartesian_prod(y)
""")
GROUPS["places"] = cases("""
    x.gather(1, k)  x.gather(0, k)  x.gather(1, k[:2, :2])  s.gather(0, n*0)  torch.gather(x, dim=1, index=k)
    x.index_select(0, j)  x.index_select(1, t([0, 0, 3]))  torch.take_along_dim(x, k, 0)  torch.take_along_dim(x, k)
    x.scatter_add(0, k, p)  x.scatter_add(1, k, p)  x.scatter(1, k[:, :1], 9.0)
    x.scatter(1, k[:, :1], value=2)  x.scatter(0, j.reshape(3, 1).expand(3, 4), p)  x.masked_fill(b, 0)
    x.masked_fill(b, -inf)  x.masked_fill(b, s)  x.masked_fill(v.reshape(3,1), 1.0)  i.masked_fill(b, 2.5)
    x.masked_select(b)  x.masked_select(v.reshape(3, 1))  torch.masked_select(x, x > 0)  q.diagonal()  q.diagonal(1)
    x.diagonal(-1)  torch.diagonal(x, offset=2)  z.diagonal()  z.diagonal(1, 0, 2)  z.diagonal(dim1=-1, dim2=-2)
    y.diag()  torch.diag(y, 1)  torch.diag(y, diagonal=-1)  x.diag().detach()  q.trace()  torch.trace(x)  i.trace()
    x.tril()  x.triu(1)  z.tril(-1)  torch.triu(x, diagonal=1)  torch.tril(x, -1)  i.tril()
""")
GROUPS["products"] = cases("""
    x @ m  x @ y  y @ y  y @ m  z @ m  z @ y  z @ z.mT  i @ i.T  u @ u.T  e @ m  m.T @ e.T  e.T @ e  torch.matmul(x, m)
    x.matmul(m)  x.mm(m)  x.mv(y)  torch.mm(x, m)  torch.mm(input=x, mat2=m)  torch.mv(x, y)  torch.bmm(z, z.mT)
    z.bmm(z.mT)  y.dot(y)  torch.dot(y, x[0])  y.outer(y[:2])  torch.outer(y, y)
    torch.addmm(y[:1].expand(5), x, m)  torch.addmm(m[0], x, m, beta=2, alpha=0.5)  torch.tensordot(x, m, 1)
    torch.tensordot(x, x, dims=2)  torch.tensordot(z, x, dims=([1, 2], [0, 1]))
    torch.tensordot(x, y, dims=([1], [0]))  torch.tensordot(x, p, 0)
""")
# of einsum PyTorch tells the last of the operations that it is made of
GROUPS["einsum"] = [
    f"{code}.sum()" for code in cases("""
    torch.einsum('ij,jk->ik', x, m)  torch.einsum('ij->ji', x)  torch.einsum('ij->', x)  torch.einsum('ij->i', x)
    torch.einsum('ii->i', q)  torch.einsum('ii', q)  torch.einsum('ij,ij->i', x, p)  torch.einsum('ij,j', x, y)
    torch.einsum('i,j->ij', y, y)  torch.einsum('bij,kj->bik', z, x)  torch.einsum('...ij,jk->...ik', z, m)
    torch.einsum('bij,bkj->bik', z, z)  torch.einsum('ij,jk,kl->il', q, x, m)  torch.einsum('ij,kj->k', x, x)
    torch.einsum('ij,jk', [x, m])  torch.einsum('i j, j k -> i k', x, m)  torch.einsum('...', x)
    torch.einsum('...i->...', x)  torch.einsum('ij,k->k', x, y)  torch.einsum('ji', x)
    torch.einsum('ij,ij,ij->j', x, x, p)
""")
]  # fmt: skip
_UNARY = """neg square reciprocal abs exp expm1 log log1p log2 log10 rsqrt sqrt sin cos tan asin acos atan sinh cosh
    tanh sigmoid relu erf erfc sign floor ceil trunc round frac isnan isinf isfinite logical_not clone nan_to_num
    negative absolute arcsin arccos arctan""".split()
# what PyTorch has not implemented
_NOT = {"b.neg", "b.negative", "b.abs", "b.absolute", "b.square", "b.relu", "b.floor", "b.ceil", "b.trunc",
        "b.round", "b.frac", "i.frac", "u.frac"}
# where a gradient of nan, or at -0, has another sign or is no nan
_NOT |= {"edge.abs", "edge.absolute", "edge.rsqrt"}  # fmt: skip
GROUPS["one by one"] = [
    f"torch.{name}({x})" for name in _UNARY for x in ("x", "p", "f", "h", "s", "e", "i", "u", "b", "edge")
    if f"{x}.{name}" not in _NOT
] + [f"x.{name}()" for name in _UNARY]  # fmt: skip
GROUPS["two by two"] = cases("""
    torch.add(x, p)  torch.add(x, p, alpha=2)  x.add(2)  x.add(p, alpha=-0.5)  x.sub(p, alpha=3)  torch.sub(x, 1)
    x.mul(p)  torch.mul(x, 2)  torch.mul(i, 2.5)  torch.div(x, p)  torch.div(i, 2)  i.div(3, rounding_mode='trunc')
    torch.div(i, 2, rounding_mode='floor')  torch.div(i, 2, rounding_mode='trunc')
    torch.div(i, -2.5, rounding_mode='trunc')
    torch.div(x, p, rounding_mode='floor')  torch.div(x, p, rounding_mode='trunc')
    torch.div(i, j[:1] + 1, rounding_mode='trunc')
    x.pow(2)  x.pow(3)  x.pow(0)  x.pow(1)  x.pow(0.5)  x.pow(-1)  x.pow(-2)  p.pow(x)  i.pow(2)  i.pow(0.5)
    torch.pow(2, x)  torch.pow(2., i)  torch.pow(x, i)  x ** i  b ** 2  x.true_divide(2)  torch.multiply(x, 2)
    torch.subtract(x, 2)  torch.divide(x, 2)  torch.rsub(x, 1)  torch.arctan2(x, p)  torch.clamp(x, -0.5, 0.5)
    x.clamp(min=0)  x.clamp(max=0)  x.clamp(0)  x.clamp(None, 0.1)  x.clamp(0.5, -0.5)  i.clamp(0, 3)
    i.clamp(0.5)  i.clamp(min=-1.5, max=2)  i.clamp(1, float('inf'))  x.clip(0, 1)  torch.clip(x, max=0.2)
    x.clamp_min(0)  x.clamp_max(0)  u.clamp(2, 4)  edge.clamp(-0.5, 0.5)  torch.where(b, x, p)  torch.where(b, x, 0)
    torch.where(b, x, 0.0)  torch.where(b, 1.0, x)  torch.where(b, 1, 0)  torch.where(b, 1.0, 0)  torch.where(b, f, 0.)
    torch.where(b, f, x)  torch.where(b, i, 0.)  torch.where(b, i, f)  torch.where(x > 0, x, -x)
    torch.where(v.reshape(3, 1), x, y)  torch.where(b)  torch.where(u, x, p)  x.where(b, 0.)  x.where(b, p)
    torch.where(b, s, x)  torch.where(b, x, s.float())  torch.maximum(x, p)  torch.minimum(x, y)  torch.maximum(x, x)
    torch.maximum(x, i)  torch.maximum(i, b)  x.maximum(p)  x.minimum(t(0.5, dtype=torch.float64))  torch.atan2(x, p)
    x.atan2(p)  torch.hypot(x, p)  torch.hypot(x, t(1.0))  torch.lerp(x, p, 0.3)  x.lerp(p, p)  torch.remainder(i, 3)
    i % 3  -7 % i.abs().add(1)  i // 3  i // -2  torch.floor_divide(i, 2)  torch.round(x, decimals=2)
    x.round(decimals=1)  torch.eq(x, p)  x.eq(0)  x.ne(p)  x.lt(p)  x.le(0)  torch.gt(x, 0)  torch.ge(i, 1)  x == p
    x != 0  x < y  x <= i  0 < x  i > 1.5  x == None  x == 'a'  x != None  x == np.zeros((3,4))  i == True  b == 1
    b & b  b | v.reshape(3,1)  b ^ True  i & 3  i | 1  i ^ i  i << 1  u >> 1  1 << n  3 & i  ~b  ~i  abs(i)  -u  +x
    torch.logical_and(b, i)  torch.logical_or(x, b)  b.logical_xor(v.reshape(3,1))  torch.equal(x, x)
    torch.equal(x, p)  torch.equal(x, y)  torch.equal(x, f)  torch.allclose(x, x)  torch.allclose(x, p)
    torch.allclose(x, x + 1e-9)  x.allclose(x)  torch.isclose(x, x + 1e-3)  torch.isclose(x, p, atol=1)
    (x.detach() % 0.5)  p % 0.3  x % y  b % p  x.remainder(0.5)
    (p.detach() % 0.3)  (2.5 % p.detach())  x.detach() // 0.5
    7 // p.detach()  1 - x  1 / x
    2 ** x  x - 1  -x  x / 2  x * y  x * c  c * y  x + e[:0].sum()  x + s  s - x  z * x  z / c  (x * x * c).sum(0)
    u + 300  u - 10  x + True  b + 1.5  b / b  torch.addcmul(x, p, y)  x.addcmul(p, y, value=-2)
    torch.addcdiv(x, y, p)  torch.div(x, p.round(), rounding_mode='floor')  x.clamp(min=p)
    x.addcdiv(y, p, value=0.5)
""")

# ---- dtypes --------------------------------------------------------------------------------------------------
_KINDS = {"float16": "h", "float32": "f", "float64": "x", "int32": "w", "int64": "i", "uint8": "u", "bool": "b"}
_SECOND = [*_KINDS.values(), *(f"{name}[0, 0]" for name in _KINDS.values()), "2", "2.5", "True"]
_OPERATORS = ["+", "*", "/", ">"]
GROUPS["dtypes"] = [
    f"({a} {op} {b}).dtype" for a in [*_KINDS.values(), *(f"{n}[0, 0]" for n in _KINDS.values())]
    for op in _OPERATORS for b in _SECOND
] + [f"({b} {op} {a}).dtype" for a in _KINDS.values() for op in _OPERATORS for b in ("2", "2.5")] + [
    f"{op}({a}, {b}).dtype" for op in ("torch.maximum", "torch.atan2", "torch.pow")
    for a in ("h", "f", "i", "u") for b in ("h", "x", "i[0, 0]", "f[0, 0]") if (op, b) != ("torch.pow", "i[0, 0]")
] + [f"torch.where(b, {a}, {c}).dtype" for a in _SECOND for c in ("f", "i", "x[0, 0]", "2.5", "2")] + cases("""
    f * 2.5  f * s  f + x  h + f  h * 2.5  h + i  h + s  i * 1.5  w + i  w * 2  w + n  u * u  i / 2  2 / i  i - 1.5
    np.float64(2) * x.detach()  np.float64(2) * x  np.float64(2) * f  np.float32(2) * x  np.int64(2) * x
    x * np.float64(2)  f * np.float64(2)  f * np.float32(2)  i * np.float64(2)  i + np.int64(2)  f + np.int64(2)
    np.float64(2) + i  i + np.ones(4)  np.exp(x.detach())  np.exp(i)  np.maximum(x.detach(), 0)
    f * t(2.0, dtype=torch.float64)  x.type(torch.float32)  x.type('torch.FloatTensor')  x.type_as(f)
    x.to(torch.float32)  x.to('cpu')  x.to(torch.device('cpu'))  x.to('cpu', torch.float32)  x.to(f)
    x.to(dtype=torch.float16)  x.to(device='cpu', dtype=torch.float64)  x.to(torch.float64)
    x.to(torch.float64, copy=True)  x.to(torch.int64)  x.float()  x.double()  x.half()  x.long()  x.int()  x.short()
    u.add(b, alpha=2)  i.add(b, alpha=3)  x.add(b, alpha=0.5)  x.sub(i, alpha=2)  i.add(2, alpha=3)  w.addcmul(b, b)
    x.bool()  i.float()  i.double()  i.char()  u.char()  b.byte()  p.byte()  b.float()  b.long()  x.cpu()
    (f.double() * x).sum()  (f * x).sum()
    (h.float() * f).sum()  (f.half() * h).sum()  (i * f).sum()  (x * b).sum()  edge.bool()
""")

# ---- indices ---------------------------------------------------------------------------------------------------
GROUPS["indices"] = cases("""
    x[0]  x[-1]  x[0, 1]  x[1:]  x[:, 1]  x[:, -1]  x[..., 0]  x[...]  x[:]  x[None]  x[:, None]  x[None, :, None, 0]
    x[..., None]  z[0, ..., 1]  z[..., 1, :]  z[:, :, ::2]  x[::2]  x[5:2]  x[-2:]  x[1:100]  x[0:0]  x[j]  x[j, j]
    x[:, j]  x[j, :]  x[j, 1]  x[1, j]  x[j, 1:3]  x[1:3, j]  x[[0, 2]]  x[[0, 2], [1, 3]]  x[[0, 2], :]
    x[[[0, 1], [1, 2]]]  x[range(2)]  x[(0, 1)]  x[t([[0, 1], [2, 0]])]  x[t([0, 0, 0])]  x[t(1)]  x[t(1), t(2)]
    x[[t(1), t(2)]]  x[n - 1]  x[:, n]  x[t([-1, -3])]  x[b]  x[v]  x[v, 1]  x[v, :]
    x[:, t([True, False, True, False])]  x[~v]  x[v, j[:2]]  x[x > 0]  x[True]  x[False]  x[t(True)]  x[None, j]
    x[j, None]  x[j, None, :]  x[..., j]  x[j, ...]  z[0, j[:2]]  z[:, j, 0]  z[0, :, j]  z[j[:2] % 2, :, j[:2]]
    z[:, j, j]  z[j[:2] % 2, j[:2]]  z[:, None, j]  z[0, j, 1:3]  z[0, None, j]  z[[0], :, 1]  z[1, :, [0, 1]]  z[:, b]
    z[b[:2, :3]]  z[..., j]  z[0][1][2]  z[t([0, 1]), 1:, t([2, 3])]  z[t([[0], [1]]), t([0, 1, 2])]
    x[t([1, 0, 1], dtype=torch.uint8)]  x[w[0] % 3]  x[n:]  x[:n]  x[None, None]  s[...]  s[None]  s[()]  s[True]
    s[t(True)]  s[t(False)]  e[j[:0]]  e[t([], dtype=torch.int64)]  x[t([], dtype=torch.int64)]  x[[]]  x[:0]
    x[np.array([0, 1])]  x[np.array([True, False, True])]  x[np.int64(1)]  x[np.array(1)]  x[j.numpy()]  x[(j, j)]
    x[[j, j]]  x[[0, slice(None)]]  x[torch.arange(3), j]  x[:, 1:][0]  x.T[1]  x.T[1:, j]  x[::2, ::3]  i[b]  i[j]
    x[1, None, 2]  x[j][0]  x[j, j][1]  x[0:2, 0:2][:, 1]  x[b][:2]  x[v][:, j]  x[[True, False, True]]  x[[0, True]]
    x[slice(0, 2), slice(1, 3)]  x[-3:-1]  z[-1, -1, -1]  z[1:, 1:, 1:]  z[None, ..., None].shape  y[2:2]
""")
_STORES = cases("""
    a[0] = 1  a[0, 1] = 2  a[-1] = y  a[:, 1] = 7  a[1:] = 3  a[None] = 1  a[j] = 5  a[j] = y  a[j, j] = 6
    a[j, 1] = 8  a[1, j] = 4  a[1:, j] = 4  a[:, j] = 3  a[b] = 0  a[b] = y[:1]  a[b] = x[b]  a[v] = 1  a[v] = y
    a[v, 1] = 2  a[a > 0] = 0  a[~b] = -1  a[..., 0] = 1  a[::2] = 4  a[0] = t(3)  a[0] = t([3.])  a[0] = s
    a[0, 0] = s  a[0] = i[0]  a[0, 0] = np.float64(2)  a[t([0, 0])] = 2  a[None, 0] = 3  a[j, :2] = 1  a[b] += 1
    a[0] += 1  a[j] *= 2  a[:, 1] -= y[:3]  a[0] = a[1]  a[:, 0:1] = c  a[j] = x  a[j] = p[j]  a[[0, 2]] = 0
    a[torch.arange(3), j] = y[:3]  a[0] = x[0] * 2  a[0:0] = 1  a[t([], dtype=torch.int64)] = 1  a[10:] = 1
    a[0] = 1e300
    a[0] = True  a[n - 1] = 3  a[0] = 1.5
""")
GROUPS["stores"] = [f"a = {a}; {code}; a" for a in ("x.detach().clone()", "x * 1") for code in _STORES] + [
    f"a = {a}; {code}; a" for a in ("i.clone()", "b.clone()") for code in _STORES
    if not re.search(r"[+*-]=|\[[bvj]\] = [xyp]|= s$|1e300|arange", code)
] + cases("""
    a = torch.zeros(3, 4).double(); a[0] = y; a[1] = y * 2; a[2] = a[0] + a[1]; a.sum()
    a = torch.zeros(3).double(); a[0] = s; a[1] = a[0].clone() * s; a[2] = a[1].clone() * s; a[2]
    a = torch.zeros(6).double().reshape(2, 3); a[0] = y[:3]; 1. * a
    a = torch.zeros(3, 4).double(); a[0] += y; a[0] *= y; a[1] -= a[0]; a
    a = x * 1; a[0] += y; a[:, 1] *= y[:3]; a * a
    a = x.clone(); a[a < 0] = 0; a  a = x.clone(); a[:, 0] *= 2; a
    a = q.detach().clone(); a.diagonal().fill_(0); a
    a = torch.zeros(3, 4).double(); r = a[1]; r += y; r * 2
""")  # fmt: skip

# ---- changes in place ----------------------------------------------------------------------------------------
_CHANGES = cases("""
    a += 1  a -= p  a *= 2  a *= p  a /= p  a **= 2  a += y  a.add_(1)  a.add_(p, alpha=2)  a.sub_(p)  a.mul_(p)
    a.div_(p)  a.pow_(2)  a.neg_()  a.abs_()  a.exp_()  a.log_()  a.sqrt_()  a.tanh_()  a.sigmoid_()  a.relu_()
    a.zero_()  a.fill_(3)  a.fill_(s)  a.copy_(p)  a.copy_(y)  a.copy_(i)  a.clamp_(0, 1)  a.clamp_(min=0)
    a.clip_(max=0.5)  a.masked_fill_(b, 0)  a.floor_()  a.sign_()  a.trunc_()  a.ceil_()  a.round_()  a.reciprocal_()
    a.square_()  a.sin_()  a.t_()  a.unsqueeze_(0)  a.squeeze_()  a.transpose_(0, 1)  a.detach_()  a.requires_grad_()
    a.scatter_(0, k, 1.0)  a.scatter_(0, k, p)  a.scatter_add_(0, k, p)  a.lerp_(p, 0.3)  a.addcmul_(p, p, value=2)
    a.addcdiv_(p, p)  a.swapaxes_(0, 1)
    a.frac_()  a.tril_()  a.triu_()
    a.nan_to_num_()  a.data += 1  a.data = p.detach()  a.data.zero_()
""")
GROUPS["changes"] = [
    f"a = {a}; {code}; 1. * a" for a in ("x.detach().clone()", "x * 1", "p + x", "x.clone()") for code in _CHANGES
] + [f"a = p.detach().clone(); o = a.sum() * x; {code}; o, 1. * a" for code in _CHANGES] + [
    f"a = x * 1; o = a + p; {code}; o" for code in _CHANGES if not re.search("t_|queeze_|transpose_|swapaxes_", code)
] + [f"a = i.clone(); a {op}= {x}; a" for op in "+ - * // % & | ^ <<".split() for x in ("3", "(k + 1)")] + [
    f"a = b.clone(); a {op}= b.T.reshape(3, 4); a" for op in "&|^"
] + cases("""
    a = (x * 1).view(4, 3); a += 1; a *= 2; a.sum()  a = F.linear(z, q.new_ones(5, 4)); a += 1; a.sum()
    a = x.sum(0, keepdim=True); a += 1; a *= y; a.sum()  r = x * 1; a = r[0]; a *= 2; a.sum()
    a = x.clone(); a.add_(y).neg_().add_(1); 1. * a  a = 0; a += x; a += p; a
    a = t(0.); a += s.float(); 1. * a  a = torch.zeros(()); a += s; 1. * a  a = torch.zeros(3, 4); a += x; 1. * a
    a = x.clone(); r = a.detach(); r *= 2; 1. * a  a = x.clone(); o = a + p; a.zero_(); o
    a = p.detach().clone(); a.expand_as(x).mul_(2); 1. * a  a = i.clone(); a.remainder_(3); a
    a = i.clone(); a.floor_divide_(2); a  a = b.clone(); a.logical_not_(); a
    a = p * 1; a += a; 1. * a  a = torch.zeros(2).double(); a += s; 1. * a
    x.data += 1; x * 2  x.data = f.detach(); x.dtype  x.detach().add_(1); x * 2
    a = x * 1; a.mul_(p); grad(a.sum(), p, create_graph=True)
    a = x * 1; a.mul_(p); a.mul_(p); g, = grad(a.sum(), p, create_graph=True); grad(g.sum(), (x, p))
    a = x * 1; a[0] = y; a.mul_(p); g, = grad((a*a).sum(), y, create_graph=True); grad(g.sum(), (p, y))
""")  # fmt: skip
GROUPS["changes without a graph"] = [
    f"a = {a}; exec('with torch.no_grad(): {code}'); 1. * a" for a in ("x", "x * 1") for code in _CHANGES
    if not re.search("t_|queeze_|transpose_|swapaxes_|data|detach_|requires_grad", code)
] + [f"exec('with torch.no_grad(): x.{code}'); x.is_leaf, x.requires_grad, x.shape, x * 1" for code in
     ("t_()", "unsqueeze_(0)", "squeeze_()", "transpose_(0, 1)", "add_(1)", "zero_()")]  # fmt: skip

# ---- making ----------------------------------------------------------------------------------------------------
GROUPS["making"] = cases("""
    torch.tensor(1)  torch.tensor(1.5)  torch.tensor(True)  torch.tensor([1, 2])  torch.tensor([1, 2.0])
    torch.tensor([True, 2])  torch.tensor([True, 2.0])  torch.tensor([])  torch.tensor([[], []])
    torch.tensor([[1], [2]])
    torch.tensor((1, 2))  torch.tensor(range(3))  torch.tensor([1, 2], dtype=torch.float64)
    torch.tensor([1.7, -2.7], dtype=torch.int64)  torch.tensor([1, 2], dtype=float)  torch.tensor([1.0, 2], dtype=int)
    torch.tensor([0, 2], dtype=bool)  torch.tensor([1.0, 2], requires_grad=True)  torch.tensor(np.float64(2))
    torch.tensor(np.float32(2))  torch.tensor(np.int32(2))  torch.tensor(np.bool_(True))
    torch.tensor([np.float64(1), np.float64(2)])  torch.tensor([np.float32(1), 2.0])  torch.tensor([2.0, np.float64(1)])
    torch.tensor([np.int64(1), 2])  torch.tensor(np.arange(3))  torch.tensor(np.arange(3.0))
    torch.tensor(np.arange(3, dtype=np.uint8))  torch.tensor(np.array(3.0))  torch.tensor(np.zeros((2, 0)))
    torch.tensor([np.arange(3), np.arange(3)])  torch.tensor(x.detach())  torch.tensor([s.detach(), s.detach()])
    torch.tensor([t(1), t(2)])  torch.tensor([t(1.0), t(2)])  torch.tensor([1, 2], device='cpu')  torch.tensor(1e300)
    torch.tensor([2**40])  torch.as_tensor([1.0, 2])  torch.as_tensor(np.arange(3.0))  torch.as_tensor(x) is x
    torch.as_tensor(x, dtype=torch.float32)  torch.as_tensor(3)  torch.from_numpy(np.arange(3.0))
    a = np.arange(3.0); w = torch.from_numpy(a); a[0] = 9; w  a = np.arange(3.0); w = torch.as_tensor(a); a[0] = 9; w
    a = np.arange(3.0); w = torch.tensor(a); a[0] = 9; w  a = np.arange(3.0); w = torch.from_numpy(a); w += 1; t(a)
    w = torch.zeros(3); a = w.numpy(); a[1] = 5; w  torch.zeros(2, 3)  torch.zeros((2, 3))  torch.zeros([2, 3])
    torch.zeros(3)  torch.zeros(())  torch.zeros(0)  torch.zeros(2, 3, dtype=torch.int64)
    torch.zeros(2, requires_grad=True)  torch.zeros(x.shape)  torch.zeros(n, 2)  torch.zeros(size=(2, 3))
    torch.zeros(2, dtype=float)  torch.zeros(2, device='cpu')  torch.ones(2, 3)  torch.ones(2, dtype=torch.bool)
    torch.ones((2,), dtype=int)  torch.empty(2, 3).shape  torch.full((2, 3), 7)  torch.full((2,), 7.0)
    torch.full((2,), True)  torch.full((2,), 7, dtype=torch.float32)  torch.full((), 7)
    torch.full((2, 3), 1.5, requires_grad=True)  torch.full((2,), t(3.5))  torch.full(size=(2,), fill_value=1)
    torch.zeros_like(x)  torch.zeros_like(i)  torch.ones_like(x)  torch.ones_like(i, dtype=torch.float32)
    torch.ones_like(x, requires_grad=True)  torch.full_like(x, 2)  torch.full_like(i, 2.7)  torch.empty_like(x).shape
    torch.zeros_like(input=x)  torch.eye(3)  torch.eye(2, 3)  torch.eye(3, dtype=torch.int64)  torch.eye(0)
    torch.arange(5)  torch.arange(5.0)  torch.arange(1, 5)  torch.arange(1, 5, 2)  torch.arange(5, 1, -1)
    torch.arange(0, 1, 0.25)  torch.arange(1, 2.5, 0.5)  torch.arange(5, dtype=torch.float32)  torch.arange(0.0)
    torch.arange(0)  torch.arange(start=1, end=4)  torch.arange(end=4)  torch.arange(n)
    torch.arange(-8.0, 8.0, 0.1)[80].item()  torch.arange(-8.0, 8.0, 0.1, dtype=torch.float64)[80].item()
    torch.arange(-8.0, 8.0, 0.1)  torch.arange(0, 5, 1.5, dtype=torch.int64)  torch.arange(5.0, requires_grad=True)
    torch.arange(5, dtype=torch.float64, requires_grad=True)  torch.arange(5, dtype=torch.float16)  torch.arange(True)
    torch.linspace(0, 1, 5)  torch.linspace(-3, 0, 1000)  torch.linspace(-1.0, 1.0, 32)  torch.linspace(0, 1, 1)
    torch.linspace(0, 1, 0)  torch.linspace(1, 0, 4, dtype=torch.float64)  torch.linspace(0, 10, 4, dtype=torch.int64)
    torch.linspace(0, 10, 11, dtype=torch.int64)  torch.linspace(0, 1, steps=3)
    torch.linspace(start=0, end=1, steps=3)  torch.linspace(0, 1, 3, requires_grad=True)
    torch.linspace(t(0.0), t(1.0), 3)  torch.logspace(0, 2, 3)  torch.logspace(-3, 0, 7)
    torch.logspace(0, 3, 4, base=2)
    torch.logspace(0, 2, 3, dtype=torch.float64)  torch.logspace(0, 2, 3, requires_grad=True)  torch.scalar_tensor(3)
    torch.scalar_tensor(3.5, dtype=torch.float64)  x.new_zeros(2, 3)  x.new_zeros((2, 3))  x.new_ones(2)
    x.new_full((2,), 3)  x.new_tensor([1, 2])  i.new_tensor([1.5, 2])  x.new_empty(2).shape
    f.new_zeros(2, dtype=torch.int64)  f.new_ones(2, requires_grad=True)  torch.Tensor([1, 2])  torch.Tensor(2, 3).shape
    torch.Tensor()  torch.FloatTensor([1, 2])  torch.DoubleTensor([1, 2])  torch.LongTensor([1, 2])
    torch.IntTensor([1, 2])  torch.BoolTensor([True, False])  torch.Tensor(np.arange(3))  torch.get_default_dtype()
    torch.finfo(torch.float32).eps
    torch.finfo(torch.float64).max  torch.finfo(torch.float16).tiny  torch.iinfo(torch.int64).max
    torch.iinfo(torch.uint8).min  torch.Size([2, 3])  torch.Size([2, 3]).numel()  torch.Size([2, 3]) + (4,)
    torch.Size([2, 3])[:1]  torch.Size([2, 3]) == (2, 3)  list(torch.Size([2]))  torch.float32  repr(torch.float64)
    torch.float32 == torch.float  torch.float32.is_floating_point  torch.int64.is_floating_point
    torch.float32.itemsize  str(torch.device('cpu'))  repr(torch.device('cpu'))
    torch.device('cpu') == torch.device('cpu')  torch.device('cpu', 0)  torch.tril(torch.ones(3, 3)) == 0
    torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.set_default_dtype(torch.float64); a = t(1.5), t([1]) * 1.5; torch.set_default_dtype(torch.float32); a
    torch.set_default_dtype(torch.float64); a = torch.arange(3.); torch.set_default_dtype(torch.float32); a
""")

# ---- gradients -------------------------------------------------------------------------------------------------
GROUPS["gradients"] = cases("""
    o = (x*x).sum(); o.backward(); x.grad  o = (x*x).sum(); o.backward(retain_graph=True); o.backward(); x.grad
    o = (x+p).sum(); o.backward(); o.backward(); x.grad
    o = x[0].sum(); o.backward(); o.backward(); x.grad  o = x.mean(); o.backward(); o.backward(); x.grad
    o = torch.cat([x, p]).sum(); o.backward(); o.backward(); x.grad  o = (-x).sum(); o.backward(); o.backward(); x.grad
    o = x.float().sum(); o.backward(); o.backward(); x.grad  o = x.cumsum(0).sum(); o.backward(); o.backward(); x.grad
    o = x+p; o.backward(torch.ones(3, 4, dtype=torch.float64)); x.grad, p.grad
    o = x+p; o.backward(gradient=p.detach()); x.grad  o = (x+p).sum(); o.backward(t(3.0).double()); x.grad
    o = x[0,0]; o.backward(); x.grad  o = x[0:1,0]*2; o.backward(); x.grad  s.backward(); s.grad
    s.backward(); s.backward(); s.grad  o = s * 1; o.backward(); s.grad
    x.sum().backward(); x.sum().backward(); x.grad  x.sum().backward(); x.grad.zero_(); x.sum().backward(); x.grad
    x.sum().backward(); x.grad = None; x.sum().backward(); x.grad
    x.grad = torch.ones(3, 4).double(); x.sum().backward(); x.grad  x.sum().backward(); x.grad *= 2; x.grad
    x.sum().backward(); x.grad.data.zero_(); x.grad  x.sum().backward(); x.grad.requires_grad, x.grad.is_leaf
    a = x * 2; a.retain_grad(); a.sum().backward(); a.grad  a = x * 2; a.sum().backward(); x.grad
    a = x * 2; a.retain_grad(); a.retain_grad(); (a*a).sum().backward(); a.grad, a.retains_grad, x.retains_grad
    a = x * 2; a.retain_grad(); o = (a*a).sum(); o.backward(retain_graph=True); o.backward(); a.grad, x.grad
    x.retain_grad(); x.sum().backward(); x.grad  grad((x*x).sum(), x)
    grad((x*x).sum(), [x])  grad((x*p).sum(), (x, p))
    grad((x*x).sum(), [x, p], allow_unused=True)
    grad((x*x).sum(), [x, p], materialize_grads=True)
    grad(x*x, x, torch.ones_like(x))  grad(x*x, x, grad_outputs=p.detach())
    grad([x*x, p*x], [x, p], [p.detach(), p.detach()])
    grad([(x*x).sum(), (p*x).sum()], [x, p])  a = x * 2; grad((a*a).sum(), a)
    a = x * 2; o = (a*a).sum(); grad(o, a, retain_graph=True), grad(o, x)
    grad((x**3).sum(), x, create_graph=True)
    g, = grad((x**3).sum(), x, create_graph=True); grad(g.sum(), x)
    g, = grad((x**3).sum(), x, create_graph=True); g.sum().backward(); x.grad
    g, = grad((x**4).sum(), x, create_graph=True); h, = grad(g.sum(), x, create_graph=True); grad(h.sum(), x)
    o = (x**3).sum(); o.backward(create_graph=True); a = x.grad.sum(); x.grad = None; a.backward(); x.grad
    o = (x**3).sum(); grad(o, x, retain_graph=True); o.backward(); x.grad
    o = (x*p).sum(); o.backward(inputs=[x]); x.grad, p.grad  o = (x*p).sum(); o.backward(inputs=x); x.grad, p.grad
    a = x*p; o = (a*a).sum(); o.backward(inputs=[a]); x.grad, a.grad  torch.autograd.backward((x*x).sum()); x.grad
    torch.autograd.backward([(x*x).sum(), (x*p).sum()]); x.grad, p.grad
    torch.autograd.backward([x*x, x*p], [p.detach(), p.detach()]); x.grad, p.grad
    torch.autograd.backward(x*x, p.detach()); x.grad  a = x*x; torch.autograd.backward([a.sum(), (a*2).sum()]); x.grad
    a = (x*x).sum(); torch.autograd.backward([a, a]); x.grad
    torch.autograd.functional.jacobian(lambda a: a**2, y.detach())
    torch.autograd.functional.jacobian(lambda a: (a**2).sum(), y.detach())
    torch.autograd.functional.jacobian(lambda a, b: a * b, (y.detach(), y.detach()))
    torch.autograd.functional.jacobian(torch.exp, x.detach())
    torch.autograd.functional.jacobian(lambda a: torch.stack([a.sum(), a.prod()]), y.detach())
    torch.autograd.functional.jacobian(lambda a: (a, a * 2), y.detach())
    torch.autograd.functional.jacobian(lambda a: y.detach() * 2, y.detach())
    torch.autograd.functional.jacobian(lambda a: a ** 2, y, create_graph=True)
    torch.autograd.functional.hessian(lambda a: (a**3).sum(), y.detach())
    torch.autograd.functional.hessian(lambda a: (a @ q.detach()).pow(2).sum(), y.detach()[:3])
    torch.autograd.functional.hessian(lambda a, b: (a * b**2).sum(), (y.detach(), x.detach()[0]))
    torch.autograd.functional.hessian(lambda a: a.sum(), y.detach())
    a = x.detach(); a += 1; x * 2  a = x.detach().requires_grad_(); a is x  a = x.data; a.requires_grad
    x.sum().backward(); p.sum().backward(); x.grad.add_(1); p.grad
    g = torch.ones(3, 4).double(); (x * 1).backward(g); g += 1; x.grad
    g = torch.ones(3, 4).double(); x.backward(g); g += 1; x.grad
    g = torch.ones(3, 4).double(); (x + p).backward(g); x.grad += 1; p.grad, g
    o = (x + p).sum(); o.backward(); x.grad += 1; p.grad  y.expand(3, 4).sum().backward(); y.grad += 1; y.grad
    x.mean().backward(); x.grad += 1; x.grad  x.sum().backward(); x.grad[0] = 7; x.grad
    torch.cat([y, y]).sum().backward(); y.grad += 1; y.grad  (x.T + p.T).sum().backward(); x.grad.is_contiguous()
    x.sum(0, keepdim=True).sum(1).backward(); x.grad  (f * 2.5 + 1).tanh().sum().backward(); f.grad
    m.t().mm(x.t()).sum().backward(); m.grad, x.grad  r = x.floor().sum() * 3; r  r = x.argmax(); r.requires_grad
    torch.set_grad_enabled(False); a = x * 2; torch.set_grad_enabled(True); a.requires_grad
    a = torch.no_grad()(lambda: x * 2)(); a.requires_grad  a = torch.enable_grad()(lambda: x * 2)(); a.requires_grad
    a = torch.inference_mode()(lambda: x * 2)(); a.requires_grad  torch.is_grad_enabled()
    a = torch.set_grad_enabled(False)(lambda: x * 2)(); a.requires_grad, torch.is_grad_enabled()
    exec('with torch.no_grad(): a = x * 2'); a.requires_grad, a.is_leaf, x.is_leaf
    exec('with torch.no_grad(): a = torch.zeros(2, requires_grad=True)'); a.requires_grad
    exec('with torch.no_grad():\\n with torch.enable_grad(): a = x * 2'); a.requires_grad
    exec('with torch.set_grad_enabled(False): a = x * 2'); o = x * 2; a.requires_grad, o.requires_grad
    exec('with torch.inference_mode(False): a = x * 2'); a.requires_grad
    exec('with torch.no_grad(): a = x.numpy()'); a.shape
    exec('with torch.autograd.set_detect_anomaly(True): a = x * 2'); a
""")

# ---- as Python and NumPy see a tensor --------------------------------------------------------------------------
GROUPS["protocols"] = cases("""
    x.numel()  x.nelement()  torch.numel(x)  x.dim()  x.ndim  x.ndimension()  x.element_size()
    x.data_ptr() == x.detach().data_ptr()  x[1:].data_ptr() - x.data_ptr()
      x.itemsize  x.nbytes
    x.is_contiguous()  x.T.is_contiguous()  x.contiguous()  x.T.contiguous()  x.stride()  x.T.stride()  x.stride(0)
    x.size()  x.size(0)  x.size(-1)  x.size(dim=0)  x.shape  x.shape[0]  x.shape[1:]  x.dtype  x.device  x.is_cuda
    torch.is_tensor(x)  torch.is_tensor(3)  torch.is_floating_point(x)  i.is_floating_point()  x.type()  i.type()
    s.item()
    n.item()  x[0, 0].item()  b[0, 0].item()  x.tolist()  i.tolist()  s.tolist()  b.tolist()  e.tolist()  x.data
    x.detach()  x.T.data  len(x)  len(e)  bool(s)  bool(x[:1, :1])  float(s)  float(x[:1, :1])  int(n)  int(s)
    [1, 2, 3, 4][n]  [1, 2, 3, 4][t([2])]  range(n)  complex(s)  list(x)  a, o, r = x; a  3 in i  s in x  2.0 in x
    f'{s:.3f}'  f'{s}'  f'{n}'  f'{n:5d}'  f'{s.detach()}'  f'{s.detach():}'  format(x.detach(), '')  f'{i}'  str(i)
    repr(n)  np.asarray(i)  np.asarray(x.detach())  np.asarray(i, dtype=np.float32)  np.array(i)
    hash(x) == hash(x)  {x: 1}[x]  x is x.requires_grad_()  x.is_leaf
    x.requires_grad  (x*1).is_leaf  x.retains_grad  x.grad  x.grad_fn  (x*1).grad_fn.name()  x.detach().numpy()
    x.T.grad_fn.next_functions[0][0].variable is x  (x * p).grad_fn.next_functions[1][0].variable is p
    [len(each.grad_fn.next_functions) for each in (x + 1, x * 2, x / 2, x - 1, 2 - x, x**2, 2**x, x * p, -x)]
    (x * 2).grad_fn.next_functions[1]  x.numpy(force=True)  (x*2).detach().numpy()
    import copy; a = copy.deepcopy(x); a  import copy; a = copy.copy(x); a
    import copy; x.sum().backward(); a = copy.deepcopy(x); a.grad
    import copy; a = copy.deepcopy([x, x]); a[0] is a[1]  import copy; a = copy.deepcopy(x.detach()[1:]); a
    import pickle; a = pickle.loads(pickle.dumps(x)); a  import pickle; a = pickle.loads(pickle.dumps(i)); a
    import pickle; x.sum().backward(); a = pickle.loads(pickle.dumps(x)); a.grad
    import pickle; a = pickle.loads(pickle.dumps(x * 1)); a  import copy; a = copy.deepcopy(nn.Parameter(x.detach())); a
    a = nn.Parameter(x.detach()); a * 1  a = nn.Parameter(x); a.is_leaf, a.requires_grad
    a = nn.Parameter(x*1); a.is_leaf
    a = nn.Parameter(i, requires_grad=False); a  a = nn.Parameter(x.detach()); a.data
    a = x.detach(); a.requires_grad = True; a.is_leaf  x.requires_grad_(False); x.requires_grad
    a = (x*1).requires_grad_(); a.is_leaf
""")

# ---- what is refused: the error's class, and words of its message; here's behind |, where they are others --------
REFUSED = dict(re.split(r"\s+# ", line.strip(), maxsplit=1) for line in """
    i.mean()  # could not infer output dtype
    e.max()  # max(): Expected reduction dim to be specified | a tensor with elements to choose from, got shape (0, 4)
    e.max(0)  # Expected reduction dim 0 to have non-zero size
    e.amax(0)  # Expected reduction dim 0 to have non-zero size | with elements to choose from, got shape (0, 4)
    e.amax()  # amax(): Expected reduction dim to be specified | with elements to choose from, got shape (0, 4)
    e.argmax()  # argmax(): Expected reduction dim to
    e.norm(inf)  # inf norm on an empty tensor | the inf norm needs elements to choose from
    e.norm(-inf, 0)  # inf norm on the dimension 0 | the -inf norm needs elements to choose from
    i.norm()  # Expected a floating point or complex tensor | norm(): could not infer output dtype
    i.softmax(0)  # not implemented for 'Long'
    x.softmax(2)  # Dimension out of range (expected to be in range of [-2, 1], but got 2)
    x.sum((0, 0))  # appears multiple times in the list of dims
    x.topk(5)  # selected index k out of range
    x.reshape(5, -1)  # shape '[5, -1]' is invalid for input of size 12
    x.reshape(7)  # shape '[7]' is invalid for input of size 12
    x.reshape(-1,-1)  # only one dimension can be inferred
    x.reshape(-2, 6)  # invalid shape dimension -2
    e.reshape(-1, 0)  # ambiguous | shape '[-1, 0]' is invalid for input of size 0
    x.T.view(-1)  # view size is not compatible with input tensor's size and stride
    x[:, :2].view(6)  # Use .reshape(...) instead
    x.permute(0)  # number of dimensions | expected each of the 2 dimensions once, got [0]
    x.permute(0, 0)  # duplicate dims are not allowed | expected each of the 2 dimensions once, got [0, 0]
    z.t()  # t() expects a tensor with <= 2 dimensions, but self is 3D
    y.mT  # tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor
    x.unsqueeze(3)  # Dimension out of range (expected to be in range of [-3, 2], but got 3)
    z.flatten(2, 1)  # start_dim cannot come after end_dim
    y.expand(4, 3)  # must match the existing size
    x.expand(3)  # size=[3] | The expanded size of the tensor (3,) must match the existing size (3, 4)
    x.repeat(2)  # Number of dimensions of repeat dims can not be smaller
    x.narrow(1, 2, 3)  # start (2) + length (3) exceeds dimension size (4).
    x.select(0, 5)  # index 5 out of range | index 5 is out of bounds
    x.split([1, 1], dim=1)  # split_sizes to sum exactly to 4
    x.split(0)  # split_size can only be 0 if | got split_size=0
    torch.cat([x, y])  # must have same number of dimensions | Sizes of tensors must match
    torch.cat([])  # expected a non-empty list of Tensors
    torch.cat([s, s])  # zero-dimensional tensor
    torch.cat([x, p], 2)  # Dimension out of range
    torch.cat([x, x.T])  # Sizes of tensors must match except in dimension 0
    torch.cat([x, 1.0])  # expected Tensor as element 1 in argument 0, but got float
    torch.stack([x, y])  # stack expects each tensor to be equal size, but got [3, 4] at entry 0 and [4] at entry 1
    torch.stack([])  # stack expects a non-empty | stack(): expected a non-empty list
    torch.meshgrid(y, j)  # meshgrid expects all tensors to have the same dtype
    torch.meshgrid(y, y, indexing='ji')  # indexing must be one of "xy" or "ij"
    torch.broadcast_tensors(x, y[:3])  # must match the size of tensor b (3)
    x.gather(0, k + 3)  # is out of bounds for dimension 0 with size 3
    x.gather(0, k - 3)  # is out of bounds for dimension 0 with size 3
    x.gather(1, j)  # Index tensor must have the same number of dimensions as input tensor
    x.gather(1, p)  # Expected dtype int
    x.gather(0, k.reshape(2, 6))  # Size does not match | no larger than self [3, 4] apart from dimension 0
    x.scatter(0, k, f)  # scatter(): Expected self.dtype to be equal to src.dtype
    x.scatter(0, k, p[:2])  # no larger size than src [2, 4] | Expected index [3, 4] to be no larger than src [2, 4]
    x.scatter_add(0, k + 3, p)  # is out of bounds for dimension 0 with size 3
    torch.index_select(x, 0, t([-1]))  # index out of range in self | index -1 is out of bounds for dimension 0
    x.masked_fill(i, 0)  # masked_fill_ only supports boolean masks
    x.diagonal(0, 1, 1)  # diagonal dimensions cannot be identical 1, 1
    x.trace().trace()  # expected a matrix
    z.diag()  # Supports 1D or 2D tensors. Got 3D
    y.tril()  # tril: input tensor must have at least 2 dimensions
    torch.neg(b)  # `-` operator
    x @ x  # mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)
    y @ x  # mat1 and mat2 shapes cannot be multiplied (1x4 and 3x4)
    x @ y[:2]  # size mismatch, got input (3), mat (3x4), vec (2)
    z @ z[:1].mT.expand(3, 4, 3)  # must match the size of tensor
    x @ s  # both arguments to matmul need to be at least 1D
    x @ m.float()  # expected m1 and m2 to have the same dtype, but got: double != float
    i @ x.T  # expected m1 and m2 to have the same dtype, but got: long
    x @ 2  # unsupported operand type(s) for @: 'Tensor' and 'int'
    2 @ x  # unsupported operand type(s) for @: 'int' and 'Tensor'
    x.mm(y)  # mat2 must be a matrix | mm: Expected 2D and 2D tensors, but got 2D and 1D
    torch.mm(z, m)  # self must be a matrix | mm: Expected 2D and 2D tensors, but got 3D and 2D
    torch.bmm(x, m)  # batch1 must be a 3D tensor | bmm: Expected 3D and 3D tensors, but got 2D and 2D
    torch.bmm(z, z[:1].mT)  # Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [1, 4].
    b @ b.T  # not implemented for 'Bool'
    F.linear(x[:, :2], y[:1, None])  # mat1 and mat2 shapes cannot be multiplied (3x2 and 1x1)
    torch.tensordot(t([[1.] * 6]), t([[1.] * 4] * 3), 1)  # contracted dimensions need to match, but first has size 6
    torch.tensordot(x, y, 2)  # tensordot expects dims < ndim_a | tensordot expects dims from 0 to the number of axes
    x.masked_select(i)  # masked_select: expected BoolTensor for mask
    x.index_select(0, b[0])  # index_select(): Expected dtype int32
    x.index_select(0, k)  # index_select(): Index is supposed to be a vector
    x.gather(0, u)  # gather(): Expected dtype int32/int64 for index
    x.roll(1, 2)  # Dimension out of range (expected to be in range of [-2, 1], but got 2)
    y.detach().copy_(c)  # doesn't match the broadcast shape
    F.embedding(j, y)  # 'weight' must be 2-D
    x // y[:3]  # The size of tensor a (4) must match the size of tensor b (3)
    i & j  # The size of tensor a (4) must match the size of tensor b (3)
    torch.logical_or(x, j)  # The size of tensor a (4) must match the size of tensor b (3)
    torch.isclose(x, y[:3])  # The size of tensor a (4) must match the size of tensor b (3)
    torch.allclose(x, y[:3])  # The size of tensor a (4) must match the size of tensor b (3)
    torch.einsum('ij,ij', x, i)  # expected scalar type Double but found Long
    torch.dot(y, x)  # 1D tensors expected | dot: Expected 1D and 1D tensors, but got 1D and 2D
    torch.dot(y, y[:2])  # inconsistent tensor size, expected tensor [4] and src [2] to have
    torch.dot(y, f[0])  # same dtype
    torch.outer(x, y)  # outer: Expected 1-D | outer: Expected 1D
    torch.einsum('ij,jk->ik', x, x)  # einsum(): subscript j has size 3 | does not fit tensors of shape (3, 4), (3, 4)
    torch.einsum('ij,jk->ix', x, m)  # output subscript x does not appear | einsum('ij,jk->ix') does not fit
    torch.div(x, p, rounding_mode='up')  # rounding_mode to be one of None, 'trunc', or 'floor' but found 'up'
    i.pow(-1)  # Integers to negative integer powers are not allowed
    x.clamp()  # At least one of 'min' or 'max' must not be None
    torch.where(i, x, p)  # where expected condition to be a boolean tensor, but got a tensor with dtype Long
    x < 'a'  # '<' not supported between instances of 'Tensor' and 'str'
    x < None  # '<' not supported between instances of 'Tensor' and 'NoneType'
    ~x  # only implemented on integer and Boolean-type tensors | 'invert' not supported
    b - b  # `-` operator
    i.add(k, alpha=0.5)  # For integral input tensors, argument alpha must not be a floating point number
    k.clone().sub_(i, alpha=0.5)  # For integral input tensors, argument alpha must not be a floating point number
    1 - b  # Subtraction, the `-` operator, with a bool tensor is not supported
    x - b  # Subtraction, the `-` operator, with a bool tensor is not supported
    x & x  # not implemented for 'Double' | and_ is not implemented for torch.float64, only for integers and bools
    x << 1.5  # not implemented for | lshift is not implemented for torch.float64
    torch.allclose(x, f)  # Double did not match Float
    torch.isclose(x, f)  # Double did not match Float
    x.size(2)  # Dimension out of range
    x.item()  # a Tensor with 12 elements cannot be converted to Scalar
    len(s)  # len() of a 0-d tensor
    bool(x)  # Boolean value of Tensor with more than one value is ambiguous
    bool(e)  # Boolean value of Tensor with no values is ambiguous
    float(x)  # only one element tensors can be converted to Python scalars
    int(x)  # only one element tensors can be converted to Python scalars
    [1, 2, 3, 4][s]  # only integer tensors of a single element can be converted to an index
    list(s)  # iteration over a 0-d tensor
    f'{x:.3f}'  # unsupported format string passed to Tensor.__format__
    f'{i:d}'  # unsupported format string passed to Tensor.__format__
    np.asarray(x)  # Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
    np.sin(x)  # Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
    x.numpy()  # Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
    x + [1, 2, 3, 4]  # unsupported operand type(s) for +: 'Tensor' and 'list'
    x + None  # unsupported operand type(s) for +: 'Tensor' and 'NoneType'
    x + 'a'  # unsupported operand type(s) for +: 'Tensor' and 'str'
    None * x  # unsupported operand type(s) for *: 'NoneType' and 'Tensor'
    x + e  # The size of tensor a (3) must match the size of tensor b (0) at non-singleton dimension 0
    x + y[:3]  # The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1
    x.add(y[:3])  # The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1
    x[3]  # index 3 is out of bounds for
    x[-4]  # index -4 is out of bounds for
    x[0, 5]  # index 5 is out of bounds for
    x[0, 0, 0]  # too many indices for tensor of dimension 2
    x[t([5])]  # index 5 is out of bounds for
    x[t([-4])]  # index -4 is out of bounds for
    x[t([True, False])]  # The shape of the mask [2] at index 0 does not match | boolean index did not match
    x[t([[True]])]  # The shape of the mask [1, 1] at index 0 does not match | boolean index did not match
    x[1.0]  # only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices
    x[t([1.0])]  # tensors used as indices must be long, int, byte or bool tensors
    x[0.5:]  # slice indices must be integers
    s[0]  # invalid index of a 0-dim tensor | too many indices for tensor of dimension 0
    e[0]  # index 0 is out of bounds for
    x[torch.arange(3), t([0, 4, 0])]  # index 4 is out of bounds for
    a = x.detach().clone(); a[5] = 1; a  # index 5 is out of bounds for
    a = x.detach().clone(); a[0] = y[:3]; a  # the existing size (3) | value tensor of shape [3] cannot be broadcast
    a = x * 1; a[0] = y[:3]; a  # the existing size (3) | value tensor of shape [3] cannot be broadcast
    a = x * 1; a[0] = p; a  # size=[4] | of shape [3, 4] cannot be broadcast to indexing result of shape [4]
    a = x * 1; a[0] = None; a  # can't assign a NoneType | a tensor cannot hold
    a = i.clone(); a[:, 1] -= y[:3]; a  # result type Double can't be cast to the desired output type Long
    a = b.clone(); a += 1; a  # result type Long can't be cast to the desired output type Bool
    a = i.clone(); a /= 2; a  # result type Float can't be cast to the desired output type Long
    a = x * 1; a += z; a  # output with shape [3, 4] doesn't match the broadcast shape [2, 3, 4]
    a = x.detach().expand(2, 3, 4); a += 1; a  # element of the written-to tensor refers to a single memory location
    x += 1; x  # a leaf Variable that requires grad is being used in an in-place operation
    x.add_(1)  # a leaf Variable that requires grad is being used in an in-place operation
    x.zero_()  # a leaf Variable that requires grad is being used in an in-place operation
    x.copy_(p)  # a leaf Variable that requires grad is being used in an in-place operation
    x[0] = 1; x  # leaf Variable that requires grad is being used in an in-place operation
    x //= 2; x  # a leaf Variable that requires grad is being used in an in-place operation
    x %= 2; x  # a leaf Variable that requires grad is being used in an in-place operation
    x.t_()  # a leaf Variable that requires grad is being used in an in-place operation
    x.unsqueeze_(0)  # a leaf Variable that requires grad is being used in an in-place operation
    a = x[0]; a += 1; a  # a view of a leaf Variable that requires grad is being used in an in-place operation
    a = x.view(-1)[1:]; a.mul_(2)  # a view of a leaf Variable
    torch.zeros(3).fill_(torch.ones(3))  # fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions
    a = x.exp(); a += 1; a.sum().backward()  # has been modified by an inplace operation
    a = x.sigmoid(); a += 1; a.sum().backward()  # has been modified by an inplace operation
    a = x.exp(); a.detach().add_(1); a.sum().backward()  # has been modified by an inplace operation
    a = p.detach().clone(); o = (a * x).sum(); a += 1; o.backward()  # has been modified by an inplace operation
    a = x * 1; o = (a * p).sum(); a.zero_(); o.backward()  # has been modified by an inplace operation
    a = x.clone(); a.sigmoid_().mul_(p).add_(1).pow_(2); a.sum().backward()  # has been modified by an inplace operation
    a = torch.zeros(3).double(); a[0] = s; a[1] = a[0] * s; a[1].backward()  # has been modified by an inplace operation
    r = b.clone(); o = torch.where(r, x, p).sum(); r.zero_(); o.backward()  # has been modified by an inplace operation
    r = j.clone(); o = F.cross_entropy(x, r); r.zero_(); o.backward()  # has been modified by an inplace operation
    o = (x*x).sum(); o.backward(); o.backward()  # Trying to backward through the graph a second time
    o = (x*2).sum(); o.backward(); o.backward()  # Trying to backward through the graph a second time
    o = x[j].sum(); o.backward(); o.backward()  # Trying to backward through the graph a second time
    o = x.max(1)[0].sum(); o.backward(); o.backward()  # Trying to backward through the graph a second time
    o = (x*x).sum(); grad(o, x); o.backward()  # Trying to backward through the graph a second time
    o = x+p; o.backward()  # grad can be implicitly created only for scalar outputs
    o = x+p; o.backward(torch.ones(4, dtype=torch.float64))  # Mismatch in shape: grad_output[0] has a shape of
    o = x+p; o.backward(3)  # 'int' object is not iterable | gradients can be either Tensors or None, but got int
    x.detach().sum().backward()  # element 0 of tensors does not require grad and does not have a grad_fn
    exec('with torch.no_grad(): a = x.sum()'); a.backward()  # element 0 of tensors does not require grad
    x.grad = torch.ones(3, 4)  # attempting to assign a gradient
    x.grad = torch.ones(3)  # attempting to assign a gradient
    x.grad = 3  # assigned grad expected to be a Tensor or None but got
    x.data = 3  # Variable data has to be a tensor, but got int
    x.grad.zero_()  # 'NoneType' object has no attribute 'zero_'
    i.retain_grad()  # can't retain_grad on Tensor that has requires_grad=False
    grad((x*x).sum(), p)  # appears to not have been used in the graph
    grad(x*x, x)  # grad can be implicitly created only for scalar outputs
    grad((x*x).sum(), i)  # One of the differentiated Tensors does not require grad
    grad(x.detach().sum(), x)  # element 0 of tensors does not require grad
    torch.autograd.functional.hessian(lambda a: a * 2, y.detach())  # a single element | and this one has shape (4,)
    i.requires_grad = True  # loating point
    i.requires_grad_()  # loating point
    a = x*1; a.requires_grad = False  # you can only change requires_grad flags of leaf variables
    import copy; a = copy.deepcopy(x * 1); a  # Only Tensors created explicitly by the user
    nn.Parameter(i)  # loating point
    torch.tensor([[1], [2, 3]])  # expected sequence of
    torch.tensor('a')  # new(): invalid data type 'str'
    torch.tensor(None)  # Could not infer dtype of NoneType
    torch.tensor([None])  # Could not infer dtype of NoneType
    torch.tensor({})  # Could not infer dtype of dict
    torch.tensor([1, 2], requires_grad=True)  # loating point
    torch.tensor(np.array(['a']))  # types are: float
    torch.from_numpy([1])  # expected np.ndarray (got list)
    torch.zeros(-1)  # must be non-negative | negative dimension -1
    torch.zeros(2.0)  # must be tuple of ints | expected a shape, which is ints, got (2.0,)
    torch.arange(5, 1)  # upper bound and lower bound inconsistent with step sign
    torch.arange(1, 5, 0)  # step must be nonzero
    torch.linspace(0, 1, -1)  # number of steps must be non-negative
    torch.set_default_dtype(torch.int64)  # only floating-point types are supported as the default type
    torch.device('nope')  # Expected one of cpu | computes on the CPU alone, got the device 'nope'
""".strip().split("\n"))  # fmt: skip


# ---- a case in either library ------------------------------------------------------------------------------
def known(shape: tuple[int, ...]) -> Any:
    """Numbers of no pattern that are the same everywhere."""
    return np.cos(1.7 * np.arange(math.prod(shape)) + 0.4).reshape(shape)


def projected(array: Any) -> float:
    """Σ c·value; what is not finite counts as some number that nothing else is likely to add up to."""
    array = np.asarray(array, np.float64)
    array = np.select([np.isnan(array), array == np.inf, array == -np.inf], [1e3, 1e5, -1e7], array)
    return float((known(array.shape) * array.clip(-1e12, 1e12)).sum())


def study(torch: Any, code: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """What came of the line: `out`, and `grads` by the leaves, or `error`, the exception's class, with its message."""
    names: dict[str, Any] = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "t": torch.tensor, "np": np}
    names.update({"inf": math.inf, "nan": math.nan, "grad": torch.autograd.grad})
    leaves = {}
    for name, array in (arrays() if given is None else given).items():
        names[name] = torch.tensor(array, requires_grad=array.dtype.kind == "f")
        if array.dtype.kind == "f":
            leaves[name] = names[name]
    *body, last = code.split("; ")
    try:
        exec("\n".join(body), names)
        found = _evaluated(last, names)
        out, total = _told(torch, found, leaves)
        if total is not None:
            total.backward()
    except Exception as problem:
        return {"error": type(problem).__name__, "message": str(problem)}
    grads = {name: x.grad for name, x in leaves.items() if total is not None and x.is_leaf and x.grad is not None}
    return {"out": out, "grads": {name: [_kind(g), projected(g.detach().numpy())] for name, g in grads.items()}}


def _evaluated(last: str, names: dict[str, Any]) -> Any:
    try:
        compiled = compile(last, "<case>", "eval")
    except SyntaxError:
        exec(last, names)
        return None
    return eval(compiled, names)


def _kind(x: Any) -> str:
    return str(x.dtype).removeprefix("torch.")


def _told(torch: Any, found: Any, leaves: dict[str, Any]) -> tuple[list[Any], Any]:
    """What the tensors in `found` are, and Σ c·value of those that a gradient flows from."""
    if not isinstance(found, torch.Tensor):
        if not isinstance(found, tuple | list) or isinstance(found, torch.Size):
            return [_plain(found)], None
        told = [_told(torch, each, leaves) for each in found]
        totals = [total for _, total in told if total is not None]
        return [each for out, _ in told for each in out], sum(totals[1:], totals[0]) if totals else None
    array = found.detach().numpy()
    shares = " ".join(name for name, x in leaves.items() if np.may_share_memory(x.detach().numpy(), array))
    made = "leaf" if found.is_leaf and found.requires_grad else type(found.grad_fn).__name__ if found.grad_fn else ""
    total = None
    if found.requires_grad:
        total = (found * torch.tensor(known(tuple(found.shape)), dtype=found.dtype)).sum().double()
    return [[_kind(found), list(found.shape), made, shares, projected(array)]], total


def _plain(found: Any) -> str:
    if isinstance(found, np.ndarray):
        return f"array {found.dtype} {found.tolist()}"
    return repr(found)


#: how near numbers must be: a gradient is as rough as the roughest dtype on its way
NEAR = {"float16": 2e-2, "float32": 2e-5}


def disagreements(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What differs, in words."""
    if "error" in expected or "error" in found:
        classes = [each.get("error", "no error") for each in (expected, found)]
        return [] if classes[0] == classes[1] else [f"expected {expected}, found {found}"]
    kinds = [x[0] for x in [*expected["out"], *expected["grads"].values()] if isinstance(x, list)]
    near = max((NEAR.get(kind, 1e-9) for kind in kinds), default=0.0)
    wrong = []
    if len(expected["out"]) != len(found["out"]):
        return [f"expected {expected['out']}, found {found['out']}"]
    pairs: list[Any] = [*zip(expected["out"], found["out"], strict=True)]
    pairs += [tuple(each["grads"].get(name) for each in (expected, found))
              for name in {**expected["grads"], **found["grads"]}]  # fmt: skip
    for a, b in pairs:
        if isinstance(a, list) and isinstance(b, list):
            if a[:-1] == b[:-1] and math.isclose(a[-1], b[-1], rel_tol=near, abs_tol=near * (1 + abs(a[-1]))):
                continue
        elif a == b:
            continue
        wrong.append(f"expected {a}, found {b}")
    return wrong


def codes() -> list[str]:
    return [code for group in GROUPS.values() for code in group] + list(REFUSED)


def run(torch: Any) -> dict[str, Any]:
    """All cases in PyTorch; of an error its class alone."""
    found = {code: study(torch, code) for code in dict.fromkeys(codes())}
    for each in found.values():
        each.pop("message", None)
    return found


if __name__ == "__main__":
    import torch

    text = ",\n".join(f"{json.dumps(code)}: {json.dumps(each)}" for code, each in run(torch).items())
    FILE.write_text(f'{{"torch": "{version("torch")}", "cases": {{\n{text}\n}}}}\n', encoding="utf-8")
