"""PyTorch's layers: modules around the functions of nn.functional, with their parameters and their printed form.

>>> Linear(3, 4), BatchNorm1d(4, momentum=None), Dropout(0.2), LeakyReLU()
(Linear(in_features=3, out_features=4, bias=True), BatchNorm1d(4, eps=1e-05, momentum=None, affine=True, bias=True, \
track_running_stats=True), Dropout(p=0.2, inplace=False), LeakyReLU(negative_slope=0.01))
>>> Linear(3, 4)(Tensor([[1.0, 2.0, 3.0]])).shape
torch.Size([1, 4])
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from ..creation import empty, full, ones, tensor, zeros
from ..functions import flatten, unflatten
from ..scopes import Scope, current
from ..tensor import Tensor
from ..versions import tick
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = [
    "ELU", "GELU", "BatchNorm1d", "Dropout", "Embedding", "Flatten", "Hardtanh", "Identity", "LayerNorm", "LeakyReLU",
    "Linear", "LogSigmoid", "LogSoftmax", "PReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh",
    "Unflatten",
]  # fmt: skip


class _Leaf(Module):
    """A layer whose `forward` calls no other module. Its nodes are moved to its scope, cheaper than made there."""

    _known: Any = None  #: the forward that this is known of; None where another one may be called

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__ == __name__:
            cls._known = cls.forward
        elif cls.forward is not cls._known or _call_after_leaf(cls) is not Module.__call__:
            cls._known = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "forward":
            self._known = None

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        name, outer = self._name, current()
        if not name or self._known is None or len(inputs) != 1 or inputs[0].__class__ is not Tensor or outer.checking:
            return super().__call__(*inputs, **options)
        start = tick()
        made = self.forward(*inputs, **options)
        node = made._node
        if node is not None and node.made > start:
            if node.made == start + 1 and tick() == start + 2:  # nothing else was made, as nearly always
                node._scope = outer, name
            else:
                _move(node, outer, outer.within(name), start)
        return made


def _call_after_leaf(cls: type) -> Any:
    """The `__call__` that the one of _Leaf stands before."""
    return next(vars(c)["__call__"] for c in cls.__mro__ if "__call__" in vars(c) and c is not _Leaf)


def _move(root: Any, outer: Scope, inner: Scope, start: int) -> None:
    """To another scope, with what it was made from since the start."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node is not None and node.made > start and node._scope is outer:
            node._scope = inner
            waiting += node._a or ()


class Linear(_Leaf):
    """x @ weightᵀ + bias: (…, in_features) to (…, out_features).

    weight (out_features, in_features) and bias (out_features,) begin uniform within ± 1/√in_features.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        self.bias = Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(_Leaf):
    """A table of vectors, looked up by number: int64 of shape S to (*S, embedding_dim).

    weight (num_embeddings, embedding_dim) begins standard normal; row padding_idx as zeros, and it is never trained.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        F._refuse_options("Embedding", max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"Padding_idx must be within num_embeddings, {num_embeddings}, got {padding_idx}")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            self.weight = Parameter(empty(shape, device=device, dtype=dtype), not _freeze)
            self.reset_parameters()
        elif _weight.shape == shape:
            self.weight = Parameter(_weight, not _freeze)
        else:
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim: "
                                 f"{tuple(_weight.shape)} and {shape}")  # fmt: skip

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Embedding:  # fmt: skip
        """The rows of a tensor as a table, by default one that is not trained."""
        if embeddings.ndim != 2:
            raise AssertionError(f"Embeddings parameter is expected to be 2-dimensional, got {embeddings.ndim}")
        n, dim = embeddings.shape
        return cls(n, dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def reset_parameters(self) -> None:
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.data[self.padding_idx])

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


# ---- shapes ----------------------------------------------------------------------------------------------
class Identity(Module):
    """Its input; arguments are accepted and change nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Flatten(_Leaf):
    """The axes from start_dim to end_dim as one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The axis `dim` as several, of the sizes unflattened_size. Raises TypeError unless those are a tuple of ints."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, tuple | list):
            got = type(unflattened_size).__name__
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {got}")
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                raise TypeError("unflattened_size must be tuple of ints, but found element of type "
                                f"{type(n).__name__} at pos {i}")  # fmt: skip
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


