"""PyTorch's torch.nn.functional on Tensors: activations, layers without state, losses.

>>> from microgradx.creation import tensor
>>> logits, classes = tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 3.0]], requires_grad=True), tensor([0, 2])
>>> loss = cross_entropy(logits, classes)
>>> loss
tensor(0.1755, grad_fn=<NllLossBackward0>)
>>> loss.backward()
>>> logits.grad
tensor([[-0.1072,  0.0876,  0.0196],
        [ 0.0247,  0.0272, -0.0519]])
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, functions
from ..functions import _in_place, masked_fill, matmul, to
from ..random import keep_mask
from ..rules import RULES
from ..structural import STRUCTURAL
from ..tensor import Tensor, _any_recorded, _elementwise, _refuse_shapes, apply, run

__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "elu",
    "embedding", "gelu", "hardtanh", "huber_loss", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax",
    "logsigmoid", "mse_loss", "nll_loss", "normalize", "one_hot", "pad", "prelu", "relu", "relu6", "relu_", "sigmoid",
    "silu", "smooth_l1_loss", "softmax", "softplus", "tanh",
]  # fmt: skip

Array = np.ndarray[Any, Any]
_where = _elementwise(RULES["where"])


def _named(found: Tensor, name: str) -> Tensor:
    """The tensor, its grad_fn under the name that PyTorch gives the whole function."""
    if found._node is not None and found._node.rule is not None:
        found._node.named = name
    return found


def _refuse_others(function: str, **given: Any) -> None:
    for i, (name, x) in enumerate(given.items()):
        if not isinstance(x, Tensor):
            got = type(x).__name__
            raise TypeError(f"{function}(): argument '{name}' (position {i + 1}) must be Tensor, not {got}")


def _floating(function: str, input: Tensor) -> None:
    if not isinstance(input, Tensor):
        _refuse_others(function, input=input)
    if input._data.dtype.kind != "f":
        raise NotImplementedError(f"\"{function}\" not implemented for '{input.dtype.title}'; convert it with .float()")


def _along(vector: Any, axis: int, ndim: int) -> Any:
    """A vector, array or Tensor, in a shape that broadcasts along one of the axes."""
    after = ndim - axis - 1
    return vector.reshape((-1,) + (1,) * after) if after else vector


def _fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether what has this shape broadcasts to the whole, and not beyond it."""
    return len(shape) <= len(whole) and all(n in (1, m) for n, m in zip(shape[::-1], whole[::-1], strict=False))


# ---- activations -----------------------------------------------------------------------------------------
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0); its derivative at 0 is 0."""
    return input.relu_() if inplace else input.relu()  # type: ignore[no-any-return]


def relu_(input: Tensor) -> Tensor:
    return relu(input, inplace=True)


def tanh(input: Tensor) -> Tensor:
    return input.tanh()  # type: ignore[no-any-return]


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x))."""
    return input.sigmoid()  # type: ignore[no-any-return]


def _activation(rule: str, input: Tensor, inplace: bool = False, *options: float) -> Tensor:
    _floating(rule, input)
    each = _elementwise(RULES[rule])
    return _in_place(input, each, *options) if inplace else each(input, *options)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, negative_slope·x elsewhere."""
    return _activation("leaky_relu", input, inplace, float(negative_slope))


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha·(exp(x) − 1) elsewhere."""
    return _activation("elu", input, inplace, float(alpha))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x), also known as swish."""
    return _activation("silu", input, inplace)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x·Φ(x), Φ the normal distribution function; approximate="tanh" takes a formula with tanh for it."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return _activation("gelu" if approximate == "none" else "gelu_tanh", input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta·x)) / beta, and x itself, with derivative 1, where beta·x is above the threshold."""
    _floating("softplus", input)
    scaled = input if beta == 1 else input * float(beta)
    y = scaled.softplus()
    return _named(_where(scaled > threshold, input, y if beta == 1 else y / float(beta)), "SoftplusBackward0")


