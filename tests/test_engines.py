"""Engines: whose functions they recognise, and that each gives the values and gradients of its library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import microgradx as mg
from microgradx import nn
from microgradx.testing import ENGINES, GradientError, check_grad, check_vjp_contract
from microgradx.testing.engines import HandWritten, recognise

X = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.7]])
W = np.array([0.1, -0.2, 0.3])


def of_tensors(x: Any, w: Any) -> Any:
    return mg.tanh(x @ w) * mg.exp(w[:2])


def of_values(x: Any, w: Any) -> Any:
    return [mg.Value(0.0) + mg.tanh(sum(a * b for a, b in zip(row, w, strict=True))) * c.exp()
            for row, c in zip(x, w, strict=False)]  # fmt: skip


def of_torch(x: Any, w: Any) -> Any:
    import torch

    return torch.tanh(x @ w) * torch.exp(w[:2])


def of_autograd(x: Any, w: Any) -> Any:
    import autograd.numpy as anp

    return anp.tanh(anp.dot(x, w)) * anp.exp(w[:2])


def of_mygrad(x: Any, w: Any) -> Any:
    import mygrad

    return mygrad.tanh(mygrad.matmul(x, w)) * mygrad.exp(w[:2])


def of_jax(x: Any, w: Any) -> Any:
    import jax.numpy as jnp

    return jnp.tanh(x @ w) * jnp.exp(w[:2])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "microgradx": of_tensors, "value": of_values, "torch": of_torch, "autograd": of_autograd, "mygrad": of_mygrad,
    "jax": of_jax,
}  # fmt: skip


def skip_without(name: str) -> None:
    if name not in ("microgradx", "value"):
        pytest.importorskip(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_engine_gives_its_librarys_values_and_gradients(name: str) -> None:
    skip_without(name)
    engine, w = ENGINES[name], np.array([0.75, -1.375])
    y = np.tanh(X @ W)
    np.testing.assert_allclose(engine.value(FUNCTIONS[name], [X.copy(), W.copy()]), y * np.exp(W[:2]), rtol=1e-14)
    dx, dw = engine.vjp(FUNCTIONS[name], [X.copy(), W.copy()], w)
    back = w * np.exp(W[:2]) * (1 - y * y)
    np.testing.assert_allclose(dx, np.outer(back, W), rtol=1e-13)
    np.testing.assert_allclose(dw, back @ X + np.append(w * np.exp(W[:2]) * y, 0), rtol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_recognised_and_checked(name: str) -> None:
    skip_without(name)
    chosen = "value" if name == "value" else "auto"
    report = check_grad(FUNCTIONS[name], X, W, engine=chosen)
    assert (report.engine, report.verdict) == (name, "PASS")
    assert report.resolution < 1e-6
    assert "aliasing" in check_vjp_contract(FUNCTIONS[name], X, W, engine=chosen)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "mygrad"])
def test_gradients_of_gradients(name: str) -> None:
    skip_without(name)
    report = check_grad(FUNCTIONS[name], X, W, engine=name, order=2)
    assert (report.order, report.verdict) == (2, "PASS")
    assert "gradient of the gradient" in str(report)


def test_a_wrong_second_derivative_is_found() -> None:
    class Constant:
        """Its gradient is right, and takes part in no graph."""

        name = "constant"
        value = staticmethod(ENGINES["microgradx"].value)
        vjp = staticmethod(ENGINES["microgradx"].vjp)

        def gradient(self, f: Any, cotangent: Any) -> Any:
            once = ENGINES["microgradx"].gradient(f, cotangent)  # type: ignore[attr-defined]
            return lambda *xs: once(*xs).detach()

    assert check_grad(mg.tanh, np.array([0.3, 1.0]), engine=Constant())
    with pytest.raises(GradientError, match=r"gradient of the gradient of tanh by x0.*\n.*no gradient came back"):
        check_grad(mg.tanh, np.array([0.3, 1.0]), engine=Constant(), order=2)


def test_recognised_by_the_inputs() -> None:
    plain: Callable[[Any], Any] = lambda x: x * x
    assert recognise(plain, [mg.Value(1.0)]).name == "value"
    assert recognise(plain, [[mg.Value(1.0)]]).name == "value"
    assert recognise(plain, [mg.tensor(1.0)]).name == "microgradx"
    assert recognise(plain, [1.0]).name == "microgradx"


def test_recognised_by_what_it_is_or_holds() -> None:
    net = nn.MLP(2, [3, 1])
    assert recognise(lambda x: net(x), [np.ones(2)]).name == "value"
    assert recognise(nn.Linear(2, 3), [np.ones(2)]).name == "microgradx"


def test_recognised_by_torchs_inputs() -> None:
    torch = pytest.importorskip("torch")
    assert recognise(lambda x: x * x, [torch.ones(2)]).name == "torch"
    report = check_grad(lambda x: (x * x).sum(), torch.ones(3))
    assert report.bound[0].shape == (3,)
    torch.manual_seed(0)  # float32 is too coarse for a direction in which the slope happens to be next to 0
    assert check_grad(torch.nn.Linear(3, 2), X.astype(np.float32), directions=2)


def torch_functions() -> dict[str, Any]:
    """What users write in torch: modules of their own, helpers, holders, wrappers; none names torch itself but the
    innermost."""
    torch = pytest.importorskip("torch")

    class Block(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x.tanh() * 2

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(2, 2).double()

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    class Square(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    class Holder:
        def __init__(self) -> None:
            self.net = Net()

        def __call__(self, x: Any) -> Any:
            return self.net(x)

    class Methods:
        def sine(self, x: Any) -> Any:
            return torch.sin(x)

        def __call__(self, x: Any) -> Any:
            return self.sine(x)

        @staticmethod
        def alone(x: Any) -> Any:
            return helper(x)

    helper = lambda x: torch.sin(x)
    outer = lambda x: helper(x) * 2

    @wraps(outer)
    def wrapped(*xs: Any) -> Any:
        return outer(*xs)

    module, holder, weights = ModuleType("mine"), Holder(), {"w": torch.tensor([1.0, 2.0])}
    module.__dict__["helper"] = helper
    return {
        "module": Block(), "module with parts": Net(), "method": Net().forward, "Function": Square.apply,
        "named Function": lambda x: Square.apply(x), "helper": lambda x: helper(x), "two helpers": lambda x: outer(x),
        "holder": holder, "named holder": lambda x: holder(x), "own methods": Methods(), "bound": Methods().sine,
        "static": Methods.alone, "dict": lambda x: x * weights["w"], "wraps": wrapped,
        "partial": partial(lambda a, x: a * helper(x), 2.0),
        "default": lambda x, g=helper: g(x), "user's module": lambda x: module.helper(x),
    }  # fmt: skip


@pytest.mark.parametrize("what", [
    "module", "module with parts", "method", "Function", "named Function", "helper", "two helpers", "holder",
    "named holder", "own methods", "bound", "static", "dict", "partial", "wraps", "default", "user's module",
])  # fmt: skip
def test_users_torch_is_run_by_torch(what: str) -> None:
    f = torch_functions()[what]
    assert check_grad(f, np.array([0.1, 0.2])).engine == "torch"


def test_users_microgradx_is_not_taken_for_torch() -> None:
    class Block(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.tanh() * 2

    helper = lambda x: mg.tanh(x)
    for f in (Block(), lambda x: helper(x), lambda x: x * 2):
        assert recognise(f, [1.0]).name == "microgradx"


def test_another_library_under_torchs_name() -> None:
    namespace: dict[str, Any] = {}
    exec("import microgradx as torch\nf = lambda x: torch.tanh(x)", namespace)
    assert recognise(namespace["f"], [1.0]).name == "microgradx"


def test_the_nearest_library_decides() -> None:
    torch = pytest.importorskip("torch")
    logged = lambda x: torch.tensor(float(x))
    assert recognise(lambda x: (mg.tanh(x), logged), [1.0]).name == "microgradx"


def test_recognised_by_jaxs_wrapper() -> None:
    jax = pytest.importorskip("jax")
    assert recognise(jax.vmap(lambda row: row @ row), [X]).name == "jax"
    assert recognise(jax.jit(lambda x: x * x), [X]).name == "jax"


def test_recognised_by_torchs_wrapper() -> None:
    torch = pytest.importorskip("torch")
    assert recognise(torch.enable_grad()(lambda x: x * x), [X]).name == "torch"


def test_torch_must_give_a_tensor_that_numpy_has() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="must give one tensor, got tuple; of several results check each"):
        check_grad(lambda x: (x, x), torch.ones(2))
    with pytest.raises(TypeError, match=r"torch.bfloat16 does not go into a NumPy array; give it in float32"):
        check_grad(lambda x: x, torch.ones(2, dtype=torch.bfloat16))


def test_two_libraries_in_one_function() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="microgradx and torch; say which one: engine='microgradx'"):
        recognise(lambda x: torch.tanh(mg.tanh(x)), [1.0])


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mygrad", None)
    monkeypatch.delitem(ENGINES["mygrad"].__dict__, "module", raising=False)
    with pytest.raises(ImportError, match="needs the package mygrad: pip install mygrad"):
        ENGINES["mygrad"].value(of_mygrad, [X, W])


# ---- hand-written --------------------------------------------------------------------------------------------
def scaled(x: Any, s: Any, i: Any = None) -> Any:
    return x * s


@pytest.mark.parametrize(
    "vjp",
    [
        lambda xs, g: [g * xs[1], (g * xs[0]).sum()],
        lambda xs, g: (g * xs[1], (g * xs[0]).sum(), None),
        lambda xs, g: {"s": (g * xs[0]).sum(), "x": g * xs[1]},
    ],
)
def test_a_vjp_may_give_its_gradients_in_any_of_three_forms(vjp: Any) -> None:
    xs = [np.array([1.0, 2.0]), np.array(3.0), np.array([0, 1])]
    found = HandWritten(vjp).vjp(scaled, xs, np.array([1.0, 10.0]))
    assert [None if g is None else g.tolist() for g in found] == [[3.0, 30.0], 21.0, None]
    assert check_grad(scaled, *xs, vjp=vjp)


def test_a_single_gradient_needs_no_list() -> None:
    assert check_grad(np.sin, np.array([1.0, 2.0]), vjp=lambda xs, g: g * np.cos(xs[0]))


def test_too_few_gradients() -> None:
    with pytest.raises(ValueError, match="each of 2 arguments, got 1"):
        check_grad(lambda x, s: x * s, 1.0, 2.0, vjp=lambda xs, g: [g])


def test_any_object_with_the_methods_is_an_engine() -> None:
    engine = SimpleNamespace(name="mine", value=lambda f, xs: f(*xs), vjp=lambda f, xs, g: [3 * g * xs[0] ** 2])
    report = check_grad(lambda x: x**3, np.array([1.0, 2.0]), engine=engine)
    assert report.engine == "mine"


# ---- found in other libraries ----------------------------------------------------------------------------------
def test_autograds_where_does_not_sum_over_what_was_broadcast() -> None:
    anp = pytest.importorskip("autograd.numpy")
    mask = np.array([1, 0, 1], bool)
    with pytest.raises(GradientError, match=r"x: the gradient has shape \(3,\), and x itself \(\)"):
        check_grad(lambda x: anp.sum(anp.where(mask, x, 0.0) + x), np.array(2.0))


def test_mygrads_maximum_of_one_array_with_itself() -> None:
    mygrad = pytest.importorskip("mygrad")
    with pytest.raises(GradientError, match="x: the gradient is zero throughout"):
        check_grad(lambda x: mygrad.maximum(x, x), np.array([1.0, 2.0]))
