"""Tensor: a NumPy array that remembers how it was made, by PyTorch's names and with its meaning.

A Tensor is a handle on an array and, when it requires a gradient, on a node of the graph. Elementwise operations
read the table of rules.py, all others that of structural.py; the sweep multiplies, un-broadcasts and adds up, each
in one place.

>>> x = Tensor([[1.0, 2.0], [3.0, 4.0]]).requires_grad_()
>>> y = (x * x).sum()
>>> y.backward()
>>> x.grad
tensor([[2., 4.],
        [6., 8.]])
>>> y
tensor(30., grad_fn=<SumBackward0>)
"""

from __future__ import annotations

import math
import numbers
import operator
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache, partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, printing, symbols, versions
from .dtypes import Size, device, dtype
from .gradfn import GradFn, grad_name
from .graph import Node, sweeping
from .indexing import split
from .pulls import DIRECT, MASK, OWN, PLANS, PULLS, fitted, learn
from .quiet import IGNORE, apart, enter, leave, quietly
from .rules import RULES, Rule
from .scopes import AnomalyError, Scope, current
from .scopes import enter as enter_scope
from .scopes import leave as leave_scope
from .structural import STRUCTURAL, Structural, arrays
from .versions import ByMemory, tick
from .worlds import PRIMITIVES, World

__all__ = ["Op", "Tensor", "apply", "as_tensor", "backward_from", "grad", "run", "tensors"]

Array = np.ndarray[Any, Any]
_array = np.ndarray


# ---- nodes -----------------------------------------------------------------------------------------------
class Op(Node):
    """A node of a graph of Tensors: the operation that made an array, or a leaf that gradients arrive at.

    `args` are the arrays and constants that the rule was run on; `at` says which of them gradients flow to, and
    `_a` holds the Ops that made these.
    """

    __slots__ = ("args", "at", "made", "named", "owner", "retains", "spent")
    args: tuple[Any, ...]
    at: tuple[int, ...]
    made: int  #: the time of versions.py at which it was made
    #: Whether a backward pass has gone through that did not retain the graph; None: not yet, and its gradient is kept
    spent: bool | None
    named: str  #: PyTorch's name for the operation, where one rule serves several
    owner: weakref.ref[Tensor]  #: of a leaf: the tensor that it was made for
    retains: bool  #: whether its gradient is kept, though it is no leaf
    retaining = False  #: whether any node's ever was: most programs ask for none
    _grad: Any  #: of a leaf: None, a Tensor, or an array that becomes one when somebody looks

    @property
    def inputs(self) -> tuple[Any, ...]:
        found = list(self.args)
        for slot, parent in zip(self.at, self._a or (), strict=True):
            found[slot] = parent
        return tuple(found)

    @property
    def slots(self) -> list[tuple[int, Any, Any]]:
        return [(slot, parent, None) for slot, parent in zip(self.at, self._a or (), strict=True)]

    @property
    def grad(self) -> Any:
        try:
            g = self._grad
        except AttributeError:
            return None
        if g.__class__ is _array:
            found = Tensor._of(g)
            with sweeping:  # another thread may have been quicker
                if self._grad is g:
                    self._grad = found
                elif self._grad.__class__ is Tensor:
                    found = self._grad
            return found
        return g

    def handle(self) -> Tensor:
        """The tensor that this node was made for while it lives, or another one on this node."""
        owner = self.owner() if hasattr(self, "owner") else None
        return Tensor._on(self) if owner is None else owner

    @property
    def data(self) -> Array:
        return self._data  # type: ignore[no-any-return]


def _leaf(data: Array, grad: Any = None) -> Op:
    node = Op()
    node._data, node._grad, node._scope = data, grad, current()
    node.rule = node._a = None
    node.args = node.at = ()
    node.made, node.spent = tick(), False
    return node


_labels: ByMemory[str] = ByMemory()  # of tensors without a node
_recorded: ByMemory[int] = ByMemory()  # when a change in place became part of a graph
_any_recorded = _recorded.found  # empty in most programs, and its truth is quickly told