def logsigmoid(input: Tensor) -> Tensor:
    """log sigmoid(x) without taking the log of 0."""
    _floating("logsigmoid", input)
    return _named(-(-input).softplus(), "LogSigmoidBackward0")


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x within [min_val, max_val], else the nearer limit; the derivative is 0 at the limits, unlike that of clamp."""
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return _in_place(input, _hardtanh, min_val, max_val) if inplace else _hardtanh(input, min_val, max_val)


def _hardtanh(input: Tensor, low: float, high: float) -> Tensor:
    x = input._data
    low, high = x.dtype.type(low), x.dtype.type(high)
    flat = Tensor._of((x <= low) | (x >= high))
    return _named(_where(flat, Tensor._of(x.clip(low, high)), input), "HardtanhBackward0")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x within [0, 6], else the nearer limit."""
    return hardtanh(input, 0.0, 6.0, inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x above 0, weight·x elsewhere. weight: one number, or one for each channel, which is axis 1 of the input."""
    n = weight._data.size
    if weight._data.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._data.ndim}")
    if n != 1:
        channels = input._data.shape[1] if input._data.ndim > 1 else 1
        if n != channels:
            raise RuntimeError("Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                               f"{n} and channel size = {channels}.")  # fmt: skip
        weight = _along(weight, 1, input._data.ndim)
    elif not input._data.ndim:
        weight = weight.reshape(())
    _floating("prelu", input)
    return _named(_elementwise(RULES["leaky_relu"])(input, weight), "PreluKernelBackward0")


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None) -> Tensor:
    """exp(x) / Σ exp(x) along `dim`. Without a dim it warns, and takes axis 0 of 0, 1 or 3 axes, else axis 1."""
    return functions.softmax(input, _chosen("softmax", input, dim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """log softmax along `dim`, which neither overflows nor takes the log of 0."""
    return functions.log_softmax(input, _chosen("log_softmax", input, dim, _stacklevel), dtype)


def _chosen(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
                  "argument.", UserWarning, stacklevel)  # fmt: skip
    return 0 if input._data.ndim in (0, 1, 3) else 1


# ---- layers without state --------------------------------------------------------------------------------
_LINEAR, _INDEX, _STANDARDIZE, _PUT = (STRUCTURAL[name] for name in ("linear", "index", "standardize", "put"))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weightᵀ + bias. input: (…, in); weight: (out, in) or (in,); bias: (out,).

    Raises RuntimeError when shapes or dtypes do not fit.
    """
    try:  # found out by trying, so that what fits is not slowed down by tests
        x, w, at = input._data, weight._data, input._node
        kind = x.dtype
        if w.ndim == 2 and w.dtype is kind and x.ndim and not _any_recorded:
            if bias is None:
                return run(_LINEAR, (x, w, None), (0, 1), (at, weight._node))
            b = bias._data
            if b.dtype is kind and b.shape == (len(w),):
                if at is None:
                    return run(_LINEAR, (x, w, b), (1, 2), (weight._node, bias._node))
                return run(_LINEAR, (x, w, b), (0, 1, 2), (at, weight._node, bias._node))
    except (AttributeError, ValueError):
        pass
    return _unusual_linear(input, weight, bias)


def _unusual_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    _refuse_others("linear", input=input, weight=weight, **({} if bias is None else {"bias": bias}))
    x, w = input._data, weight._data
    if not x.ndim or not w.ndim:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D")
    if w.ndim > 2 or (w.ndim == 1 and bias is not None):
        raise RuntimeError(f"linear takes a weight of shape (out, in), got {tuple(w.shape)}")
    if w.ndim == 1:
        return matmul(input, weight)
    for each in (weight, bias):
        if each is not None and each._data.dtype != x.dtype:
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {input.dtype.title} and "
                               f"{each.dtype.title}; convert one of them, with .to({input.dtype!r})")  # fmt: skip
    if x.shape[-1] != w.shape[1]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({math.prod(x.shape[:-1])}x{x.shape[-1]} and "
                           f"{w.shape[1]}x{w.shape[0]})")  # fmt: skip
    if bias is None or bias._data.shape == (len(w),):
        return apply(_LINEAR, input, weight, bias)
    if not _fits(bias._data.shape, (*x.shape[:-1], w.shape[0])):
        raise RuntimeError(f"linear takes a bias of shape ({w.shape[0]},), got {tuple(bias.shape)}")
    return matmul(input, weight.T) + bias


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of `weight` that `input` numbers. Row padding_idx gets no gradient.

    input: int64 or int32, any shape S; weight: (n, dim); the result is (*S, dim). Raises IndexError for a number
    outside of 0 … n − 1, NotImplementedError for max_norm, scale_grad_by_freq and sparse.
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        _refuse_options("embedding", max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    try:
        places, rows = input._data, weight._data
    except AttributeError:
        _refuse_others("embedding", input=input, weight=weight)
        raise
    if rows.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got {rows.ndim}-D")
    if places.dtype.kind != "i" or places.dtype.itemsize < 4:
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           f"Long, Int; but got torch.{input.dtype.title}Tensor; convert it with .long()")  # fmt: skip
    n = len(rows)
    try:
        if places.size and np.minimum.reduce(places, None) < 0:  # which NumPy counts from the end
            raise IndexError
        found = apply(_INDEX, weight, (places.copy(),))  # the numbers may be changed before the backward pass
    except IndexError:
        raise IndexError(f"index out of range in self: the weight has {n} rows, got {places.min()} … {places.max()}"
                         ) from None  # fmt: skip
    if padding_idx is not None:
        if not -n <= padding_idx < n:
            raise AssertionError(f"Padding_idx must be within num_embeddings: {n} rows, got {padding_idx}")
        padding = Tensor._of(places[..., None] == padding_idx % n)
        found = _where(padding, Tensor._of(found._data), found)
    return _named(found, "EmbeddingBackward0")


