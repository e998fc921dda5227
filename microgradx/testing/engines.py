"""What gives the value and the gradients of a function: this project, another library, or a hand-written vjp.

An engine takes NumPy arrays and gives NumPy arrays, whatever f itself is written in. Any object with a `name` and the
two methods of `Engine` is one; with `gradient` as well, gradients of gradients can be checked.

>>> import numpy as np
>>> from microgradx.functional import tanh
>>> engine = recognise(tanh, [np.ones(2)])
>>> engine.name, engine.vjp(tanh, [np.array([0.0, 1.0])], np.array([2.0, 0.0]))[0].tolist()
('microgradx', [2.0, 0.0])
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from types import CodeType, MethodType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import functions, transforms
from ..tensor import Tensor, grad
from ..value import Value

__all__ = ["ENGINES", "Engine", "HandWritten", "recognise"]

Array = NDArray[Any]
Function = Callable[..., Any]


@runtime_checkable
class Engine(Protocol):
    """What check_grad asks of a library."""

    name: str

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        """f(*xs). xs may be complex; an error then says that f is for real numbers only."""

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        """The gradient of Σ f(*xs)·cotangent by each of xs of a float dtype; None where the library gives none."""


def _floats(x: Any) -> bool:
    return np.asarray(x).dtype.kind == "f"


class HandWritten:
    """Plain NumPy: f on arrays, and `vjp(xs, cotangent)`, which gives the gradient by each of xs.

    A list or tuple in the order of xs (without those that are not floats, or None for them), a mapping by the names
    of f's parameters, or for a single x its gradient alone.
    """

    name = "numpy"

    def __init__(self, vjp: Callable[..., Any]) -> None:
        self._vjp = vjp

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        return np.asarray(f(*xs))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        found = self._vjp(list(xs), cotangent)
        if isinstance(found, Mapping):
            names = parameter_names(f, len(xs))
            if unknown := [name for name in found if name not in names]:
                raise ValueError(f"vjp gave a gradient for {', '.join(map(repr, unknown))}, and the parameters of f "
                                 f"are {', '.join(map(repr, names))}; name the gradients after these")  # fmt: skip
            found = [found.get(name) for name in names]
        elif not isinstance(found, list | tuple):
            found = [found]
        wanted = [i for i, x in enumerate(xs) if _floats(x)]
        if len(found) == len(wanted) != len(xs):
            found = [found[wanted.index(i)] if i in wanted else None for i in range(len(xs))]
        if len(found) != len(xs):
            raise ValueError(f"vjp must give a gradient for each of {len(xs)} arguments, got {len(found)}")
        return [None if g is None else np.asarray(g) for g in found]


def parameter_names(f: Function, count: int) -> list[str]:
    """The names of f's first parameters; x0, x1, … where it has none that can be read."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return named[:count] if len(named) >= count else [f"x{i}" for i in range(count)]


# ---- this project ------------------------------------------------------------------------------------------
class _Tensors:
    name = "microgradx"

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        return np.asarray(_data(f(*map(Tensor._of, xs))))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        leaves = self._leaves(xs)
        y = _tensor(f(*leaves))
        if not y.requires_grad:
            return [None] * len(xs)
        y.backward(Tensor._of(np.asarray(cotangent, y._data.dtype)))
        return [None if leaf.grad is None else leaf.grad._data for leaf in leaves]

    def gradient(self, f: Function, cotangent: Array) -> Function:
        def gradients(*xs: Tensor) -> Any:
            y = _tensor(f(*xs))
            moving = [x for x in xs if x.requires_grad] or [x for x in xs if _floats(x._data)]
            if not y.requires_grad:  # a plain evaluation
                moving = [x.requires_grad_() for x in moving]
                y = _tensor(f(*xs))
            seed = Tensor._of(np.asarray(cotangent, y._data.dtype))
            found = grad(y, moving, seed, create_graph=True, materialize_grads=True)
            return functions.cat([g.reshape(-1) for g in found if g is not None])

        return gradients

    def _leaves(self, xs: Sequence[Array]) -> list[Tensor]:
        return [Tensor._of(x).requires_grad_() if _floats(x) else Tensor._of(x) for x in xs]


