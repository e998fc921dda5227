"""Reproducers run: whatever a function refers to, the printed script fails as the check did."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import microgradx as mg
from microgradx.testing import GradientError, GradReport, check_grad

X = np.array([0.1, 0.2])
W = np.arange(2.0) + 1
LARGE = [np.arange(2000.0), np.ones(3)]
OPS = (np.sin, np.cos)
SETTINGS = {"w": W, "s": {1, 2}, "c": 1 + 2j, "t": np.float32, "d": np.dtype("float64"), "n": {"deep": (W,)}}
Pair = namedtuple("Pair", "a b")
PAIR, HALF = Pair(1.0, W), np.float32(0.5)
REGISTRY: dict[str, Any] = {}
Vjp = Callable[..., Any]


def f(x: Any) -> Any:
    return np.sin(x)


def vjp(x: Any, g: Any) -> Any:
    return g * np.sin(x)


def array(x: Any) -> Any:
    return np.asarray(x) * 2


x_x, cotangent, inf = 3.0, W, float("inf")


def register(name: str) -> Callable[[Any], Any]:
    def put(function: Any) -> Any:
        REGISTRY[name] = function
        return function

    return put


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*xs: Any) -> Any:
        return function(*xs)

    return wrapper


@register("a")
def registered(x: Any) -> Any:
    return np.sin(x)


@logged
def wrapped(x: Any) -> Any:
    return np.sin(x)


@functools.cache
def cached(k: int) -> float:
    return k * 2.0


def defaults(x: Any, w: Any = W, act: Any = np.tanh, *, k: int = len(W), z: int = 3) -> Any:
    return act(x * w) * k * z


def factorial(x: Any, n: int = 3) -> Any:
    return x if n == 0 else factorial(x, n - 1) * x


def even(x: Any, n: int = 4) -> Any:
    return x if n == 0 else odd(x, n - 1)


def odd(x: Any, n: int) -> Any:
    return even(x, n - 1) * x


@dataclasses.dataclass
class Callable_:
    w: Any

    def __call__(self, x: Any) -> Any:
        return f(x) * self.w

    def method(self, x: Any) -> Any:
        return self(x) + W

    @staticmethod
    def static(x: Any) -> Any:
        return f(x) + W

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return f(x)


class Derived(Callable_):
    def __call__(self, x: Any) -> Any:
        return super().__call__(x) + 1


class Slots:
    __slots__ = ("w",)

    def __init__(self, w: Any) -> None:
        self.w = w

    def __call__(self, x: Any) -> Any:
        return x * self.w


class Colour(enum.Enum):
    RED = 1


COLOUR, ORDERED, RANDOM = Colour.RED, OrderedDict(w=W), np.random.default_rng(0)


def closure(k: float) -> Any:
    return lambda x: x * k


TWICE, THRICE = closure(2.0), closure(3.0)


def shadowing() -> Any:
    f = lambda x: np.cos(x)
    return lambda x: f(x) + W


def of_several_lines() -> Any:
    return (
        lambda x: np.sin(x)
        * 2
    )  # fmt: skip


SINE, COSINE = lambda x: np.sin(x), lambda x: np.cos(x)
LINEAR, WEIGHTS = mg.nn.Linear(2, 2, dtype=mg.float64), mg.tensor([1.0, 2.0], dtype=mg.float64)

bad: Vjp = lambda xs, g: [g * 0 + 7.0]
CASES: dict[str, tuple[Any, Vjp | None]] = {
    "a helper called f": (lambda x: f(x) * 2, bad),
    "a helper called vjp": (lambda x: x * x, lambda xs, g: vjp(xs[0], g) * 7),
    "both": (lambda x: f(x), lambda xs, g: [vjp(f(xs[0]), g) * 5]),
    "f itself": (f, bad),
    "a local f": (shadowing(), bad),
    "names of the script": (lambda x: array(x) * x_x + cotangent, bad),
    "infinity": (lambda x: np.minimum(x, inf), bad),
    "a decorator that registers": (registered, bad),
    "a decorator that wraps": (wrapped, bad),
    "a decorator of the library": (lambda x: x * cached(2), bad),
    "defaults": (defaults, bad),
    "a default of a lambda": (lambda x, w=W * 2: x * w, bad),
    "recursion": (factorial, bad),
    "two functions that call each other": (even, bad),
    "dict, set, complex, dtype": (
        lambda x: x * SETTINGS["w"] * abs(SETTINGS["c"]) * SETTINGS["n"]["deep"][0] + len(SETTINGS["s"]), bad),
    "large arrays in a list": (lambda x: x * LARGE[0].sum(), bad),
    "ufuncs in a tuple": (lambda x: OPS[0](x), bad),
    "a ufunc": (np.sin, bad),
    "a callable object": (Callable_(W), bad),
    "one of a derived class": (Derived(W), bad),
    "one with slots": (Slots(W), bad),
    "a bound method": (Callable_(W).method, bad),
    "a static method": (Callable_.static, bad),
    "a class method": (Callable_.of_class, bad),
    "partial": (functools.partial(lambda a, x: x * a, 2.0), bad),
    "a partial vjp": (lambda x: x * x, functools.partial(lambda k, xs, g: [g * k], 2.0)),
    "an enum": (lambda x: x * (2 if COLOUR is Colour.RED else 3), bad),
    "a namedtuple": (lambda x: x * PAIR.b * HALF, bad),
    "an OrderedDict": (lambda x: x * ORDERED["w"], bad),
    "two lambdas on a line": (lambda x: SINE(x) * COSINE(x), bad),
    "two closures": (lambda x: TWICE(x) + THRICE(x), bad),
    "several lines": (of_several_lines(), bad),
    "a layer": (lambda x: LINEAR(x) * x.detach(), None),
    "a tensor": (lambda x: x * WEIGHTS * x.detach(), None),
}  # fmt: skip


def failed(f: Any, vjp: Any = None, x: Any = X, **options: Any) -> GradReport:
    with pytest.raises(GradientError) as caught:
        check_grad(f, x, vjp=vjp, **options)
    found: GradReport = caught.value.report
    return found


def same_when_run(report: GradReport) -> str:
    code = report.reproducer()
    with pytest.raises(GradientError) as again:
        exec(code, {"__name__": "__main__"})
    verdict, printed = (str(each).splitlines()[0].partition(" by ")[2] for each in (report, again.value.report))
    assert verdict == printed
    assert "..." not in code
    return code


@pytest.mark.parametrize("case", CASES)
def test_a_reproducer_runs(case: str) -> None:
    same_when_run(failed(*CASES[case]))


def test_a_helper_keeps_its_name() -> None:
    code = same_when_run(failed(*CASES["both"]))
    assert "f_1 = lambda x: f(x)\n" in code
    assert code.endswith("check_grad(f_1, x_x, vjp=vjp_1)")


def test_the_lambda_that_it_is_of_two_on_a_line() -> None:
    assert "f = lambda x: np.cos(x)\n" in same_when_run(failed(COSINE, bad))


def test_a_default_is_what_it_was() -> None:
    assert "def defaults(x: Any, w: Any = W, act: Any = tanh, *, k: int = 2, z: int = 3)" in same_when_run(
        failed(defaults, bad)
    )


class Engine_:
    name = "mine"

    def __init__(self, wrong: float) -> None:
        self.wrong = wrong

    def value(self, f: Any, xs: Any) -> Any:
        return f(*xs)

    def vjp(self, f: Any, xs: Any, g: Any) -> Any:
        return [g * 0 + self.wrong]


@pytest.mark.parametrize("engine", [
    Engine_(7.0), SimpleNamespace(name="torch", value=lambda f, xs: f(*xs), vjp=lambda f, xs, g: [g * 0]),
])  # fmt: skip
def test_an_engine_of_ones_own_is_printed(engine: Any) -> None:
    code = same_when_run(failed(lambda x: x * x, engine=engine, cotangent=np.array([1.0, 2.0])))
    assert "engine=engine, cotangent=cotangent" in code


def test_torch_is_printed() -> None:
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 3 * g * ctx.saved_tensors[0]

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.w = torch.nn.Linear(2, 2).double(), W

        def forward(self, x: Any) -> Any:
            return self.inner(x) * x.detach()

    @torch.enable_grad()  # type: ignore[untyped-decorator]
    def decorated(x: Any) -> Any:
        return Square.apply(x) + torch.tensor(W)

    for function in (Square.apply, lambda x: Square.apply(x), Net(), decorated):
        same_when_run(failed(function))
    assert "_hooks" not in same_when_run(failed(Net()))


def test_what_cannot_be_printed_is_named() -> None:
    with open(__file__) as file:
        report = failed(lambda x: x * len(file.name), bad)
    first, *rest = report.reproducer().splitlines()
    assert first == "# not complete: file must be put in where `...` stands"
    assert "file = ...  # put a TextIOWrapper here: cannot pickle '_io.TextIOWrapper' object" in rest


def test_an_object_that_raises_when_it_is_looked_at_is_named() -> None:
    class Sealed:
        w = 3.0

        def __reduce_ex__(self, protocol: Any) -> Any:
            raise RuntimeError("sealed\nfor good")

    sealed = Sealed()
    assert "sealed = ...  # put a Sealed here: sealed\n" in failed(lambda x: x * sealed.w, bad).reproducer()