def _refuse_options(function: str, **options: Any) -> None:
    for name, given in options.items():
        if given:
            raise NotImplementedError(f"{function}: {name}={given!r} is not supported; leave it out")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each element is 0 with probability p, and else divided by 1 − p; otherwise the input itself."""
    _refuse_probability(p)
    if not training or p == 0 or not input._data.size:
        return input
    _floating("dropout", input)
    x = input._data
    scale = (keep_mask(x, 1 - p) if p < 1 else np.zeros(x.shape, bool)).astype(x.dtype)
    if p < 1:
        scale /= 1 - p
    mul = _elementwise(RULES["mul"])
    return _in_place(input, mul, Tensor._of(scale)) if inplace else mul(input, Tensor._of(scale))


def _refuse_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """(x − mean) / √(var + eps) · weight + bias for each channel, which is axis 1: (N, C) or (N, C, …).

    In training mean and var (divided by n) are those of the batch, and the running ones move towards them, by the
    share `momentum`, the variance divided by n − 1; otherwise they are the running ones. Raises ValueError in
    training for one value a channel.
    """
    _floating("batch_norm", input)
    x = input._data
    if x.ndim < 2:
        raise IndexError(f"batch_norm expects channels on axis 1, (N, C) or (N, C, …), got shape {tuple(x.shape)}")
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    channels = x.shape[1]
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, each in given.items():
        if each is not None and each._data.shape != (channels,):
            raise RuntimeError(f"{name} should contain {channels} elements not {each._data.size}")
        if each is not None and each._data.dtype != x.dtype:
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype. The input has "
                               f"{input.dtype!r}, {name} {each.dtype!r}")  # fmt: skip
    axes = (0, *range(2, x.ndim))
    if training:
        n = x.size // channels if channels else 0
        if n == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
        y = apply(_STANDARDIZE, input, axes, float(eps))
        if running_mean is not None and running_var is not None and n:
            _move(running_mean, STRUCTURAL["mean"].value(x, axes, False), momentum)
            _move(running_var, STRUCTURAL["var"].value(x, axes, 1.0, False), momentum)
    else:
        if running_mean is None or running_var is None:
            raise RuntimeError("running_mean must be defined in evaluation mode")
        scale = 1 / np.sqrt(running_var._data + float(eps))
        off = input - Tensor._of(_along(running_mean._data, 1, x.ndim))
        y = off * Tensor._of(_along(scale, 1, x.ndim))
    if weight is not None:
        y = y * _along(weight, 1, x.ndim)
    if bias is not None:
        y = y + _along(bias, 1, x.ndim)
    return _named(y, "NativeBatchNormBackward0")


def _move(running: Tensor, batch: Array, share: float) -> None:
    running._data *= 1 - share
    running._data += share * batch
    running._written()


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """(x − mean) / √(var + eps) · weight + bias over the last axes, whose sizes are normalized_shape.

    weight, bias: of that shape. Raises RuntimeError when the shapes do not end alike.
    """
    _floating("layer_norm", input)
    if not isinstance(normalized_shape, Sequence):
        raise TypeError("layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
                        f"{type(normalized_shape).__name__}")  # fmt: skip
    shape, x = tuple(normalized_shape), input._data
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           "element, but got normalized_shape = []")  # fmt: skip
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and each._data.shape != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                               f"{list(each._data.shape)} and normalized_shape = {list(shape)}")  # fmt: skip
        if each is not None and each._data.dtype != x.dtype:
            raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {input.dtype.title}, got "
                               f"{name} of {each.dtype.title}")  # fmt: skip
    if x.shape[x.ndim - len(shape) :] != shape or x.ndim < len(shape):
        expected = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape [{expected}], but got "
                           f"input of size {list(x.shape)}")  # fmt: skip
    y = apply(_STANDARDIZE, input, tuple(range(x.ndim - len(shape), x.ndim)), float(eps))
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return _named(y, "NativeLayerNormBackward0")


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """x divided by its p-norm along `dim`, or by eps where that is larger."""
    return input / input.norm(p, dim, True).clamp(min=float(eps))  # type: ignore[no-any-return]


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 of shape (*S, num_classes): 1 at the place that each element of `tensor`, int64 of shape S, names.

    num_classes: by default the largest class + 1. Raises RuntimeError for classes outside of 0 … num_classes − 1.
    """
    _refuse_others("one_hot", tensor=tensor)
    classes = tensor._data
    if classes.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype.title}"
                           "Tensor; convert it with .long()")  # fmt: skip
    if not classes.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor; give num_classes.")
    if classes.min(initial=0) < 0:
        raise RuntimeError(f"Class values must be non-negative, got {classes.min()}.")
    n = int(classes.max()) + 1 if num_classes == -1 else num_classes
    if classes.max(initial=-1) >= n:
        raise RuntimeError(f"Class values must be smaller than num_classes, {n}, got {classes.max()}.")
    return Tensor._of((classes[..., None] == np.arange(n)).astype(np.int64))


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """The input with `value` (0) around it: `pad` counts what comes before and after the last axis, the one before …

    A negative number cuts off. Raises NotImplementedError for modes other than "constant".
    """
    x = input._data
    if mode != "constant":
        raise NotImplementedError(f"pad supports the mode 'constant', got {mode!r}")
    if not isinstance(pad, Sequence):
        raise TypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}")
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, got {len(pad)}")
    if len(pad) > 2 * x.ndim:
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(pad)} and input of dimension {x.ndim}")  # fmt: skip
    around = [(0, 0)] * (x.ndim - len(pad) // 2) + [*zip(pad[-2::-2], pad[::-2], strict=True)]
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, around, strict=True))
    if any(n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in zip(x.shape, around, strict=True)):
        raise RuntimeError(f"pad cannot cut {list(pad)} off a tensor of shape {tuple(x.shape)}")
    inside = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, around, strict=True))
    place = tuple(slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape, around, strict=True))
    empty = Tensor._of(np.full(shape, value or 0, x.dtype))
    return _named(apply(_PUT, empty, input[inside], place), "ConstantPadNdBackward0")