# ---- the handle ------------------------------------------------------------------------------------------
class Tensor:
    """An array of numbers in a graph. See `tensor()` to make one; the methods are PyTorch's.

    data: anything that NumPy makes an array of, as float32 (PyTorch's `torch.Tensor`); or sizes, for that many zeros.
    """

    __slots__ = ("__dict__", "__weakref__", "_data", "_node")
    __array_priority__ = 1000  # NumPy's arrays leave `array * tensor` to __rmul__
    _data: Array
    _node: Op | None
    _since: float  #: of a tensor outside of every graph: up to when it knows of its memory's changes
    __hash__ = object.__hash__
    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # the functions of functions.py and random.py as methods
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...

    def __init__(self, *data: Any) -> None:
        if data and all(isinstance(n, int) for n in data):
            self._data = np.zeros(data, dtypes.default())
        else:
            self._data = np.asarray(_numbers(*data) if data else (), dtypes.default())  # an array's memory is shared
        self._node = None

    @classmethod
    def _of(cls, array: Any) -> Tensor:
        """A tensor on this very array, without a graph."""
        found = _new(cls)
        found._data = array if array.__class__ is _array else np.asarray(array)
        found._node = None
        return found

    @staticmethod
    def _on(node: Op) -> Tensor:
        found = _new(Tensor)
        found._data, found._node = node._data, node
        return found

    @classmethod
    def __apply__(cls, rule: Rule, inputs: tuple[Any, ...]) -> Tensor:
        return _elementwise(rule)(*inputs)

    # -- what it is --
    @property
    def shape(self) -> Size:
        return Size(self._data.shape)

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def dtype(self) -> dtype:
        return dtypes.of(self._data.dtype)

    @property
    def device(self) -> device:
        return dtypes.CPU

    @property
    def requires_grad(self) -> bool:
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        node = self._node
        if node is not None and node.rule is not None:
            if not wanted:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a "
                                   "computed variable in a subgraph that doesn't require differentiation use "
                                   "var_no_grad = var.detach().")  # fmt: skip
        elif wanted and node is None:
            if self._data.dtype.kind != "f":
                raise RuntimeError("only Tensors of floating point dtype can require gradients, got "
                                   f"{self.dtype!r}; convert it with .float()")  # fmt: skip
            label, frozen, grad = self.label, self.__dict__.pop("_frozen", None), self.__dict__.pop("_resting", None)
            self._node = node = frozen or _leaf(self._data)
            node._data, node._grad, node.made = self._data, grad, tick()
            node.owner = weakref.ref(self)
            self.label = label
        elif not wanted and node is not None:
            self.__dict__["_frozen"] = node  # which graphs made so far lead to, should it require a gradient again
            self._node = None
            self.grad, node._grad = node.grad, None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        return self._node is None or self._node.rule is None

    @property
    def grad_fn(self) -> GradFn | None:
        return None if self.is_leaf else GradFn.of(self._node)

    @property
    def label(self) -> str:
        """Its name in figures and messages."""
        return _labels.get(self._data, "") if self._node is None else self._node.label

    @label.setter
    def label(self, label: str) -> None:
        if self._node is not None:
            self._node.label = label
        elif label:
            _labels[self._data] = label

    @property
    def grad(self) -> Tensor | None:
        """d root/d self, summed over backward passes; None before the first. Warns for what is not a leaf: None too."""
        node = self._node
        if node is not None and node.rule is not None and node.grad is None and not hasattr(node, "retains"):
            warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                          "attribute won't be populated during autograd.backward(). If you indeed want the .grad field "
                          "to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor.",
                          UserWarning, stacklevel=2)  # fmt: skip
        return self.__dict__.get("_resting") if node is None else node.grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if grad is not None and not isinstance(grad, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(grad).__name__}")
        if grad is not None and grad.shape != self.shape:
            raise RuntimeError(f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size "
                               f"'{list(self.shape)}'. Please ensure that they are the same size")  # fmt: skip
        if grad is not None and grad._data.dtype != self._data.dtype:
            raise RuntimeError(f"attempting to assign a gradient of type {grad.dtype!r} to a tensor of type "
                               f"{self.dtype!r}. Please ensure that they match.")  # fmt: skip
        if self._node is not None:
            self._node._grad = grad
        elif grad is not None:
            self.__dict__["_resting"] = grad
        else:
            self.__dict__.pop("_resting", None)

    @property
    def data(self) -> Tensor:
        """The same memory without the graph: `p.data -= 0.1 * p.grad` changes p."""
        return self.detach()

    @data.setter
    def data(self, other: Tensor) -> None:
        if not isinstance(other, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(other).__name__}")
        node = self.__dict__.get("_frozen") if self._node is None else self._node
        if node is not None:
            if node.rule is None:
                node._data = other._data
            elif (other.shape, other.dtype) != (self.shape, self.dtype):
                raise RuntimeError("a tensor in a graph keeps its shape and dtype, which its gradient has too; "
                                   "take a detach() of it instead")  # fmt: skip
        self._data = other._data

    def detach(self) -> Tensor:
        """The same memory without the graph."""
        found = Tensor._of(self._data)
        found._since = math.inf
        return found

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor too, though it is no leaf."""
        if self._node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node.rule is not None:
            self._node.retains = Op.retaining = True
            self._node.spent = self._node.spent or None  # which no plan takes for False

    @property
    def retains_grad(self) -> bool:
        return not self.is_leaf and hasattr(self._node, "retains")

    # -- backward --
    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Sequence[Tensor] | Tensor | None = None,
    ) -> None:  # fmt: skip
        """Add dself/dleaf to `.grad` of every leaf below. gradient: dL/dself, of self's shape; by default 1.

        Raises RuntimeError for a tensor without a graph, for one of several elements without a gradient, through
        a graph that an earlier pass has used up (keep it with retain_graph=True), and when an array that the pass
        needs was changed in place. No gradient has been changed then.
        """
        backward_from([self], [gradient], retain_graph, create_graph, inputs)

    # -- memory --
    def _written(self) -> None:
        """To be called after the array has been changed in place."""
        versions.written(self._data)

    def _writable(self) -> None:
        """Raise RuntimeError when autograd forbids a change in place here and now."""
        if self._node is not None and current().recording:
            node = self._node
            while isinstance(node.rule, Structural) and node.rule.view and _shared(node._data, node.args[node.at[0]]):
                node = node._a[0]
            if node.rule is None:
                what = "a leaf" if node is self._node else "a view of a leaf"
                raise RuntimeError(f"{what} Variable that requires grad is being used in an in-place operation. "
                                   "Change it under torch.no_grad()")  # fmt: skip
        if not self._data.flags.writeable:
            raise RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                "location. Please clone() the tensor before performing the operation."
            )

    def _assign(self, result: Tensor) -> Tensor:
        """Take over the numbers and the graph of `result`: every operation in place ends here."""
        self._writable()
        y = result._data
        if y.shape != self._data.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {[*y.shape]}")
        if not np.can_cast(y.dtype, self._data.dtype, "same_kind"):
            raise RuntimeError(f"result type {result.dtype.title} can't be cast to the desired output type "
                               f"{self.dtype.title}")  # fmt: skip
        if result._node is None and self._node is not None and current().recording:
            result = apply(STRUCTURAL["put"], self, result, ...)  # of the old numbers nothing is left
        node = result._node
        if node is not None:
            rule: Any = node.rule
            kept, last = _kept(rule, node.at)[0], len(rule.inputs) - 1
            read = [min(i, last) in kept or i not in node.at for i in range(len(node.args))]
            node.args = tuple(  # what the backward pass will read of the old numbers is copied
                x.copy() if will and x.__class__ is _array and _shared(x, self._data) else x
                for will, x in zip(read, node.args, strict=True)
            )
        np.copyto(self._data, y, casting="same_kind")
        self._written()
        if node is not None:
            node._data, node.made = self._data, tick()
            _recorded[self._data] = node.made
            if self._node is not None and hasattr(self._node, "retains"):
                node.retains, node.spent = True, None
            self._node = node
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        basic, advanced = split(key, self._data.shape)
        value = value if isinstance(value, Tensor) else as_tensor(value, self.dtype)
        self._writable()
        data = self._data if basic is None else self._data[basic]
        last = ... if advanced is None else advanced
        try:
            if not current().recording or (self._node is None and value._node is None):
                data[last] = value._data
                self._written()
            elif advanced is None and self._returned(data, value):
                self._closed(value, basic)
            else:
                put = STRUCTURAL["put"]
                if basic is not None and advanced is not None:
                    value = apply(put, apply(STRUCTURAL["index"], self, basic), value, advanced)
                    advanced = None
                self._assign(apply(put, self, value, basic if advanced is None else advanced))
        except ValueError:
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
                               f"indexing result of shape {list(data[last].shape)}") from None  # fmt: skip

    def _returned(self, part: Array, value: Tensor) -> bool:
        """Whether `value` is a part of this tensor that was changed in place: what `x[0] += y` ends with."""
        x, node = value._data, value._node
        return (
            node is not None and _recorded.get(x, 0) == node.made
            and x.ctypes.data == part.ctypes.data and (x.shape, x.strides) == (part.shape, part.strides)
        )  # fmt: skip

    def _closed(self, part: Tensor, key: Any) -> None:
        """Make a part that was changed in place one of this tensor's graph; its numbers are there already."""
        parents = {slot: x._node for slot, x in enumerate((self, part)) if x._node is not None}
        args = (self._data, part._data, key)
        node = _op(STRUCTURAL["put"], self._data, args, tuple(parents), tuple(parents.values()), current())
        _recorded[self._data] = node.made
        self._node = node

    def __getitem__(self, key: Any) -> Tensor:
        basic, advanced = split(key, self._data.shape)
        found = self
        try:
            if basic is not None:
                found = apply(STRUCTURAL["index"], found, basic)
            if advanced is not None:
                if found._node is not None:  # the index may be changed before the backward pass
                    advanced = tuple(k.copy() if k.__class__ is _array else k for k in advanced)
                found = apply(STRUCTURAL["index"], found, advanced)
        except IndexError as problem:
            raise IndexError(f"{problem}; the tensor's shape is {tuple(self.shape)}") from None
        return found

    # -- as Python and NumPy see it --
    def __neg__(self) -> Tensor:
        return _elementwise(RULES["neg"])(self)

    def __abs__(self) -> Tensor:
        return _elementwise(RULES["abs"])(self)

    def __pos__(self) -> Tensor:
        return self

    def __invert__(self) -> Tensor:
        return Tensor._of(~self._data)

    def __mod__(self, other: Any) -> Tensor:
        """The remainder, of the sign of `other`: self − other · ⌊self / other⌋."""
        if self._node is None and getattr(other, "_node", None) is None:
            return _plain(operator.mod)(self, other)  # type: ignore[no-any-return]
        whole: Tensor = self.detach() // (other.detach() if isinstance(other, Tensor) else other)
        found: Tensor = self + other * -whole
        if found._node is not None:
            found._node.named = f"RemainderBackward{int(isinstance(other, Tensor))}"
        return found

    def __rmod__(self, other: Any) -> Tensor:
        return as_tensor(other, self.dtype) % self

    def item(self) -> Any:
        """Its only element as a Python number. Raises RuntimeError when it has another number of elements."""
        if self._data.size != 1:
            raise RuntimeError(f"a Tensor with {self._data.size} elements cannot be converted to Scalar")
        return self._data.item()

    def tolist(self) -> Any:
        return self._data.tolist()

    def numpy(self, *, force: bool = False) -> Array:
        """The array itself, not a copy. Raises RuntimeError when it requires grad (outside of no_grad)."""
        if self._node is not None and not force and current().recording:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.numpy(), dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        return Tensor._of(array)

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._data.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise RuntimeError("Boolean value of Tensor with "
                               f"{'more than one value' if self._data.size else 'no values'} is ambiguous")  # fmt: skip
        return bool(self._data)

    def __float__(self) -> float:
        return float(self._only())

    def __int__(self) -> int:
        return int(self._only())

    def _only(self) -> Any:
        if self._data.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars, got shape "
                             f"{tuple(self.shape)}")  # fmt: skip
        return self._data.item()

    def __index__(self) -> int:
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __contains__(self, x: Any) -> bool:
        return bool((self._data == (x._data if isinstance(x, Tensor) else x)).any())

    def __repr__(self) -> str:
        return printing.tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return format(self._data.item(), spec) if not self._data.ndim else object.__format__(self, spec)

    def __deepcopy__(self, memo: Any) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                               "protocol at the moment; copy .detach() of it")  # fmt: skip
        found = _new(type(self))
        found._data, found._node = self._data.copy(), None
        found.__dict__.update(self.__dict__)
        found.__dict__.pop("_frozen", None)
        memo[id(self)] = found
        if self._node is None and self.grad is not None:
            found.grad = Tensor._of(self.grad._data.copy())
        if self._node is not None:
            found._node = _leaf(found._data, None if self.grad is None else Tensor._of(self.grad._data.copy()))
            found.label = self.label
        return found

    def __reduce__(self) -> Any:
        return _restored, (type(self), self._data, self._node is not None)