# ---- normalisation ---------------------------------------------------------------------------------------
class BatchNorm1d(Module):
    """Each channel with mean 0 and variance 1 over the batch, then times weight plus bias: (N, C) or (N, C, L).

    In training it also keeps running_mean and running_var, which `eval()` makes it use instead. momentum: the share
    of the newest batch in them; None: they are the averages over all batches. affine: with weight and bias;
    track_running_stats=False: without running values. The bias of a Linear before it has no effect.
    """

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        like = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(num_features, **like)) if affine else None
        self.bias = Parameter(zeros(num_features, **like)) if affine and bias else None
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **like) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **like) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0) if tracked else None)

    def reset_running_stats(self) -> None:
        if self.track_running_stats:
            for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")
        share = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if share is None:
                share = 1 / self.num_batches_tracked.item()
        tracked = self.track_running_stats
        return F.batch_norm(
            input, self.running_mean if tracked else None, self.running_var if tracked else None, self.weight,
            self.bias, self.training or not tracked, share or 0.0, self.eps,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")  # fmt: skip


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last axes, then times weight plus bias. normalized_shape: their size or sizes."""

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        like = {"device": device, "dtype": dtype}
        self.weight = Parameter(ones(self.normalized_shape, **like)) if elementwise_affine else None
        self.bias = Parameter(zeros(self.normalized_shape, **like)) if elementwise_affine and bias else None

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")  # fmt: skip


class Dropout(Module):
    """In training each element is 0 with probability p, and else divided by 1 − p; after `eval()` the input itself."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        F._refuse_probability(p)
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


# ---- activations -----------------------------------------------------------------------------------------
class _Activation(Module):
    """What the activations share: the line that they print, with the options named in `shown`."""

    shown: tuple[str, ...] = ()
    inplace = False

    def extra_repr(self) -> str:
        options = [f"{name}={getattr(self, name)}" for name in self.shown]
        return ", ".join(options + ["inplace=True"] * self.inplace)


class ReLU(_Activation, _Leaf):
    """max(x, 0)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class LeakyReLU(_Activation, _Leaf):
    """x above 0, negative_slope·x elsewhere."""

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_Activation, _Leaf):
    """x above 0, alpha·(exp(x) − 1) elsewhere."""

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class SiLU(_Activation, _Leaf):
    """x·sigmoid(x)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Hardtanh(_Activation):
    """x within [min_val, max_val], else the nearer limit. min_value, max_value: their older names."""

    shown: tuple[str, ...] = ("min_val", "max_val")

    def __init__(
        self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False, min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if min_value is not None or max_value is not None:
            warnings.warn("keyword arguments `min_value` and `max_value` are deprecated and renamed to `min_val` and "
                          "`max_val`", FutureWarning, stacklevel=2)  # fmt: skip
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if not self.max_val > self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """x within [0, 6], else the nearer limit."""

    shown = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class PReLU(_Activation):
    """x above 0, weight·x elsewhere; the weight, one number or one for each channel, is a parameter."""

    shown = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), float(init), dtype=dtype, device=device))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)


class Tanh(_Activation, _Leaf):
    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Sigmoid(_Activation, _Leaf):
    """1 / (1 + exp(−x))."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class LogSigmoid(_Activation):
    """log sigmoid(x) without taking the log of 0."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class GELU(_Activation):
    """x·Φ(x), Φ the normal distribution function; approximate="tanh" takes a formula with tanh for it."""

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)


class Softplus(_Activation):
    """log(1 + exp(beta·x)) / beta, and x itself where beta·x is above the threshold."""

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Softmax(_Activation):
    """exp(x) / Σ exp(x) along `dim`, which should be given."""

    shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_Activation):
    """log softmax along `dim`, which should be given."""

    shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)