# ---- losses ----------------------------------------------------------------------------------------------
_REDUCTIONS = ("mean", "sum", "none")


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction, which PyTorch's older two arguments override. Raises ValueError for one that there is not."""
    if size_average is not None or reduce is not None:
        return _older_reduction(size_average, reduce)
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction; choose 'mean', 'sum' or 'none'")
    return reduction


def _older_reduction(size_average: bool | None, reduce: bool | None) -> str:
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn("size_average and reduce args will be deprecated, please use "
                  f"reduction='{reduction}' instead.", UserWarning, stacklevel=4)  # fmt: skip
    return reduction


def _reduced(losses: Tensor, reduction: str, weight: Tensor | None = None) -> Tensor:
    """The losses, their sum, or their mean: of all, or divided by the sum of the weights."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()  # type: ignore[no-any-return]
    if weight is not None:
        return losses.sum() / weight.sum()  # type: ignore[no-any-return]
    return losses.mean()  # type: ignore[no-any-return]


def _pair(function: str, input: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Input and target in one dtype; they should have one shape."""
    _refuse_others(function, input=input, target=target)
    a, b = input._data, target._data
    if a.shape != b.shape:
        warnings.warn(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This "
                      "will likely lead to incorrect results due to broadcasting. Please ensure they have the same "
                      "size.", UserWarning, stacklevel=3)  # fmt: skip
        _refuse_shapes(a, b)
    if weight is not None and weight._data.shape != a.shape:
        raise ValueError(f"Weights and input must have the same size, got {weight.shape} and {input.shape}.")
    kind = dtypes.result_type(a, b)
    input, target = to(input, kind), to(target, kind)
    _floating(function, input)
    return input, target