_new: Callable[[type[Tensor]], Tensor] = object.__new__


def _restored(kind: type[Tensor], data: Array, requires_grad: bool) -> Tensor:
    found = kind._of(data)
    found.requires_grad = requires_grad
    return found


def as_tensor(x: Any, like: dtype | None = None) -> Tensor:
    """A Tensor as it is; an array shared; numbers and lists as an array. Raises TypeError for what has no numbers."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, np.ndarray | np.generic):
        dtypes.of(x.dtype)
        return Tensor._of(x)
    array = np.asarray(_numbers(x))
    if array.dtype.kind == "f":
        array = array.astype(like.numpy if like is not None and like.is_floating_point else dtypes.default())
    dtypes.of(array.dtype)
    return Tensor._of(array)


def _numbers(x: Any) -> Any:
    """Nested lists without tensors in them."""
    if isinstance(x, Tensor):
        return x._data
    if isinstance(x, Node):
        raise TypeError("Value and Tensor do not mix: keep to one engine, or take the Value's .data")
    return [_numbers(e) for e in x] if isinstance(x, list | tuple) else x


# ---- recording -------------------------------------------------------------------------------------------
def _made(rule: Any, y: Any, inputs: Sequence[Any], args: Sequence[Any]) -> Tensor:
    """The result of a rule that was run on `args`, with a node when one of the inputs has one."""
    out = _new(Tensor)
    out._data = y = y if y.__class__ is _array else np.asarray(y)
    out._node = None
    if _any_recorded:
        if current().recording:
            _refuse_stale(inputs)
        out._since = tick()
    at, parents = [], []
    for slot, x in enumerate(inputs):
        if isinstance(x, Tensor) and (node := x._node) is not None:
            at.append(slot)
            parents.append(node)
    if at and None in rule.partials:  # the last of which stands for all that may follow
        last = len(rule.partials) - 1
        at = [slot for slot in at if rule.partials[min(slot, last)] is not None]
        parents = [inputs[slot]._node for slot in at]
    if at and (scope := current()).recording and y.dtype.kind == "f":
        out._node = _op(rule, y, tuple(args), tuple(at), tuple(parents), scope)
    return out


def _op(rule: Any, y: Array, args: tuple[Any, ...], at: tuple[int, ...], parents: tuple[Op, ...], scope: Scope) -> Op:
    node = Op()  # faster than object.__new__(Op)
    node.rule, node._data, node._scope = rule, y, scope
    node.args, node.at, node._a = args, at, parents
    node.made, node.spent = tick(), False
    if scope.checking:
        _check(node, y, "made", "forward")
    return node


_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)  # the slots that gradients flow to


def apply(rule: Structural, first: Any, *rest: Any) -> Tensor:
    """Run a structural rule on Tensors and constants, and record it."""
    if rule.alone and not _any_recorded:  # the commonest case: a tensor, and constants after it
        arguments = (first._data, *rest)
        try:
            y = apart(rule.value, *arguments)
        except RuntimeError:
            y = quietly(rule.value, *arguments)
        out, node = _new(Tensor), first._node
        out._data = y = y if y.__class__ is _array else np.asarray(y)
        out._node = None
        if node is not None:
            scope = current()
            if scope.recording and y.dtype.kind == "f":
                out._node = _op(rule, y, arguments, _FIRST, (node,), scope)
        return out
    inputs = (first, *rest)
    args = [x._data if isinstance(x, Tensor) else x for x in inputs]
    return _made(rule, quietly(rule.value, *args), inputs, args)


def run(rule: Structural, args: tuple[Any, ...], at: tuple[int, ...], parents: tuple[Any, ...]) -> Tensor:
    """Run a structural rule on arrays, and record it: `apply` for who has all at hand, and no `_any_recorded`.

    args: the rule's inputs; at: the slots that gradients may flow to; parents: the nodes there, None where there is
    none. The result is of floats.
    """
    try:
        y = apart(rule.value, *args)
    except RuntimeError:
        y = quietly(rule.value, *args)
    out = _new(Tensor)
    out._data = y = y if y.__class__ is _array else np.asarray(y)
    out._node = None
    scope = current()
    if scope.recording:
        if None in parents:
            at = tuple([slot for slot, node in zip(at, parents, strict=True) if node is not None])
            parents = tuple([node for node in parents if node is not None])
        if at:
            out._node = _op(rule, y, args, at, parents, scope)
    return out


def _check(node: Op, x: Array, what: str, which: str) -> None:
    if not np.isfinite(x).all():
        bad = x[~np.isfinite(x)].flat[0] if x.ndim else x
        place = f" in scope {node.scope!r}" * bool(node.scope)
        label = f" labelled {node.label!r}" * bool(node.label)
        shapes = ", ".join(str(a.shape) for a in node.args if a.__class__ is _array)
        raise AnomalyError(
            f"{node.op} of tensors of shape {shapes}{label}{place} {what} {float(bad)!r} in the {which} pass"
        )


def _refuse_stale(inputs: Iterable[Any]) -> None:
    """Raise for a tensor whose memory has become part of a graph by a change in place of another tensor."""
    for x in inputs:
        if isinstance(x, Tensor) and _recorded.get(x._data, 0) > (x._node.made if x._node else getattr(x, "_since", 0)):
            raise RuntimeError("this tensor shares memory with one that has since been changed in place in a recorded "
                               "graph: change x by one index, x[key] = …, take views of x after that, or change a "
                               "clone() of x")  # fmt: skip


def _shared(a: Array, b: Array) -> bool:
    return versions.owner(a) is versions.owner(b)


# ---- elementwise: the table ------------------------------------------------------------------------------
_EXACT = {"add", "sub", "mul", "neg", "pow", "square", "abs", "relu", "maximum", "minimum", "where", "clamp"}


def _number(x: Any) -> Any:
    """An operand beside a tensor: a Tensor, or a Python number."""
    if isinstance(x, Tensor) or x.__class__ in (float, int, bool):
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return Tensor._of(x)
    if isinstance(x, numbers.Real):
        return float(x)
    if isinstance(x, Node):
        raise TypeError("Value and Tensor do not mix: keep to one engine, or take the Value's .data")
    raise TypeError(f"expected a Tensor or a number as operand, got {type(x).__name__} {x!r:.60}")


_UFUNCS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "neg": np.negative}
_ZEROS = {char: np.zeros((), char) for char in "efd"}  # beside an array quicker than a Python number


def _on_arrays(rule: Rule) -> Callable[..., Any]:
    """The rule's value on arrays: where its formula is one function of NumPy, that function, without a frame around."""
    if rule in OWN:
        formula = symbols.value(rule)
        called = _UFUNCS.get(formula.op) or (arrays.primitives[formula.op] if formula.op in PRIMITIVES else None)
        if called is not None and [*map(str, formula.args)] == [*rule.inputs]:
            return called
        if formula.op == "maximum" and str(formula.args[0]) == "0" and str(formula.args[1]) == rule.inputs[0]:  # relu
            return lambda x: np.maximum(_ZEROS.get(x.dtype.char, 0), x)
    return partial(rule.value, arrays)


