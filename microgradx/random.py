"""Seeded random numbers: the stream of PyTorch's CPU generator, so that one seed gives the same numbers in both.

>>> manual_seed(0).initial_seed()
0
>>> rand(2, 3)
tensor([[0.4963, 0.7682, 0.0885],
        [0.1320, 0.3074, 0.6341]])
>>> g = Generator().manual_seed(2147483647)
>>> randint(0, 32, (4,), generator=g), randperm(4, generator=g)
(tensor([15, 10, 29, 12]), tensor([1, 0, 2, 3]))

Integers, orders and float32 uniforms are equal to the last bit; normal numbers and what is uniform in float64 to
rounding. PyTorch on Intel processors takes `exponential_` and `bernoulli_(p)` with a float p, hence dropout and
`multinomial`, from Intel's library, which gives other numbers than on all other processors; these here are the latter.
"""

from __future__ import annotations

import math
import operator
import secrets
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import dtypes
from .scopes import no_grad
from .tensor import Tensor

__all__ = [
    "Generator", "default_generator", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "rand",
    "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like", "randint_like",
]  # fmt: skip

Array = NDArray[Any]
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
FIRST_SEED = 67280421310721  # that of a generator which nobody has seeded
BLOCK = 16  # normal numbers are made from so many uniform ones at a time; fewer are made in pairs
WIDE = 2**28  # a range of so many integers takes two words of the stream for each of them
ORDER_LIMIT = 2**32 // 20  # from here on PyTorch's randperm draws in another way
#: a generator's state as PyTorch lays it out; `left` counts the words of `key` that are still to come, from 1
STATE = np.dtype({
    "names": ["seed", "left", "seeded", "next", "key", "normal", "normal_is_valid"],
    "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", 624), "<f8", "<i4"],
    "offsets": [0, 8, 12, 16, 24, 5024, 5040],
    "itemsize": 5056,
})  # fmt: skip