_MSE, _HUBER, _BCE, _BCE_LOGITS, _CROSS_ENTROPY = (
    STRUCTURAL[name]
    for name in ("mse", "huber", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy")
)


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input − target)², as the mean, the sum, or with reduction="none" for each element.

    weight: of the input's shape; the mean is then divided by its sum. Warns when the shapes differ.
    """
    if size_average is not None or reduce is not None or reduction not in _REDUCTIONS:
        reduction = _reduction(size_average, reduce, reduction)
    try:
        a, b = input._data, target._data
        alike = a.shape == b.shape and a.dtype == b.dtype and a.dtype.kind == "f"
    except AttributeError:
        alike = False
    if not alike or weight is not None:
        input, target = _pair("mse_loss", input, target, weight)
        a, b = np.broadcast_arrays(input._data, target._data)
    if reduction == "none" or weight is not None:
        losses = _named((input - target).square(), "MseLossBackward0")
        return losses if weight is None else _reduced(losses * weight, reduction, weight)
    scale = 1.0 if reduction == "sum" else 1 / a.size if a.size else math.nan
    if alike and not _any_recorded:
        return run(_MSE, (a, b, scale), (0, 1), (input._node, target._node))
    return apply(_MSE, input, target, scale)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """|input − target|; its derivative at 0 is 0. The arguments are those of mse_loss."""
    reduction = _reduction(size_average, reduce, reduction)
    input, target = _pair("l1_loss", input, target, weight)
    losses = (input - target).abs()
    return _reduced(losses if weight is None else losses * weight, reduction, weight)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """½·d²/beta where |d| < beta, else |d| − ½·beta, d being input − target."""
    reduction = _reduction(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}.")
    if not beta:
        return l1_loss(input, target, reduction=reduction)
    input, target = _pair("smooth_l1_loss", input, target)
    losses = apply(_HUBER, input, target, float(beta))
    return _named(_reduced(losses if beta == 1 else losses / float(beta), reduction), "SmoothL1LossBackward0")


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """½·d² where |d| ≤ delta, else delta·(|d| − ½·delta), d being input − target.

    weight: of the input's shape; the mean is that of the weighted losses. Raises RuntimeError unless delta > 0.
    """
    reduction = _reduction(None, None, reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}.")
    _refuse_others("huber_loss", input=input, target=target)
    input, target = _pair("huber_loss", input, to(target, input.dtype), weight)
    losses = _named(apply(_HUBER, input, target, float(delta)), "HuberLossBackward0")
    if weight is not None:
        return _reduced(losses * weight, reduction)
    return _named(_reduced(losses, reduction), "HuberLossBackward0")


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """−(t·log x + (1 − t)·log(1 − x)), x and t in [0, 1]; no logarithm counts as less than −100.

    weight: broadcast to the input's shape. Raises ValueError when the shapes differ, RuntimeError for numbers
    outside of [0, 1].
    """
    reduction = _reduction(size_average, reduce, reduction)
    _refuse_others("binary_cross_entropy", input=input, target=target)
    _floating("binary_cross_entropy", input)
    x, t = input._data, target._data
    if x.shape != t.shape:
        raise ValueError(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is "
                         "deprecated. Please ensure they have the same size.")  # fmt: skip
    if x.dtype != t.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.title} but expected {input.dtype.title}; convert the target")
    for name, each in (("input", x), ("target", t)):
        if not ((each >= 0) & (each <= 1)).all():
            raise RuntimeError(f"all elements of {name} should be between 0 and 1; is there a sigmoid missing?")
    losses = apply(_BCE, input, target)
    return _named(_reduced(_weighted(losses, weight), reduction), "BinaryCrossEntropyBackward0")


def _weighted(losses: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return losses
    if not _fits(weight._data.shape, losses._data.shape):
        raise RuntimeError(f"a weight of shape {tuple(weight.shape)} does not broadcast to the losses' shape, "
                           f"{tuple(losses.shape)}: the sizes of tensor axes must match, or be 1")  # fmt: skip
    return losses * weight


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """binary_cross_entropy(sigmoid(input), target) that stays finite; pos_weight multiplies the part of t.

    weight, pos_weight: broadcast to the input's shape. Raises ValueError when the shapes differ.
    """
    reduction = _reduction(size_average, reduce, reduction)
    _refuse_others("binary_cross_entropy_with_logits", input=input, target=target)
    if input._data.shape != target._data.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    _floating("binary_cross_entropy_with_logits", input)
    if target._data.dtype.kind != "f":
        raise RuntimeError(f"result type {input.dtype.title} can't be cast to the desired output type "
                           f"{target.dtype.title}; convert the target with .float()")  # fmt: skip
    input, target = _pair("binary_cross_entropy_with_logits", input, target)
    positive: Any = 1.0
    if pos_weight is not None:
        _refuse_grad("binary_cross_entropy_with_logits", "pos_weight", pos_weight)
        _refuse_shapes(input._data, pos_weight._data)
        positive = pos_weight._data
    losses = apply(_BCE_LOGITS, input, target, positive)
    return _named(_reduced(_weighted(losses, weight), reduction), "BinaryCrossEntropyWithLogitsBackward0")


def _refuse_grad(function: str, name: str, x: Tensor) -> None:
    if x._node is not None:
        raise RuntimeError(f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
                           "input cannot have requires_grad True.")  # fmt: skip


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """−weight[t]·input[t], input being log-probabilities (N, C), (C,) or (N, C, …), and t the class numbers.

    target: int64 or uint8, the input's shape without C. weight: (C,); the mean is divided by the sum of the weights
    that count. Where the target is ignore_index the loss is 0 and does not count. Raises IndexError for another
    class outside of 0 … C − 1, ValueError and RuntimeError for shapes and dtypes that do not fit.
    """
    reduction = _reduction(size_average, reduce, reduction)
    _refuse_others("nll_loss", input=input, target=target)
    _floating("nll_loss", input)
    return _nll(input, target, weight, ignore_index, reduction, 0.0)


def _nll(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    """nll_loss, with the share `smoothing` of each target spread over all classes alike."""
    x = input._data
    axis = min(x.ndim - 1, 1)
    classes = _classes(x, target)
    kept = classes != ignore_index
    bad = classes[kept & ((classes < 0) | (classes >= x.shape[axis]))]
    if bad.size:
        raise IndexError(f"Target {bad[0]} is out of bounds.")
    if not kept.all():
        classes = np.where(kept, classes, 0)
    each = _class_weights(weight, input)
    counts = kept.astype(x.dtype) if each is None else np.where(kept, each[classes], x.dtype.type(0))
    total = float(counts.sum()) if reduction == "mean" else 1.0
    scale = -1 / (total or 1.0)
    grid = np.indices(classes.shape, sparse=True)
    picked = apply(_INDEX, input, (*grid[:axis], classes, *grid[axis:]))
    losses = picked * Tensor._of(counts * (scale * (1 - smoothing)))
    if smoothing:
        share = scale * smoothing / x.shape[axis]
        spread = share if each is None else Tensor._of(_along(each * share, axis, x.ndim))
        losses = losses + (input * spread).sum(axis)
    if not kept.all():  # a log-probability of −inf times a weight of 0 is nan
        losses = masked_fill(losses, Tensor._of(~kept), 0.0)
    found = losses if reduction == "none" else losses.sum() if total else losses.sum() + math.nan
    return _named(found, "AddBackward0" if smoothing else "NllLossBackward0" if x.ndim < 3 else "NllLoss2DBackward0")


def _classes(x: Array, target: Tensor) -> Array:
    """The target as an array of the shape of x without its axis of classes."""
    t = target._data
    if not x.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if t.ndim > 1 and x.ndim < 3:
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported, got shape {tuple(t.shape)}")
    if t.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.title}")
    if x.ndim == 1:
        if t.size != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {t.size}")
        return t.astype(np.intp).reshape(())
    if x.shape[:1] != t.shape[:1]:
        batch = t.shape[0] if t.ndim else 0
        raise ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({batch}).")
    expected = x.shape[:1] + x.shape[2:]
    if t.shape != expected:
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(t.shape)}")
    return t.astype(np.intp)


def _class_weights(weight: Tensor | None, input: Tensor) -> Array | None:
    if weight is None:
        return None
    x, w = input._data, weight._data
    n = x.shape[min(x.ndim - 1, 1)]
    _refuse_grad("nll_loss", "weight", weight)
    if w.shape != (n,):
        raise RuntimeError(f"weight tensor should be defined either for all {n} classes or no classes but got weight "
                           f"tensor of shape: {list(w.shape)}")  # fmt: skip
    if w.dtype != x.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.title} but found {weight.dtype.title}; convert the "
                           "weight")  # fmt: skip
    return w


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """−log softmax(input) at the target class; or −Σ target·log softmax(input), the target being probabilities.

    input: logits (N, C), (C,) or (N, C, …). target: class numbers as nll_loss has them, or probabilities of the
    input's shape. weight, ignore_index: as in nll_loss; ignore_index is for class numbers only. label_smoothing: the
    share of each target that is spread over all classes alike. The mean is over N and all axes but C.
    """
    if size_average is not None or reduce is not None or reduction not in _REDUCTIONS:
        reduction = _reduction(size_average, reduce, reduction)
    try:
        x, t = input._data, target._data
        if weight is None and not label_smoothing and reduction != "none" and _simple(x, t, ignore_index):
            return apply(_CROSS_ENTROPY, input, t, 1 / len(t) if reduction == "mean" else 1.0)
    except AttributeError:
        _refuse_others("cross_entropy_loss", input=input, target=target)
        raise
    soft = x.shape == t.shape
    if soft and t.dtype.kind != "f":
        raise RuntimeError("Expected floating point type for target with class probabilities, got "
                           f"{target.dtype.title}")  # fmt: skip
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    logs = functions.log_softmax(input, min(x.ndim - 1, 1))
    if soft:
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _soft_cross_entropy(logs, target, weight, reduction, label_smoothing)
    return _nll(logs, target, weight, ignore_index, reduction, float(label_smoothing))


_LONG, _UNSIGNED = np.dtype(np.int64), np.dtype(np.uint64)


def _simple(x: Array, t: Array, ignore_index: int) -> bool:
    """Whether the target is one valid class number, not to be ignored, for each row of logits."""
    if x.ndim != 2 or t.ndim != 1 or t.dtype != _LONG or x.dtype.kind != "f" or not len(x) == len(t) > 0:
        return False
    unsigned = t.view(_UNSIGNED)  # in which what is negative is very large
    return bool(unsigned[unsigned.argmax()] < x.shape[1]) and (ignore_index < 0 or ignore_index not in t)


def _soft_cross_entropy(
    logs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float
) -> Tensor:
    x = logs._data
    axis = min(x.ndim - 1, 1)
    n = x.shape[axis]
    if smoothing:
        target = target * (1 - float(smoothing)) + smoothing / n
    each = _class_weights(weight, logs)
    if each is not None:
        target = target * Tensor._of(_along(each, axis, x.ndim))
    terms = logs * target
    if reduction != "mean":
        return -(terms.sum(axis) if reduction == "none" else terms.sum())  # type: ignore[no-any-return]
    rows = x.size // n if n else 0
    return _named(-terms.sum() * (1 / rows if rows else math.nan), "DivBackward1")