@cache
def _elementwise(rule: Rule, operates: bool = False, reflected: bool = False) -> Callable[..., Tensor]:
    """The table's rule as a function of Tensors: dtypes as in PyTorch, broadcasting, a node.

    operates: as one of Python's operators, which leaves what it does not know to the other side; reflected: with its
    operands exchanged.
    """
    value = _on_arrays(rule)
    exact, divides = rule.name in _EXACT, rule.name == "div"
    free = tuple(local is None for local in rule.partials)  # a condition takes no part in promotion

    def unary(x: Tensor) -> Tensor:
        a = x._data
        if not exact and a.dtype.kind != "f":
            a = a.astype(dtypes.default())
        try:
            try:
                y = apart(value, a)
            except RuntimeError:
                y = quietly(value, a)
        except TypeError as problem:  # -bool
            raise RuntimeError(f"{rule.name} of a {x.dtype.name} tensor: {problem}") from None
        node = x._node
        if node is None or _any_recorded:
            return _made(rule, y, (x,), (a,))
        out = _new(Tensor)
        out._data = y = y if y.__class__ is _array else np.asarray(y)
        scope = current()
        out._node = _op(rule, y, (a,), _FIRST, (node,), scope) if scope.recording else None
        return out

    def function(*inputs: Any) -> Tensor:
        inputs = tuple([x if isinstance(x, Tensor) or x.__class__ is float else _number(x) for x in inputs])
        args = [x._data if isinstance(x, Tensor) else x for x in inputs]
        kinds = {x.dtype for x in args if x.__class__ is _array}
        if len(kinds) > 1 or any(kind.kind != "f" for kind in kinds):  # beside floats, numbers take their dtype
            if rule.name == "sub" and MASK in kinds:
                raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
                                   "trying to invert a mask, use the `~` or `logical_not()` operator.")  # fmt: skip
            args = _promoted(args, free, exact)
        if divides and args[1].__class__ is not _array and not args[1]:
            args[1] = np.zeros((), args[0].dtype)  # whose inverse is inf; Python's raises in the backward pass
        try:
            y = quietly(value, *args)
        except (ValueError, TypeError) as problem:
            _refuse_shapes(*args)
            raise RuntimeError(f"{rule.name}: {problem}") from None
        return _made(rule, y, inputs, args)

    def binary(x: Any, z: Any) -> Any:
        """`function` for the commonest cases: tensors of one float dtype, or one of them and a number."""
        if reflected:
            x, z = z, x
        try:
            if z.__class__ is float or z.__class__ is int:
                a, m = x._data, x._node
                b, n = z, None
                kind = a.dtype.kind if z or not divides else ""
            elif x.__class__ is float or x.__class__ is int:
                a, m = x, None
                b, n = z._data, z._node
                kind = b.dtype.kind
            else:
                a, m = x._data, x._node
                b, n = z._data, z._node
                kind = a.dtype.kind if a.dtype is b.dtype else ""
        except AttributeError:
            kind = ""
        if kind != "f" or _any_recorded:
            if operates and not (_operand(x) and _operand(z)):
                return NotImplemented
            return function(x, z)
        try:
            try:
                y = apart(value, a, b)
            except RuntimeError:
                y = quietly(value, a, b)
        except (ValueError, TypeError) as problem:
            _refuse_shapes(a, b)
            raise RuntimeError(f"{rule.name}: {problem}") from None
        out = _new(Tensor)
        out._data = y = y if y.__class__ is _array else np.asarray(y)
        out._node = None
        at: Any = _FIRST
        parents: Any
        if n is None:
            if m is None:
                return out
            parents = (m,)
        elif m is None:
            at, parents = _SECOND, (n,)
        else:
            at, parents = _BOTH, (m, n)
        scope = current()
        if scope.recording:
            out._node = _op(rule, y, (a, b), at, parents, scope)
        return out

    if any(free) or rule not in OWN:  # a user's formula may read where it is run, and runs where it is called
        return function
    return unary if len(rule.inputs) == 1 else binary if len(rule.inputs) == 2 else function