class Generator:
    """A stream of random numbers of its own, by the Mersenne Twister MT19937: `randn(3, generator=g)`.

    Raises RuntimeError for a device other than "cpu".
    """

    __slots__ = ("_bits", "_seed", "_spare", "device")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = dtypes.device(device)
        self._bits = np.random.MT19937(0)
        self.manual_seed(FIRST_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream of `seed`, of which the lowest 32 bits count. Gives the generator itself.

        Raises RuntimeError for what is no integer, ValueError outside of -2**63 to 2**64 - 1.
        """
        try:
            seed = operator.index(seed)
        except TypeError:
            raise RuntimeError(f"manual_seed expects an integer, got {seed!r} of type {type(seed).__name__}") from None
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"a seed lies between -2**63 and 2**64 - 1, got {seed}")
        self._seed = seed % 2**64
        np.random.RandomState(self._bits).seed(self._seed % 2**32)
        self._spare: Array = np.empty(0)
        return self

    def initial_seed(self) -> int:
        """The seed that the stream began with."""
        return self._seed

    def seed(self) -> int:
        """Begin the stream of a seed that nobody can foresee, and give that seed."""
        return self.manual_seed(secrets.randbits(64)).initial_seed()

    def get_state(self) -> Tensor:
        """Where the stream stands: uint8, shape (5056,). PyTorch's generator takes it too."""
        state: Any = np.zeros(1, STATE)
        twister = self._bits.state["state"]
        state["seed"], state["seeded"] = self._seed, 1
        state["key"], state["next"], state["left"] = twister["key"], twister["pos"], 625 - twister["pos"]
        if self._spare.size:
            state["normal"], state["normal_is_valid"] = self._spare[0], 1
        return Tensor._of(state.view(np.uint8))

    def set_state(self, new_state: Tensor | Array) -> Generator:
        """Go on from what `get_state` gave, here or in PyTorch. Raises TypeError or RuntimeError for anything else."""
        data = np.asarray(new_state)
        if data.dtype != np.uint8:
            raise TypeError(f"a generator's state is a tensor of uint8, got {dtypes.of(data.dtype)}")
        if data.shape != (STATE.itemsize,):
            raise RuntimeError(f"a generator's state has the shape ({STATE.itemsize},), got {data.shape}")
        state = np.ascontiguousarray(data).view(STATE)[0]
        if not (state["seeded"] == 1 and 1 <= state["left"] <= 624):
            raise RuntimeError("these bytes are no state of a generator; use what get_state() gave")
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": state["key"].astype(np.uint32), "pos": 625 - int(state["left"])},
        }
        self._seed = int(state["seed"])
        self._spare = state["normal"].reshape(1) if state["normal_is_valid"] else np.empty(0)
        return self

    def clone_state(self) -> Generator:
        """A generator that goes on as this one would."""
        return Generator(self.device).set_state(self.get_state())

    # ---- what the stream is made into: flat arrays of n numbers of a NumPy dtype ------------------------------

    def _words(self, n: int) -> Array:
        """n words of 32 bits, as uint64."""
        words: Array = self._bits.random_raw(n)
        return words

    def _long_words(self, n: int) -> Array:
        """n words of 64 bits, of which the high half comes first."""
        words = self._words(2 * n)
        return words[::2] << np.uint64(32) | words[1::2]

    def _unit(self, n: int, dtype: np.dtype[Any] = FLOAT64) -> Array:
        """Uniform in [0, 1): float64 with 53 bits, or float32 with 24 for all other dtypes."""
        if dtype == FLOAT64:
            return (self._long_words(n) & np.uint64(2**53 - 1)) * 2.0**-53
        return (self._words(n) & np.uint64(2**24 - 1)).astype(FLOAT32) * np.float32(2.0**-24)

    def _uniform(self, n: int, dtype: np.dtype[Any], low: float = 0.0, high: float = 1.0) -> Array:
        _floating("uniform", dtype)
        most = float(np.finfo(dtype).max)
        if not (-most <= low <= high <= most and high - low <= most):
            raise RuntimeError(
                f"uniform_ expects bounds from <= to within {dtypes.of(dtype)}, got from={low} and to={high}"
            )
        unit = self._unit(n, dtype)
        if (low, high) == (0, 1) and dtype != np.float16:
            return unit
        span = high - low if dtype == FLOAT64 else float(np.float32(high) - np.float32(low))
        drawn = _scaled(unit, span, low).astype(dtype, copy=False)
        drawn[drawn == dtype.type(high)] = low  # rounding may reach the bound, which is to stay outside
        return drawn

    def _normal(
        self, n: int, dtype: np.dtype[Any], mean: float = 0.0, std: float = 1.0, contiguous: bool = True
    ) -> Array:
        """`contiguous`: whether they are for memory in one piece; what is scattered is filled by pairs at any size."""
        _floating("normal", dtype)
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        if n < BLOCK or not contiguous:
            return (self._pairs(n) * std + mean).astype(dtype)
        rest = n % BLOCK
        whole = n - rest
        first = whole if dtype == np.float16 else n
        unit = self._unit(first + BLOCK * (rest > 0), dtype)
        # The last block ends where the numbers end: it takes new draws, and the place of some of the block before.
        blocks = np.concatenate([unit[:whole], unit[first:]]).reshape(-1, 2, BLOCK // 2)
        radius = np.sqrt(-2 * np.log(1 - blocks[:, 0]))
        drawn = _around(radius, blocks[:, 1])
        if rest:
            drawn = np.concatenate([drawn[: n - BLOCK], drawn[-BLOCK:]])
        return (drawn if (mean, std) == (0, 1) else _scaled(drawn, std, mean)).astype(dtype, copy=False)

    def _pairs(self, n: int) -> Array:
        """Normal float64 numbers by two; where n is odd, the second of the last two waits for the next call."""
        angle, radius = self._unit(max(n - self._spare.size + 1, 0) // 2 * 2).reshape(-1, 2).T
        drawn = np.concatenate([self._spare, _around(np.sqrt(-2 * np.log1p(-radius)), angle)])
        self._spare = drawn[n:].copy()
        return drawn[:n]

    def _log_normal(self, n: int, dtype: np.dtype[Any], mean: float, std: float) -> Array:
        _floating("log_normal_", dtype)
        _positive("log_normal_", "std", std)
        return np.exp(self._pairs(n) * std + mean).astype(dtype)

    def _exponential(self, n: int, dtype: np.dtype[Any], rate: float = 1.0) -> Array:
        _floating("exponential_", dtype)
        _positive("exponential_", "lambda", rate)
        return (-1 / rate * np.log1p(-self._unit(n))).astype(dtype)

    def _cauchy(self, n: int, dtype: np.dtype[Any], median: float, sigma: float) -> Array:
        _floating("cauchy_", dtype)
        _positive("cauchy_", "sigma", sigma)
        return (sigma * np.tan(math.pi * (self._unit(n) - 0.5)) + median).astype(dtype)

    def _geometric(self, n: int, dtype: np.dtype[Any], p: float) -> Array:
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
        if dtype.kind == "b":
            raise NotImplementedError("geometric_ gives numbers from 1 on, not torch.bool; give it another dtype")
        return np.ceil(np.log(self._unit(n)) / math.log1p(-p)).astype(np.int64).astype(dtype)

    def _bernoulli(self, n: int, dtype: np.dtype[Any], p: float | Array = 0.5) -> Array:
        """1 with probability p, which is one number or n of them."""
        if not np.all((p >= 0) & (p <= 1)):
            raise RuntimeError(f"bernoulli expects p to be in [0, 1], but got p={p}")
        unit = self._unit(n, p.dtype if isinstance(p, np.ndarray) else FLOAT64)
        return (unit < p).astype(dtype)

    def _integers(self, n: int, dtype: np.dtype[Any], low: int, high: int) -> Array:
        """From `low` to `high` - 1."""
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        least, most = _whole(dtype)
        if low < least or high - 1 > most:
            raise RuntimeError(
                f"random_ from={low} to={high} is out of bounds: {dtypes.of(dtype)} holds from {least} to {most}"
            )
        span = high - low
        words = self._long_words(n) if span >= WIDE else self._words(n)
        if span < 2**64:  # or else every word is one of the integers
            words = (words % np.uint64(span)).view(np.int64) + low
        return words.astype(dtype)

    def _natural(self, n: int, dtype: np.dtype[Any]) -> Array:
        """From 0 to the largest integer of the dtype."""
        words = self._long_words(n) if dtype.itemsize == 8 else self._words(n)
        return (words % np.uint64(_whole(dtype)[1] + 1)).astype(dtype)

    def _permutation(self, n: int, dtype: np.dtype[Any]) -> Array:
        """The integers from 0 to n - 1, of which step i swaps those at place i and at a random place from i on.

        All steps at once, since each depends on few others: a loop over them takes five times as long.
        """
        most = _whole(dtype)[1]
        if n - 1 > most:
            raise RuntimeError(f"randperm to {n - 1} is out of bounds: {dtypes.of(dtype)} holds up to {most}")
        if n >= ORDER_LIMIT:
            raise RuntimeError(f"randperm expects n < {ORDER_LIMIT}, got {n}")
        steps = np.arange(n)
        places = steps.copy()
        places[:-1] += (self._words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint64)).view(np.int64)
        # What step i finds at place i, the last earlier step to that place has left there: what it found itself.
        origin = steps.copy()
        origin[places] = steps
        while ((further := origin[origin]) != origin).any():
            origin = further
        # What it brings from its random place, the last earlier step to that place has left there, if there was one.
        place, step = np.divmod(np.sort(places * n + steps), n)
        again = np.flatnonzero(place[1:] == place[:-1])
        places[step[again + 1]] = origin[step[again]]
        return places.astype(dtype)

    def _multinomial(self, weights: Array, n: int, replacement: bool) -> Array:
        """n column numbers for each row of weights, shape (rows, n)."""
        if n == 1 or not replacement:  # the column whose clock rings first, weights being the clocks' rates
            clocks = _laid_out(self._exponential(weights.size, weights.dtype), np.empty_like(weights))
            chances = weights / clocks
            return chances.argmax(1)[:, None] if n == 1 else (-chances).argsort(1)[:, :n]
        unit = self._unit(len(weights) * n).reshape(-1, n)
        shares = weights.cumsum(1)
        shares /= shares[:, -1:]
        return np.array([np.searchsorted(*row) for row in zip(shares, unit, strict=True)], np.int64).reshape(-1, n)


# ---- helpers ---------------------------------------------------------------------------------------------
def _scaled(x: Array, factor: float, shift: float) -> Array:
    """x·factor + shift, of float32 with one rounding at the end, as processors do it that fuse the two."""
    if x.dtype == FLOAT64:
        return x * factor + shift
    return (x.astype(FLOAT64) * float(np.float32(factor)) + float(np.float32(shift))).astype(FLOAT32)


def _around(radius: Array, turns: Array) -> Array:
    """The coordinates of points on circles: for each row all the first ones, then all the second ones."""
    angle = turns * radius.dtype.type(2 * math.pi)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()


def _whole(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest integer that the dtype holds; of a floating one, with no gap between them."""
    if dtype.kind == "f":
        most = 2 ** (np.finfo(dtype).nmant + 1)
        return -most, most
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def _floating(what: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f":
        raise NotImplementedError(f"{what} gives floating-point numbers, not {dtypes.of(dtype)}; give it another dtype")


def _positive(what: str, name: str, x: float) -> None:
    if not x > 0:
        raise RuntimeError(f"{what} expects {name} > 0.0, but found {name}={x}")


def _axes(like: Array) -> list[int]:
    """The axes from the widest step in memory to the narrowest: the order in which PyTorch fills a tensor."""
    return sorted(range(like.ndim), key=lambda axis: -like.strides[axis])


def _laid_out(flat: Array, like: Array) -> Array:
    """The numbers in the shape of `like`, in the order in which its elements lie in memory."""
    if like.flags.c_contiguous:
        return flat.reshape(like.shape)
    axes = _axes(like)
    return flat.reshape([like.shape[axis] for axis in axes]).transpose([axes.index(axis) for axis in range(like.ndim)])


def _drawn(generator: Generator | None, draw: Callable[..., Array], *args: Any) -> Array:
    generator = default_generator if generator is None else generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator is a Generator or None, got {type(generator).__name__}")
    with np.errstate(all="ignore"):  # IEEE arithmetic: what is too large for the dtype is infinite
        return draw(generator, *args)


# ---- the default generator -------------------------------------------------------------------------------
default_generator = Generator()


def manual_seed(seed: Any) -> Generator:
    """Begin the stream of `seed` in the default generator, and give that. Raises ValueError as Generator's does."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Begin a stream that nobody can foresee in the default generator, and give its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator's stream began with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the default generator stands: uint8, shape (5056,)."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor | Array) -> None:
    """Let the default generator go on from what `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """What is drawn inside leaves the default generator as it was. `devices` is for PyTorch's other devices."""
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


# ---- new tensors of random numbers -----------------------------------------------------------------------
def _shape(what: str, sizes: tuple[Any, ...], size: Any) -> dtypes.Size:
    if size is not None:
        sizes = (*sizes, size)
    if not sizes:
        raise TypeError(f"{what} expects a shape: {what}(2, 3) or {what}((2, 3)); {what}(()) gives one number")
    shape = dtypes.size(sizes)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def _new(
    draw: Callable[..., Array], shape: dtypes.Size, args: tuple[Any, ...], generator: Generator | None, dtype: Any,
    device: Any, requires_grad: bool,
) -> Tensor:  # fmt: skip
    dtypes.device("cpu" if device is None else device)
    kind = dtypes.default() if dtype is None else dtypes.of(dtype).numpy
    return Tensor._of(_drawn(generator, draw, shape.numel(), kind, *args).reshape(shape)).requires_grad_(requires_grad)


def rand(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform in [0, 1), of shape `rand(2, 3)`, `rand((2, 3))` or `rand(size=(2, 3))`."""
    return _new(Generator._uniform, _shape("rand", sizes, size), (), generator, dtype, device, requires_grad)


def randn(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal, of mean 0 and standard deviation 1."""
    return _new(Generator._normal, _shape("randn", sizes, size), (), generator, dtype, device, requires_grad)


def randint(
    low: Any = 0, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from low to high - 1: `randint(high, size)` (from 0) or `randint(low, high, size)`, size a tuple.

    They are int64 unless another dtype is given. Raises RuntimeError unless low < high and the dtype holds them all.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, tuple | list):
        raise TypeError(f"randint expects (high, size) or (low, high, size) with a tuple as size, got size={size!r}")
    shape, bounds = _shape("randint", (), size), (_integer("low", low), _integer("high", high))
    return _new(Generator._integers, shape, bounds, generator, dtype or dtypes.int64, device, requires_grad)


def _integer(name: str, x: Any) -> int:
    try:
        return operator.index(x)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {x!r} of type {type(x).__name__}") from None


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The integers from 0 to n - 1 in random order, int64. Raises RuntimeError for a dtype that does not hold them."""
    shape = _shape("randperm", (_integer("n", n),), None)
    return _new(Generator._permutation, shape, (), generator, dtype or dtypes.int64, device, requires_grad)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers: `normal(0.0, 1.0, size=(2, 3))`, or with tensors that broadcast as mean, std or both.

    Raises TypeError for two numbers without a size, RuntimeError for a negative std.
    """
    given = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not given:
        if not isinstance(size, tuple | list):
            raise TypeError(f"normal of two numbers expects a tuple as size, got size={size!r}")
        shape = _shape("normal", (), size)
        return _new(Generator._normal, shape, (mean, std), generator, dtype, device, requires_grad)
    if size is not None or dtype is not None:
        raise TypeError("normal takes shape and dtype from its tensors; leave out size and dtype")
    arrays = [x._data if isinstance(x, Tensor) else x for x in (mean, std)]
    if not np.all(arrays[1] >= 0):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    try:
        shape = dtypes.Size(np.broadcast_shapes(*(x.shape for x in given)))
    except ValueError:
        raise RuntimeError(f"mean and std do not broadcast: {tuple(mean.shape)} and {tuple(std.shape)}") from None
    drawn = _drawn(generator, Generator._normal, shape.numel(), given[0]._data.dtype).reshape(shape)
    for operate, array in (np.multiply, arrays[1]), (np.add, arrays[0]):
        drawn = operate(drawn, array, out=drawn, casting="same_kind")
    return Tensor._of(drawn)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that `input` has at each place, or with probability p everywhere, and else 0.

    Raises RuntimeError for a probability outside of [0, 1].
    """
    _expect_tensor(input)
    drawn = Tensor._of(np.empty(input._data.shape, input._data.dtype))
    return bernoulli_(drawn, input if p is None else p, generator=generator)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Column numbers drawn by the weights of each row, which need not sum to 1.

    input: shape (columns,) or (rows, columns); the result int64, (num_samples,) or (rows, num_samples). Raises
    RuntimeError for weights that are negative, not finite, or all 0, and for more samples without replacement than
    a row has weights above 0.
    """
    _expect_tensor(input)
    weights, n = input._data, _integer("num_samples", num_samples)
    if weights.dtype.kind != "f":
        raise RuntimeError(f"multinomial expects weights of a floating-point dtype, got {input.dtype}")
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial expects weights of 1 or 2 dimensions, got the shape {tuple(weights.shape)}")
    if n <= 0:
        raise RuntimeError(f"multinomial cannot draw {n} samples; num_samples is at least 1")
    rows = weights.reshape(-1, weights.shape[-1]) if weights.ndim == 2 else weights[None]
    if not np.all(np.isfinite(rows) & (rows >= 0)):
        raise RuntimeError("multinomial expects weights that are finite and at least 0")
    possible = np.count_nonzero(rows, 1).min(initial=rows.shape[1])
    if possible < (1 if replacement else n):
        raise RuntimeError(
            f"multinomial cannot draw {n} samples {'with' if replacement else 'without'} replacement from a row with "
            f"{possible} weights above 0"
        )
    return Tensor._of(_drawn(generator, Generator._multinomial, rows, n, replacement).reshape(*weights.shape[:-1], n))


def _expect_tensor(input: Any) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"expected a Tensor, got {type(input).__name__}")


def _empty_like(input: Tensor, dtype: Any = None, device: Any = None) -> Tensor:
    """Memory for other numbers of the same shape, in the same order where `input` fills its own."""
    _expect_tensor(input)
    dtypes.device("cpu" if device is None else device)
    kind = None if dtype is None else dtypes.of(dtype).numpy
    return Tensor._of(np.empty_like(input._data, kind, order="C" if 0 in input._data.strides else "K"))


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform in [0, 1), in the shape and dtype of `input`."""
    return uniform_(_empty_like(input, dtype, device), generator=generator).requires_grad_(requires_grad)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal, in the shape and dtype of `input`."""
    return normal_(_empty_like(input, dtype, device), generator=generator).requires_grad_(requires_grad)


def randint_like(
    input: Tensor, low: Any, high: Any = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from low to high - 1, or from 0 to low - 1, in the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    return random_(_empty_like(input, dtype, device), low, high, generator=generator).requires_grad_(requires_grad)


# ---- in place --------------------------------------------------------------------------------------------
def _fill(tensor: Tensor, draw: Callable[..., Array], *args: Any, generator: Generator | None) -> Tensor:
    tensor._writable()
    data = tensor._data
    tensor[...] = Tensor._of(_laid_out(_drawn(generator, draw, data.size, data.dtype, *args), data))
    return tensor


def uniform_(tensor: Tensor, low: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers of [low, to)."""
    return _fill(tensor, Generator._uniform, float(low), float(to), generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers."""
    contiguous = tensor._data.flags.c_contiguous
    return _fill(tensor, Generator._normal, float(mean), float(std), contiguous, generator=generator)


def random_(tensor: Tensor, *bounds: Any, to: Any = None, generator: Generator | None = None) -> Tensor:
    """Fill with integers: `random_()` from 0 to the largest of the dtype, `random_(to)`, `random_(low, to)`.

    Raises RuntimeError unless low < to and the dtype holds them all.
    """
    if len(bounds) + (to is not None) > 2:
        raise TypeError(f"random_ expects (), (to) or (low, to), got {(*bounds, to)}")
    if not bounds and to is None:
        return _fill(tensor, Generator._natural, generator=generator)
    *rest, high = bounds if to is None else (*bounds, to)
    low = _integer("low", rest[0] if rest else 0)
    high = _whole(tensor._data.dtype)[1] + 1 if high is None else _integer("to", high)
    return _fill(tensor, Generator._integers, low, high, generator=generator)


def bernoulli_(tensor: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability p, a number or a tensor that broadcasts, and else 0."""
    if not isinstance(p, Tensor):
        return _fill(tensor, Generator._bernoulli, p, generator=generator)
    _floating("a tensor of probabilities", p._data.dtype)
    data = tensor._data
    try:
        each = np.broadcast_to(p._data, data.shape)
    except ValueError:
        raise RuntimeError(f"p of shape {tuple(p.shape)} does not broadcast to {tuple(tensor.shape)}") from None
    return _fill(tensor, Generator._bernoulli, each.transpose(_axes(data)).ravel(), generator=generator)


def exponential_(tensor: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential numbers of rate `lambd`, mean 1 / lambd."""
    return _fill(tensor, Generator._exponential, lambd, generator=generator)


def log_normal_(tensor: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and std."""
    return _fill(tensor, Generator._log_normal, mean, std, generator=generator)


def cauchy_(tensor: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of a Cauchy distribution."""
    return _fill(tensor, Generator._cauchy, median, sigma, generator=generator)


def geometric_(tensor: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of trials up to the first success, each of probability p in (0, 1)."""
    return _fill(tensor, Generator._geometric, p, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill with normal numbers, those outside of [a, b] drawn again; where few would lie inside, by rejection.

    Warns when the mean is more than 2 std outside of [a, b].
    """
    if not a - 2 * std <= mean <= b + 2 * std:
        warnings.warn("trunc_normal_: mean is more than 2 std from [a, b], where draws are rare", stacklevel=2)
    below_a, below_b = (math.erfc((mean - x) / (std * math.sqrt(2))) / 2 for x in (a, b))
    common = below_b - below_a > 0.3
    peak = ((max(a, min(mean, b)) - mean) / std) ** 2
    limits = tensor._data.dtype.type([a, b])

    def refused(x: Array) -> Any:
        if common:
            return (x < limits[0]) | (x > limits[1])
        height = uniform_(_empty_like(Tensor._of(x)), generator=generator)
        return height.log()._data > -0.5 * (((x - mean) / std) ** 2 - peak)

    draw, bounds = (normal_, (mean, std)) if common else (uniform_, (a, b))
    with no_grad():
        wrong = refused(draw(tensor, *bounds, generator=generator)._data)
        while wrong.any():
            again = draw(_empty_like(tensor), *bounds, generator=generator)
            tensor[Tensor._of(wrong)] = again[Tensor._of(wrong)]
            wrong &= refused(again._data)
    return tensor


def keep_mask(like: Array, p: float, generator: Generator | None = None) -> NDArray[np.bool_]:
    """Dropout's draws: True with probability p, in the shape and the order in memory of `like`."""
    return bernoulli_(_empty_like(Tensor._of(like), dtypes.bool), p, generator=generator)._data


for _method in (
    uniform_, normal_, random_, bernoulli_, exponential_, log_normal_, cauchy_, geometric_, bernoulli, multinomial
):  # fmt: skip
    setattr(Tensor, _method.__name__, _method)