def _tensor(y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise TypeError(f"f on Tensors must give a Tensor, got {type(y).__name__}; name the engine that f is for: "
                        f"engine={', '.join(map(repr, ENGINES))}, or give vjp= for plain NumPy")  # fmt: skip
    return y


def _data(y: Any) -> Any:
    return _tensor(y)._data


class _Values:
    """Functions of Values, or of nested lists of them: an array is handed over as lists of its shape."""

    name = "value"

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        return _numbers(f(*map(_values, xs)))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        inputs = list(map(_values, xs))
        found = iter(transforms.grad(_contracted(f(*inputs), cotangent), _leaves(inputs)))
        return [np.array([next(found).data for _ in range(x.size)], x.dtype).reshape(x.shape) if _floats(x) else None
                for x in xs]  # fmt: skip

    def gradient(self, f: Function, cotangent: Array) -> Function:
        return lambda *inputs: transforms.grad(_contracted(f(*inputs), cotangent), _leaves(inputs), create_graph=True)


def _values(x: Array) -> Any:
    return _each(Value, x) if _floats(x) else x


def _leaves(inputs: Sequence[Any]) -> list[Value]:
    return [v for x in inputs for v in _flat(x) if isinstance(v, Value)]


def _each(make: Callable[[Any], Any], x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.tolist()
    return [_each(make, e) for e in x] if isinstance(x, list) else make(x)


def _flat(x: Any) -> Iterator[Any]:
    if isinstance(x, Iterable):
        for e in x.ravel() if isinstance(x, np.ndarray) else x:
            yield from _flat(e)
    else:
        yield x


def _numbers(y: Any) -> Array:
    return np.array(_each(lambda e: e.data if isinstance(e, Value) else e, y), np.float64)


def _contracted(y: Any, cotangent: Array) -> Value:
    return sum((e * w for e, w in zip(_flat(y), cotangent.ravel().tolist(), strict=True)), Value(0.0))


# ---- other libraries, imported when they are asked for -------------------------------------------------------
class _Library:
    """The module is imported on first use; its absence says what to install."""

    name: str

    @cached_property
    def module(self) -> Any:
        try:
            return importlib.import_module(self.name)
        except ImportError as error:
            raise ImportError(f"engine={self.name!r} needs the package {self.name}: pip install {self.name}") from error


class _Torch(_Library):
    name = "torch"

    def _tensor(self, y: Any) -> Any:
        if not isinstance(y, self.module.Tensor):
            raise TypeError(f"f on torch's tensors must give one tensor, got {type(y).__name__}; of several results "
                            "check each, or join them with torch.cat")  # fmt: skip
        return y

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        with self.module.no_grad():
            return self._tensor(f(*map(self.module.from_numpy, xs))).numpy()  # type: ignore[no-any-return]

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        leaves = [self.module.from_numpy(x).requires_grad_(_floats(x)) for x in xs]
        y = self._tensor(f(*leaves))
        if not y.requires_grad:
            return [None] * len(xs)
        y.backward(self.module.from_numpy(np.asarray(cotangent)).to(y.dtype))
        return [None if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]

    def gradient(self, f: Function, cotangent: Array) -> Function:
        torch = self.module

        def gradients(*xs: Any) -> Any:
            with torch.enable_grad():
                moving = [x for x in xs if x.is_floating_point()]
                create = any(x.requires_grad for x in moving)
                for x in moving:
                    x.requires_grad_()
                y = f(*xs)
                seed = torch.from_numpy(np.asarray(cotangent)).to(y.dtype)
                found = torch.autograd.grad(y, moving, seed, create_graph=create, materialize_grads=True)
                return torch.cat([g.reshape(-1) for g in found])

        return gradients


class _Autograd(_Library):
    """HIPS autograd. Its functions take plain arrays as they are."""

    name = "autograd"

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        return np.asarray(f(*xs))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        back = (self.module.make_vjp(f, i)(*xs)[0] if _floats(x) else None for i, x in enumerate(xs))
        return [None if each is None else np.asarray(each(cotangent)) for each in back]

    def gradient(self, f: Function, cotangent: Array) -> Function:
        anp = importlib.import_module("autograd.numpy")

        def gradients(*xs: Any) -> Any:
            moving = [i for i, x in enumerate(xs) if _floats(getattr(x, "_value", x))]
            total = lambda parts: anp.sum(_tupled(f, xs, moving)(parts) * cotangent)
            found = self.module.grad(total)(tuple(xs[i] for i in moving))
            return anp.concatenate([anp.reshape(g, (-1,)) for g in found])

        return gradients


def _tupled(f: Function, xs: Sequence[Any], moving: Sequence[int]) -> Function:
    """f as a function of one tuple: the arguments that move."""

    def of(parts: Any) -> Any:
        given = list(xs)
        for k, i in enumerate(moving):
            given[i] = parts[k]
        return f(*given)

    return of


class _MyGrad(_Library):
    name = "mygrad"

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        with self.module.no_autodiff:
            return np.asarray(self.module.asarray(f(*(self.module.tensor(x, copy=False) for x in xs))))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        leaves = [self.module.tensor(x, copy=False) for x in xs]
        y = f(*leaves)
        y.backward(cotangent)
        return [None if leaf.grad is None else np.asarray(leaf.grad) for leaf in leaves]


class _Jax(_Library):
    """Under JAX's 64-bit mode, which is set for the call only."""

    name = "jax"

    def value(self, f: Function, xs: Sequence[Array]) -> Array:
        with self.module.enable_x64(True):
            return np.asarray(f(*map(self.module.numpy.asarray, xs)))

    def vjp(self, f: Function, xs: Sequence[Array], cotangent: Array) -> Sequence[Array | None]:
        jax = self.module
        with jax.enable_x64(True):
            moving = [i for i, x in enumerate(xs) if _floats(x)]
            given = list(map(jax.numpy.asarray, xs))
            y, back = jax.vjp(lambda *parts: _tupled(f, given, moving)(parts), *(given[i] for i in moving))
            found = dict(zip(moving, back(jax.numpy.asarray(cotangent, y.dtype)), strict=True))
            return [np.asarray(found[i]) if i in found else None for i in range(len(xs))]

    def gradient(self, f: Function, cotangent: Array) -> Function:
        jnp = self.module.numpy

        def gradients(*xs: Any) -> Any:
            moving = [i for i, x in enumerate(xs) if jnp.issubdtype(x.dtype, jnp.floating)]
            total = lambda *parts: jnp.sum(_tupled(f, xs, moving)(parts) * cotangent)
            found = self.module.grad(total, tuple(range(len(moving))))(*(xs[i] for i in moving))
            return jnp.concatenate([g.reshape(-1) for g in found])

        return gradients


#: By the names that `engine=` takes.
ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in (_Tensors(), _Values(), _Torch(), _Autograd(), _MyGrad(), _Jax())
}
_OF_VALUES = ("microgradx.value", "microgradx.nn.neurons")
_LIBRARIES = ("torch", "autograd", "mygrad", "jax")


# ---- which one ---------------------------------------------------------------------------------------------
DEPTH, WIDTH = 4, 400  # how far from f, and at how many things at most, a library is looked for


def recognise(f: Function, xs: Sequence[Any]) -> Engine:
    """The engine that f is written for: by the types of xs, else by what f is and what its code names, else by the
    helpers, the closures and the objects that this comes to, the nearest first; this project's Tensors where nothing
    tells.

    Raises ValueError where f names two libraries, TypeError for what has no gradient in any.
    """
    for x in xs:
        if (engine := _engine_of(type(x))) is not None:
            return engine
        if isinstance(x, list) and any(isinstance(e, Value) for e in _flat(x)):
            return ENGINES["value"]
    found = _nearest(f)
    if len(found) > 1:
        names = sorted(found)
        raise ValueError(f"f is written with {' and '.join(names)}; say which one: engine={names[0]!r}")
    if isinstance(f, np.ufunc):
        raise TypeError(f"{f.__name__} is NumPy's own and has no gradient; give vjp=, or name the engine")
    return next(iter(found.values()), ENGINES["microgradx"])


def _nearest(f: Function) -> dict[str, Engine]:
    """The engines, by name, of the things nearest to f that have any."""
    near, seen = [f, *_wrappers(f)], dict[int, Any]()  # which keeps alive what it knows by its id
    for depth in range(DEPTH):
        if found := {engine.name: engine for thing in near if (engine := _engine_of(thing)) is not None}:
            return found
        inner = {id(x): x for thing in near if _is_users(thing, depth) for x in _referred(thing)}
        near = [x for key, x in inner.items() if key not in seen][:WIDTH]
        seen |= inner
    return {}


def _engine_of(thing: Any) -> Engine | None:
    """The engine whose module a thing is from, or is; of a class and its objects also that of what it is derived
    from."""
    if isinstance(thing, _Library):
        return ENGINES[thing.name]
    if inspect.ismodule(thing):
        names = [thing.__name__]
    else:
        kind = thing if isinstance(thing, type) else type(thing)
        names = [name for x in (thing, *kind.__mro__) if isinstance(name := getattr(x, "__module__", None), str)]
    for name in names:
        if name.startswith(_OF_VALUES):
            return ENGINES["value"]
        root = name.split(".")[0]
        if root in ENGINES and root != "value" and not name.startswith("microgradx.testing"):
            return ENGINES[root]
    return None


def _is_users(thing: Any, depth: int) -> bool:
    """Whether it is worth a look inside: f itself is, and what is not from NumPy or Python's own modules."""
    module = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", None)
    root = str(module or type(thing).__module__).split(".")[0]
    return depth == 0 or root == "__main__" or root not in _PLAIN or isinstance(thing, _HOLDERS)


_HOLDERS = (list, tuple, dict, partial, MethodType)
_PLAIN = {*sys.stdlib_module_names, "numpy", "scipy", "microgradx"}  # of the last what is in its engines was found


def _wrappers(f: Any) -> Iterator[Any]:
    """A library's own wrapper, as of jax.jit, tells as much as what is wrapped."""
    while hasattr(f, "__wrapped__"):
        owner = getattr(f, "__globals__", {}).get("__name__", type(f).__module__).split(".")[0]
        yield from (ENGINES[name] for name in _LIBRARIES if owner in (name, f"{name}lib"))
        yield (f := f.__wrapped__)


def _referred(thing: Any) -> Iterator[Any]:
    """What a thing leads to: a function to what its code names and closes over, an object to its methods and
    attributes, a container to its elements."""
    if isinstance(thing, partial):
        yield from (thing.func, *thing.args, *thing.keywords.values())
    elif isinstance(thing, MethodType):
        yield from (thing.__func__, thing.__self__)
    elif isinstance(thing, list | tuple | dict):
        yield from islice(thing.values() if isinstance(thing, dict) else thing, WIDTH)
    elif isinstance(code := getattr(thing, "__code__", None), CodeType):
        yield from _wrappers(thing)
        yield from (*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values())
        cells = dict[str, Any]()
        for name, cell in zip(code.co_freevars, thing.__closure__ or (), strict=True):
            with suppress(ValueError):  # not yet bound
                cells[name] = cell.cell_contents
        yield from _named(code, ChainMap(cells, thing.__globals__))
    elif not inspect.ismodule(thing):
        kind = thing if isinstance(thing, type) else type(thing)
        for base in kind.__mro__[:-1]:
            members = vars(base).values() if _is_users(base, 1) else ()
            yield from (getattr(m, "fget", getattr(m, "__func__", m)) for m in members if not isinstance(m, str))
        yield from getattr(thing, "__dict__", {}).values() if kind is not thing else ()


def _named(code: CodeType, namespace: Mapping[str, Any]) -> Iterator[Any]:
    """What a code and those inside it name, of a module of the user's what is taken from it."""
    waiting = [code]
    for code in waiting:
        for name in (*code.co_freevars, *code.co_names):
            yield (thing := namespace.get(name))
            if inspect.ismodule(thing) and _engine_of(thing) is None and _is_users(thing, 1):
                yield from (vars(thing).get(attribute) for attribute in code.co_names)
        roots = (name.split(".")[0] for name in code.co_names)  # of what it imports itself
        yield from (ENGINES[root] for root in roots if root in _LIBRARIES and root not in namespace)
        waiting += [c for c in code.co_consts if inspect.iscode(c)]


def arrays(xs: Sequence[Any]) -> list[Array]:
    """xs as NumPy arrays with their own dtypes: tensors of any of the engines, nested lists of Values, numbers."""
    return [_array(x) for x in xs]


def _array(x: Any) -> Array:
    if isinstance(x, Value | list):
        return np.asarray(_each(lambda e: e.data if isinstance(e, Value) else e, x))
    if isinstance(x, Tensor):
        return x._data
    try:
        return np.asarray(x.detach() if hasattr(x, "detach") else x)
    except TypeError as error:
        raise TypeError(f"an argument of type {type(x).__name__} and dtype {getattr(x, 'dtype', None)} does not go "
                        "into a NumPy array; give it in float32 or float64") from error  # fmt: skip