def _promoted(inputs: list[Any], free: Sequence[bool], exact: bool) -> list[Any]:
    counted = [x for x, skip in zip(inputs, free, strict=True) if not skip]
    kind = dtypes.result_type(*counted)
    if not exact and kind.kind != "f":
        kind = dtypes.default()
    return [x if skip else x.astype(kind, copy=False) if isinstance(x, np.ndarray) else np.asarray(x).astype(kind)[()]
            for x, skip in zip(inputs, free, strict=True)]  # fmt: skip


def _refuse_shapes(a: Any, b: Any, *rest: Any) -> None:
    a, b = (x if isinstance(x, tuple) else getattr(x, "shape", ()) for x in (a, b))
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            raise RuntimeError(
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton dimension "
                f"{max(len(a), len(b)) - i}; the shapes are {a} and {b}"
            )


# ---- what a gradient needs -------------------------------------------------------------------------------
@cache
def _kept(rule: Rule | Structural, at: tuple[int, ...]) -> tuple[frozenset[int], bool]:
    """Which inputs' numbers the gradients of the inputs `at` read, by slot, and whether they read the output's."""
    last = len(rule.inputs) - 1
    words: set[str] = set()
    for slot in at:
        words |= _read(rule, min(slot, last))
    return frozenset(i for i, name in enumerate(rule.inputs) if name in words), "y" in words


@cache
def _reads_itself(rule: Rule, slot: int) -> bool:
    """Whether the derivative by an input depends on it."""
    return not _read(rule, slot).isdisjoint(("y", rule.inputs[slot]))


_FLAT = STRUCTURAL["constant_pieces"]


def _read(rule: Rule | Structural, slot: int) -> set[str]:
    """The names of the inputs that one gradient reads."""
    if isinstance(rule, Structural):
        return set(rule.keeps[slot].split())
    partial: Any = rule.partials[slot]
    try:
        return _names(symbols.symbol(partial(symbols.symbols, *map(symbols.symbol, ("y", *rule.inputs)))))
    except Exception:  # a rule that symbols cannot read
        return {"y", *rule.inputs}


def _names(formula: symbols.Symbol) -> set[str]:
    if formula.op == "name":
        return {str(formula)}
    return set().union(*(_names(x) for x in formula.args if isinstance(x, symbols.Symbol)))


def _refuse_changed(node: Op) -> None:
    """Raise for a node that a pass has used up, or whose arrays are not those that it has seen."""
    rule: Any = node.rule
    slots, output = _kept(rule, node.at)
    last = len(rule.inputs) - 1
    kept = [x for i, x in enumerate(node.args) if min(i, last) in slots] + [node._data] * output
    kept = [x for each in kept for x in (_arrays_of(each) if isinstance(each, tuple) else (each,))]
    if node.spent and kept:
        raise RuntimeError("Trying to backward through the graph a second time (or directly access saved tensors after "
                           "they have already been freed). Saved intermediate values of the graph are freed when you "
                           "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                           "through the graph a second time or if you need to access saved tensors after calling "
                           "backward.")  # fmt: skip
    for data in kept:
        if data.__class__ is _array and versions.changed(data) > node.made:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"a tensor of shape {list(data.shape)}, which is "
                f"{'the output' if data is node._data else 'an input'} of {grad_name(node)}"
                + f" labelled {node.label!r}" * bool(node.label)
                + "; change a clone() of it instead"
            )


def _arrays_of(key: tuple[Any, ...]) -> list[Array]:
    return [k for k in key if k.__class__ is _array]


# ---- the backward sweep ----------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def _one(shape: tuple[int, ...], kind: str) -> Array:
    one = np.ones(shape, kind)
    one.flags.writeable = False
    return one


def _seed(root: Tensor, gradient: Any) -> Any:
    if not isinstance(root, Tensor) or root._node is None:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn; make the tensors "
                           "that it depends on with requires_grad=True, outside of no_grad")  # fmt: skip
    if _any_recorded:  # of numbers that are no longer what its node made
        _refuse_stale([root])
    if gradient is None:
        if root._data.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, and this one has shape {tuple(root.shape)}; "
                "take .sum() or .mean() of it, or give backward() a gradient"
            )
        return Tensor._of(_one(root._data.shape, root._data.dtype.char))
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient.shape != root.shape:
        raise RuntimeError(f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a "
                           f"shape of {root.shape}.")  # fmt: skip
    return _cast(gradient, root._data)


Gradients = dict[Any, Any]  #: what a sweep adds up in, by node


def _sweep(
    roots: Sequence[Tensor], seeds: Sequence[Any], retain: bool, create_graph: bool
) -> tuple[Gradients, list[Op], list[Op], bool]:
    """The gradient of Σ root·seed by every node below the roots: arrays, or Tensors with create_graph.

    Beside them the leaves, and the other nodes in the order of the sweep: the last made first, so that each has its
    whole gradient when it hands it on; then whether none of these was used up before or is older than a change.
    """
    xp, scope = tensors if create_graph else arrays, current()
    if len(roots) != len(seeds):
        raise RuntimeError(f"got {len(roots)} tensors and {len(seeds)} gradients")
    grads = Gradients()
    leaves: list[Op] = []
    done: list[Op] = []
    new = True
    waiting: list[tuple[int, Op]] = []  # a heap: the last made first
    for root, seed in zip(roots, seeds, strict=True):
        g = _seed(root, seed)
        node: Any = root._node
        if not create_graph:
            g = g._data
        elif not g._data.flags.writeable:
            g = Tensor._of(g._data.copy())
        if node in grads:
            g = grads[node] + g
        elif node._a is None:
            leaves.append(node)
        else:
            heappush(waiting, (-node.made, node))
        grads[node] = g
    token, checking, last_change, known = enter(IGNORE), scope.checking, versions.last_change, grads.get
    # Recording, as in PyTorch, within no_grad too. A formula may hold a branch that is not taken, whose nan is no
    # anomaly: only what is handed on is checked
    inside = enter_scope(Scope("", scope)) if create_graph and (checking or not scope.recording) else None
    try:
        while waiting:
            node = heappop(waiting)[1]
            if node.spent or node.made < last_change:
                _refuse_changed(node)
                new = False
            done.append(node)
            rule, g = node.rule, grads[node]
            pulled = _traced(node, g) if create_graph else PULLS[rule][node.at](g, node._data, *node.args)
            direct = rule in DIRECT
            for parent, d in zip(node._a, pulled):  # noqa: B905 (strict=True is measurably slower)
                if not direct:
                    d = fitted(xp, d, parent._data)  # noqa: PLW2901
                if checking:
                    _check(node, getattr(d, "_data", d), "handed on", "backward")
                before = known(parent)
                if before is not None:
                    grads[parent] = before + d
                    continue
                grads[parent] = d
                if parent._a is None:
                    leaves.append(parent)
                else:
                    heappush(waiting, (-parent.made, parent))
        if not retain:
            for node in done:
                node.spent = True
    finally:
        leave(token)
        if inside is not None:
            leave_scope(inside)
    return grads, leaves, done, new


def _traced(node: Op, g: Tensor) -> Iterator[Any]:
    """The same with create_graph: the formulas are run on Tensors."""
    rule: Any = node.rule
    y, args, elementwise = Tensor._on(node), _lifted(node), rule.__class__ is Rule
    for slot in node.at:
        if elementwise:
            local = rule.partials[slot](tensors, y, *args)
            d = _chain_tensors(g, local)
            if local.__class__ is Tensor and local._node is None and _reads_itself(rule, slot):
                d = d + apply(_FLAT, args[slot], np.zeros_like)  # a step function: 0 as second derivative
            yield d
        else:
            yield rule.vjp(slot)(tensors, g, y, *args)


def _chain_tensors(g: Tensor, d: Any) -> Any:
    if d.__class__ is int:
        return g if d == 1 else -g if d == -1 else g * d
    return _elementwise(RULES["where"])(d, g, 0.0) if isinstance(d, Tensor) and d._data.dtype == bool else g * d


def order(roots: Iterable[Op]) -> list[Op]:
    """The Ops below the roots and they themselves, the last made first: each before everything that it needs."""
    seen = set(roots)
    waiting = list(seen)
    while waiting:
        node = waiting.pop()
        for parent in node._a or ():
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return sorted(seen, key=_time, reverse=True)


_time = operator.attrgetter("made")


def _lifted(node: Op) -> list[Any]:
    """The inputs as Tensors, on their nodes where they have one; constants as they are."""
    found: list[Any] = [Tensor._of(x) if x.__class__ is _array and x.dtype.kind == "f" else x for x in node.args]
    for slot, parent in zip(node.at, node._a, strict=True):
        found[slot]._node = parent  # on the numbers that the rule saw, also where the parent has others since
    if _any_recorded:
        for x in found:
            if x.__class__ is Tensor:
                x._since = math.inf  # whether what the rule reads was changed since is seen to already
    return found


def backward_from(
    roots: Sequence[Tensor], seeds: Sequence[Tensor | None], retain_graph: bool | None = None,
    create_graph: bool = False, inputs: Sequence[Tensor] | Tensor | None = None,
) -> None:  # fmt: skip
    """Tensor.backward of the sum of several roots, each times its seed, in one sweep."""
    wanted = None if inputs is None else {x._node for x in _differentiable(inputs)}
    if wanted is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    retain = create_graph if retain_graph is None else retain_graph
    if wanted is None and len(roots) == len(seeds) == 1 and not (create_graph or current().checking):
        pairs, given = _through(roots[0], seeds[0], retain)
    else:
        grads, leaves, done, _ = _sweep(roots, seeds, retain, create_graph)
        found = [grads[root._node] for root in roots]  # may be the caller's own
        given = {id(g._data if create_graph else g) for g in found}
        if wanted is not None:
            leaves = [node for node in (*leaves, *done) if node in wanted]
        else:
            leaves += _retaining(done)
        pairs = [(leaf, grads[leaf]) for leaf in leaves]
    inside = enter_scope(Scope("", current())) if create_graph else None  # recording
    try:
        with sweeping:  # threads may share leaves
            _accumulate(pairs, given)
    finally:
        if inside is not None:
            leave_scope(inside)


def _through(root: Tensor, seed: Any, retain: bool) -> tuple[Iterable[tuple[Op, Any]], set[int]]:
    """The leaves with their gradients, by a plan where the graph has one; and what of these may be the caller's own."""
    g = _seed(root, seed)._data
    node: Any = root._node
    for plan in PLANS[node.rule]:
        try:
            pairs = apart(plan, node, g, versions.last_change, not retain)
        except RuntimeError:
            pairs = quietly(plan, node, g, versions.last_change, not retain)
        if pairs is not None:
            return pairs, {id(g)}
    grads, leaves, done, new = _sweep([root], [seed], retain, False)
    kept = _retaining(done)
    if new and not kept:
        learn(done, leaves)
    return [(leaf, grads[leaf]) for leaf in (*leaves, *kept)], {id(grads[node])}


def _retaining(nodes: list[Op]) -> list[Op]:
    return [node for node in nodes if hasattr(node, "retains")] if Op.retaining else []


def _accumulate(pairs: Iterable[tuple[Op, Any]], given: set[int]) -> None:
    """Add to the gradients of leaves. What shares memory with another gradient is copied: it may be changed in place.

    given: the ids of arrays that are somebody's already.
    """
    for node, g in pairs:
        if node._a is None and node._grad is None and g.__class__ is _array:  # what a training step asks for
            if g.base is None and id(g) not in given:
                given.add(id(g))
            else:
                g = g.copy()  # noqa: PLW2901
            node._grad = g
        elif (before := node.grad) is None:
            if isinstance(g, Tensor):  # with create_graph, and part of a graph
                node._grad = g.clone() if g._data.base is not None or id(g._data) in given else g
                given.add(id(node._grad._data))
            else:
                node._grad = np.array(g)
        elif isinstance(g, Tensor) or before.requires_grad or node._a is not None:  # only leaves' change in place
            node._grad = before + (g if isinstance(g, Tensor) else Tensor._of(g))
        else:
            try:
                quietly(np.add, before._data, g, before._data)
            except ValueError:
                before._writable()
                raise
            before._written()


def _differentiable(inputs: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """What gradients are asked for by, as a list."""
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for x in wanted:
        if not isinstance(x, Tensor):
            raise TypeError(f"the gradient of a Tensor is taken by Tensors, got {type(x).__name__}")
        if x._node is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    return wanted


def grad(
    outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor], grad_outputs: Any = None,
    retain_graph: bool | None = None, create_graph: bool = False, only_inputs: bool = True,
    allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """PyTorch's autograd.grad: the gradient of Σ outputs·grad_outputs by each input; no `.grad` is touched."""
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    seeds = [None] * len(roots) if grad_outputs is None else grad_outputs
    wanted = _differentiable(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    grads = _sweep(roots, [seeds] if isinstance(seeds, Tensor) else seeds, retain, create_graph)[0]
    found: list[Tensor | None] = []
    for x in wanted:
        g = grads.get(x._node)
        if g is None and materialize_grads:
            g = np.zeros_like(x._data)
        if g is None and not allow_unused:
            raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph. Set "
                               "allow_unused=True if this is the desired behavior.")  # fmt: skip
        found.append(g if g is None or isinstance(g, Tensor) else Tensor._of(np.array(g)))
    return tuple(found)


# ---- the world of tensors: what create_graph runs the same lines in -----------------------------------------
class _Tensors(World):
    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in STRUCTURAL:
            rule = STRUCTURAL[name]
            return lambda *inputs: apply(rule, *inputs)
        named = RULES.get(name)
        if named is None:
            raise AttributeError(f"no rule is called {name!r}")
        return lambda *inputs: (
            _elementwise(named)(*inputs) if any(isinstance(x, Tensor) for x in inputs) else named.value(arrays, *inputs)
        )


def _cast(x: Tensor, like: Any) -> Tensor:
    return x if x._data.dtype is like.dtype else apply(STRUCTURAL["cast"], x, like)


def _where(condition: Any, a: Any, b: Any) -> Any:
    if condition.__class__ is bool and int in (a.__class__, b.__class__):
        return a if condition else b
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return _elementwise(RULES["where"])(condition, a, b)
    return Tensor._of(arrays.where(getattr(condition, "_data", condition), a, b))


tensors: World = _Tensors("tensors", {
    "where": _where,
    "sign": lambda x: Tensor._of(np.sign(x._data)),
    "softmax_of": lambda y, x: tensors.softmax(x, 1),
    "less_at_target": lambda x, target: x + Tensor._of(arrays.less_at_target(np.zeros_like(x._data), target)),
    "constant": lambda x, like: Tensor._of(np.asarray(x, like._data.dtype)),
    "cast": lambda x, like: _cast(x, getattr(like, "_data", like)),
})  # fmt: skip


# ---- operators -------------------------------------------------------------------------------------------
def _operators(cls: type[Tensor]) -> None:
    """The table's rules as methods, and as Python's operators with their reflected and in-place forms."""
    for name, op in {"add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "pow": "pow"}.items():
        setattr(cls, f"__{op}__", _elementwise(RULES[name], operates=True))
        setattr(cls, f"__r{op}__", _elementwise(RULES[name], operates=True, reflected=True))
        setattr(cls, f"__i{op}__", _in_place(RULES[name]))
        setattr(cls, f"{name}_", _in_place(RULES[name]))
    for name, rule in RULES.items():
        if not rule.vectors and rule.name not in ("where", "pow", "add", "sub"):
            setattr(cls, name, _method(_elementwise(rule), rule))
            if len(rule.inputs) == 1:
                setattr(cls, f"{name}_", _in_place(rule))
    for op in ("lt", "le", "gt", "ge", "eq", "ne"):
        compare = getattr(operator, op)
        setattr(cls, f"__{op}__", _compared(compare, op))
        setattr(cls, op, _compared(compare, op))
    for op in ("and", "or", "xor"):
        setattr(cls, f"__{op}__", _plain(getattr(operator, f"__{op}__")))
        setattr(cls, f"__r{op}__", _plain(getattr(operator, f"__{op}__")))
    for op in ("floordiv", "lshift", "rshift"):
        setattr(cls, f"__{op}__", _plain(getattr(operator, op)))
        setattr(cls, f"__r{op}__", _plain(_exchanged(getattr(operator, op))))
    for op in ("floordiv", "mod", "and", "or", "xor", "lshift", "rshift"):
        setattr(cls, f"__i{op}__", _replaced(getattr(operator, f"__{op}__")))


def _exchanged(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: operate(b, a)


def _operand(x: Any) -> bool:
    """Whether an operator of Tensors takes x. Raises TypeError for a Value."""
    if isinstance(x, Node):
        _number(x)
    return isinstance(x, Tensor | numbers.Real | np.ndarray | np.bool_)


def _method(each: Callable[..., Tensor], rule: Rule) -> Callable[..., Tensor]:
    defaults = rule.value.__defaults__ or ()
    if not defaults:
        return each

    def method(*inputs: Any, **named: Any) -> Tensor:
        return rule(*inputs, **named)  # type: ignore[no-any-return]

    return method


def _in_place(rule: Rule) -> Callable[..., Tensor]:
    each = _elementwise(rule)

    def method(self: Tensor, *inputs: Any) -> Tensor:
        self._writable()
        return self._assign(each(self, *inputs))

    return method


def _replaced(operate: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Tensor]:
    return lambda self, other: self._assign(operate(self, other))


def _plain(operate: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Any]:
    """An operation without a gradient, on numbers alone."""

    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor | numbers.Real | np.ndarray | np.bool_):
            return NotImplemented
        other = _number(other)
        b = other._data if isinstance(other, Tensor) else other
        kind = dtypes.result_type(self._data, b)
        try:
            with np.errstate(all="ignore", divide="ignore" if kind.kind == "f" else "raise"):
                y = operate(*(x.astype(kind, copy=False) if isinstance(x, np.ndarray) else x for x in (self._data, b)))
        except FloatingPointError:
            raise RuntimeError("ZeroDivisionError: integers have no infinity; divide with / or by a float") from None
        except ValueError:
            _refuse_shapes(self._data, b)
            raise
        except TypeError:  # & | ^ << >>
            raise NotImplementedError(f"{operate.__name__} is not implemented for {dtypes.of(kind)!r}, only for "
                                      "integers and bools") from None  # fmt: skip
        return Tensor._of(np.asarray(y))

    return method


def _compared(compare: Callable[[Any, Any], Any], name: str) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor | numbers.Real | np.ndarray | np.bool_):
            if name in ("eq", "ne") and not isinstance(other, Node):
                return name == "ne"
            return NotImplemented
        b = other._data if isinstance(other, Tensor) else other
        try:
            return Tensor._of(np.asarray(compare(self._data, b)))
        except ValueError:
            _refuse_shapes(self._data, b)
            raise

    return method


_operators(Tensor)
