"""Batches against PyTorch: the same programs run in both where it is installed; its stored numbers run everywhere."""

from __future__ import annotations

import types
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradx as mg
from microgradx.utils import data

Point = namedtuple("Point", ["x", "label"])


def plain(x: Any) -> Any:
    """Tensors as (dtype, nested lists), so that those of two libraries compare; collections with their kind."""
    if hasattr(x, "requires_grad"):
        return str(x.dtype), x.tolist()
    if isinstance(x, Mapping):
        return type(x).__name__, {key: plain(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x).__name__, [plain(value) for value in x]
    return x


class Both:
    """A library's names and those of its utils.data, and the datasets that a program needs."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.data = torch, torch.utils.data

        class Items(self.data.Dataset):  # type: ignore[name-defined,misc]
            """A user's own dataset, item by item, as in the courses."""

            def __init__(self, n: int) -> None:
                self.x = torch.arange(n * 3).reshape(n, 3)

            def __len__(self) -> int:
                return len(self.x)

            def __getitem__(self, i: int) -> Any:
                return self.x[i].float() / 2, self.x[i, 0] * 10, i, f"no {i}"

        class Count(self.data.IterableDataset):  # type: ignore[name-defined,misc]
            def __init__(self, n: int) -> None:
                self.n = n

            def __iter__(self) -> Iterator[int]:
                return iter(range(self.n))

            def __len__(self) -> int:
                return self.n

        self.Items, self.Count = Items, Count

    def rows(self, n: int) -> Any:
        t = self.torch
        return self.data.TensorDataset(t.arange(2.0 * n).reshape(n, 2), t.arange(n), t.ones(n, 1, 2) * 0.5)

    def generator(self, seed: int) -> Any:
        return self.torch.Generator().manual_seed(seed)

    def state(self, generator: Any = None) -> list[Any]:
        """The next numbers of a generator, which tell where it stands."""
        return [self.torch.rand(3, generator=generator).tolist(), self.torch.randn(2, generator=generator).tolist()]


def epochs(b: Both, loader: Any, n: int = 3) -> list[Any]:
    return [[plain(batch) for batch in loader] for _ in range(n)]


# ---- programs that give the same in both libraries -----------------------------------------------------------

PROGRAMS: dict[str, Callable[[Both], Any]] = {}


def program(f: Callable[[Both], Any]) -> Callable[[Both], Any]:
    PROGRAMS[f.__name__] = f
    return f


@program
def shuffled_rows(b: Both) -> Any:
    return epochs(b, b.data.DataLoader(b.rows(23), 5, True)), b.state()


@program
def in_order(b: Both) -> Any:
    return epochs(b, b.data.DataLoader(b.rows(7), batch_size=3)), b.state()


@program
def drop_last(b: Both) -> Any:
    loaders = [b.data.DataLoader(b.rows(n), 4, shuffle=True, drop_last=True) for n in (3, 4, 8, 11)]
    return [epochs(b, loader, 2) for loader in loaders], list(map(len, loaders)), b.state()


@program
def with_a_generator(b: Both) -> Any:
    g = b.generator(7)
    loader = b.data.DataLoader(b.rows(12), 4, shuffle=True, generator=g)
    return epochs(b, loader), b.state(g), b.state()


@program
def items_of_a_users_dataset(b: Both) -> Any:
    loader = b.data.DataLoader(b.Items(10), batch_size=4, shuffle=True, num_workers=0)
    return epochs(b, loader), len(loader), b.state()


@program
def an_iterator_that_stops_early(b: Both) -> Any:
    loader = b.data.DataLoader(b.rows(9), 2, shuffle=True)
    first = plain(next(iter(loader)))
    iter(loader)  # draws, though nothing is read
    return first, plain(next(iter(loader))), b.state()


@program
def numbers_drawn_within_the_loop(b: Both) -> Any:
    loader = b.data.DataLoader(b.rows(6), 2, shuffle=True)
    return [(plain(x), b.torch.rand(1).tolist()) for x, *_ in loader], b.state()


@program
def samplers(b: Both) -> Any:
    d, g = b.data, b.generator(3)
    weights = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]
    made = [
        d.SequentialSampler(range(4)), d.RandomSampler(range(5)), d.RandomSampler(range(5), num_samples=13),
        d.RandomSampler(range(5), num_samples=10), d.RandomSampler(range(5), num_samples=3, generator=g),
        d.RandomSampler(range(9), replacement=True), d.RandomSampler(range(9), True, 70),
        d.RandomSampler(range(9), True, 64), d.RandomSampler(range(9), True, 33, g),
        d.SubsetRandomSampler([3, 1, 8]), d.SubsetRandomSampler([3, 1, 8], g),
        d.WeightedRandomSampler(weights, 40), d.WeightedRandomSampler(weights, 7, True, g),
        d.BatchSampler(d.RandomSampler(range(7)), 3, False), d.BatchSampler("abcdefg", 3, True),
        d.BatchSampler(iter(range(4)), 2, False),
    ]  # fmt: skip
    return [(list(sampler), list(sampler)) for sampler in made], [len(s) for s in made[:-1]], b.state(), b.state(g)


@program
def loaders_with_samplers(b: Both) -> Any:
    d, rows = b.data, b.rows(8)
    batches = d.BatchSampler(d.RandomSampler(rows, True, 6), 4, False)
    made = [
        d.DataLoader(rows, 3, sampler=d.SubsetRandomSampler([1, 3, 5, 7])), d.DataLoader(rows, batch_sampler=batches),
        d.DataLoader(rows, batch_sampler=[[0], [7, -1, 2]]), d.DataLoader(rows, 2, sampler=[5, 5, 6]),
    ]  # fmt: skip
    return [epochs(b, x, 2) for x in made], list(map(len, made)), [x.batch_size for x in made], b.state()


@program
def without_batches(b: Both) -> Any:
    d = b.data
    arrays = [{"a": np.ones(2, np.float32), "b": "text", "c": 2.5}, {"a": np.int16(4), "b": b"", "c": (1, np.zeros(1))}]
    made = [d.DataLoader(b.rows(3), batch_size=None, shuffle=True), d.DataLoader(arrays, batch_size=None),
            d.DataLoader(b.Items(2), None), d.DataLoader(b.Count(4), batch_size=None)]  # fmt: skip
    return [epochs(b, x, 2) for x in made], list(map(len, made)), b.state()


@program
def streams(b: Both) -> Any:
    d, chain = b.data, b.Count(3) + b.Count(2)
    made = [d.DataLoader(b.Count(n), batch_size=size, drop_last=drop) for n in (0, 4, 7) for size in (1, 2, 7, 9)
            for drop in (False, True)]  # fmt: skip
    made.append(d.DataLoader(chain, 2))
    return [epochs(b, x, 2) for x in made], list(map(len, made)), len(chain), type(chain).__name__, b.state()


@program
def splits(b: Both) -> Any:
    rows, given = b.rows(17), []
    for lengths in ([10, 7], [0, 17], [0.5, 0.5], [0.3, 0.3, 0.4], [1.0], [5, 5, 5, 2]):
        given.append([part.indices for part in b.data.random_split(rows, lengths)])
        given.append([len(part) for part in b.data.random_split(rows, lengths, generator=b.generator(42))])
        given.append([list(part.indices) for part in b.data.random_split(rows, lengths, b.generator(42))])
    train, _ = b.data.random_split(rows, [11, 6])
    return given, epochs(b, b.data.DataLoader(train, 4, shuffle=True)), plain(train[[1, 2]]), plain(train[3]), b.state()


@program
def nested_datasets(b: Both) -> Any:
    d = b.data
    both = b.rows(3) + b.rows(2)
    subset = d.Subset(d.Subset(b.rows(9), [8, 1, 7, 2]), [3, 0, 1])
    stacks = [d.StackDataset(b.rows(3), b.Items(3)), d.StackDataset(x=range(3), y=b.Items(3))]
    made = [d.DataLoader(x, 2, shuffle=True) for x in (both, subset, d.Subset(b.Items(4), range(3)), *stacks)]
    return (
        [epochs(b, x, 2) for x in made], [len(x.dataset) for x in made], plain([both[-1], both[3], both[0]]),
        plain(subset[1]), [plain(x[1]) for x in stacks], both.cumulative_sizes, b.state(),
    )  # fmt: skip


@program
def collated(b: Both) -> Any:
    t = b.torch
    batches: list[Any] = [
        [1, 2], [1.5, 2], [1, 2.5], [True, False], ["a", "b"], [b"a"], [np.float32(1), np.float32(2)], [np.int8(3)],
        [np.bool_(True)], [np.float64(2.5)], [np.array(1.5), np.array(2.5)], [np.arange(3), np.arange(3)],
        [np.zeros((2, 0), np.float16)], [t.tensor(1), t.tensor(2)], [t.ones(2, 2), t.zeros(2, 2)], [t.tensor([True])],
        [(1, 2.0), (3, 4.0)], [[1, 2], [3, 4]], ([1, 2], [3, 4]), [Point(1, "a"), Point(2, "b")],
        [Point(1, [2, 3]), Point(2, [3, 4])], [{"a": 1, "b": (2, 3)}, {"a": 4, "b": (5, 6)}],
        [OrderedDict(a=1), OrderedDict(a=2)], [types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})],
        [range(2), range(2)], [{"a": [t.ones(1), "x"]}, {"a": [t.ones(1), "y"]}], [[], []], [(), ()],
    ]  # fmt: skip
    one = [
        np.array([1, 2]), np.array(["a"]), np.array([None]), [np.ones(1), 2], (1, np.ones(1)), Point(np.ones(1), 0), 5,
        "text", {"a": np.array(0.5)}, OrderedDict(a=np.ones(2)), None, t.ones(1), range(2), np.str_("s"),
    ]  # fmt: skip
    converted = [b.data.default_convert(x) for x in one]
    kept = [converted[i] is one[i] for i in (1, 2, 11)]
    converted[1:3] = []
    return [plain(b.data.default_collate(x)) for x in batches], plain(converted), kept


@program
def a_collate_function_of_ones_own(b: Both) -> Any:
    seen: list[Any] = []
    loader = b.data.DataLoader(b.rows(5), 2, collate_fn=lambda samples: seen.append(plain(samples)) or len(samples))
    return list(loader), seen


@program
def gradients_go_through_a_batch(b: Both) -> Any:
    x = b.torch.arange(6.0).reshape(3, 2).requires_grad_()
    given = [(batch * batch).sum().backward() or batch.grad_fn.name()
             for (batch,) in b.data.DataLoader(b.data.TensorDataset(x), 2, shuffle=True)]  # fmt: skip
    return given, plain(x.grad)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("seed", [0, 2147483647])
def test_programs_give_pytorchs_batches_and_leave_its_generator_alike(name: str, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[oracle]'")
    results = []
    for library in (mg, torch):
        library.manual_seed(seed)
        results.append(PROGRAMS[name](Both(library)))
    assert results[0] == results[1]


# ---- numbers that PyTorch gave (2.13.0, CPU) -----------------------------------------------------------------


def test_three_shuffled_epochs_and_what_comes_after_them() -> None:
    mg.manual_seed(0)
    loader = data.DataLoader(range(10), 4, shuffle=True)
    assert [[batch.tolist() for batch in loader] for _ in range(3)] == [
        [[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]], [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]],
        [[7, 4, 5, 1], [9, 3, 8, 2], [0, 6]],
    ]  # fmt: skip
    assert mg.rand(2).tolist() == [0.022325754165649414, 0.16885894536972046]


def test_a_generator_of_ones_own_gives_all_numbers() -> None:
    mg.manual_seed(0)
    g = mg.Generator().manual_seed(42)
    loader = data.DataLoader(range(10), 4, shuffle=True, generator=g, drop_last=True)
    assert [[batch.tolist() for batch in loader] for _ in range(3)] == [
        [[6, 5, 4, 0], [8, 9, 2, 1]], [[3, 6, 5, 8], [9, 4, 2, 0]], [[7, 4, 5, 0], [9, 1, 3, 2]],
    ]  # fmt: skip
    assert mg.rand(1, generator=g).tolist() == [0.5314818620681763]
    assert mg.rand(1).tolist() == [0.49625658988952637]  # the first that seed 0 gives


def test_splits_and_samplers() -> None:
    mg.manual_seed(0)
    assert [part.indices for part in data.random_split(range(10), [0.7, 0.3])] == [[4, 1, 7, 5, 3, 9, 0], [8, 6, 2]]
    halves = data.random_split(range(10), [5, 5], mg.Generator().manual_seed(42))
    assert [part.indices for part in halves] == [[2, 6, 1, 8, 4], [5, 0, 9, 3, 7]]
    assert list(data.RandomSampler(range(10), replacement=True, num_samples=6)) == [0, 3, 1, 0, 3, 3]
    assert list(data.RandomSampler(range(4), num_samples=9)) == [0, 1, 3, 2, 1, 2, 3, 0, 3]
    assert list(data.SubsetRandomSampler([5, 6, 7])) == [5, 6, 7]
    assert mg.rand(1).tolist() == [0.518521785736084]


def test_persistent_workers_are_seeded_once() -> None:
    mg.manual_seed(0)
    loader = data.DataLoader(range(6), 4, shuffle=True, num_workers=2, persistent_workers=True)
    assert [[batch.tolist() for batch in loader] for _ in range(3)] == [
        [[0, 4, 3, 5], [2, 1]], [[5, 0, 3, 2], [1, 4]], [[2, 3, 1, 5], [4, 0]],
    ]  # fmt: skip
    assert mg.rand(1).item() == 0.455627977848053


# ---- properties ------------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 2**64 - 1))
def test_an_epoch_is_every_sample_once(n: int, size: int, shuffle: bool, drop: bool, seed: int) -> None:
    rows = data.TensorDataset(mg.arange(n), -mg.arange(n))
    g = mg.Generator().manual_seed(seed)
    loader = data.DataLoader(rows, size, shuffle, drop_last=drop, generator=g)
    batches = list(loader)
    assert len(batches) == len(loader) == len(iter(loader)) == (n // size if drop else -(-n // size))
    assert all(len(x) == size for x, _ in batches[:-1])
    seen = [i for x, _ in batches for i in x.tolist()]
    assert [-i for _, y in batches for i in y.tolist()] == seen
    assert len(set(seen)) == len(seen) == (n - n % size if drop else n)
    assert shuffle or seen == list(range(len(seen)))


@given(st.integers(0, 60), st.lists(st.floats(0.01, 1), min_size=1, max_size=5))
def test_fractions_split_all_of_it_to_within_one_sample_each(n: int, shares: list[float]) -> None:
    fractions = [share / (sum(shares) * (1 + 1e-12)) for share in shares]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Length of split at index")
        parts = data.random_split(range(n), fractions)
    assert sorted(i for part in parts for i in part) == list(range(n))  # type: ignore[attr-defined]
    assert all(abs(len(part) - n * fraction) < 1 + 1e-9 for part, fraction in zip(parts, fractions, strict=True))


def test_an_empty_split_warns() -> None:
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        assert [len(part) for part in data.random_split(range(1), [0.5, 0.5])] == [1, 0]


def test_weights_are_probabilities() -> None:
    g = mg.Generator().manual_seed(1)
    drawn = list(data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=g))
    assert drawn.count(0) == 0
    assert drawn.count(2) == pytest.approx(3000, abs=5 * (4000 * 0.75 * 0.25) ** 0.5)
    assert sorted(data.WeightedRandomSampler([0.5, 2.0, 1.0], 3, replacement=False, generator=g)) == [0, 1, 2]


# ---- the step that takes a whole batch --------------------------------------------------------------------------


class Halved(data.TensorDataset):
    def __getitem__(self, index: Any) -> Any:
        return tuple(x / 2 for x in super().__getitem__(index))


class Rows(data.TensorDataset):
    def __getitems__(self, indices: list[int]) -> list[Any]:
        return [(mg.tensor(float(i)),) for i in indices]


def test_a_batch_is_read_in_one_step_only_where_nobody_would_notice() -> None:
    x = mg.arange(8.0).reshape(4, 2)
    ((half,),) = data.DataLoader(Halved(x), 4)
    assert half.tolist() == (x / 2).tolist()
    ((rows,),) = data.DataLoader(Rows(x), 4)
    assert rows.tolist() == [0.0, 1.0, 2.0, 3.0]
    ((seen,),) = data.DataLoader(data.TensorDataset(x), 4, collate_fn=lambda samples: [samples])
    assert [(type(sample), sample[0].tolist()) for sample in seen] == [(tuple, row) for row in x.tolist()]
    for indices in (mg.tensor([2, 0]), np.array([2, 0]), [mg.tensor(2), mg.tensor(0)], range(2, -1, -2)):
        ((part,),) = data.DataLoader(data.Subset(data.TensorDataset(x), indices), 4)  # type: ignore[arg-type]
        assert part.tolist() == [[4.0, 5.0], [0.0, 1.0]]


def test_a_batch_is_a_copy() -> None:
    x = mg.zeros(4, 2)
    for shuffle in (False, True):
        ((batch,),) = data.DataLoader(data.TensorDataset(x), 4, shuffle)
        batch += 1
    assert x.sum().item() == 0


# ---- what is refused, with PyTorch's classes and words -----------------------------------------------------------


class Stream(data.IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


def three() -> Any:
    return data.TensorDataset(mg.ones(3))


def load(*args: Any, **options: Any) -> Any:
    return data.DataLoader(three(), *args, **options)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: data.Dataset()[0], NotImplementedError, r"Subclasses of Dataset should implement __getitem__\."),
    (lambda: len(data.Dataset()), TypeError, r"object of type 'Dataset' has no len\(\)"),
    (lambda: data.IterableDataset(), TypeError, "abstract class IterableDataset"),
    (lambda: iter(data.Sampler()), NotImplementedError, "__iter__"),
    (lambda: data.TensorDataset(mg.ones(3), mg.ones(4)), AssertionError, r"Size mismatch between tensors.*\[3, 4\]"),
    (lambda: data.TensorDataset(np.ones(3)), TypeError, r"holds tensors, got ndarray.*torch\.tensor"),
    (lambda: three()[3], IndexError, "out of bounds"),
    (lambda: data.StackDataset(), ValueError, "either all positional"),
    (lambda: data.StackDataset(three(), x=three()), ValueError, "either all positional"),
    (lambda: data.StackDataset(three(), range(4)), ValueError, r"Size mismatch between datasets.*\[3, 4\]"),
    (lambda: data.ConcatDataset([]), AssertionError, "datasets should not be an empty iterable"),
    (lambda: three() + Stream(), AssertionError, "ConcatDataset does not support IterableDataset"),
    (lambda: (three() + three())[-7], ValueError, "absolute value of index should not exceed dataset length.*-7.*6"),
    (lambda: (three() + three())[6], IndexError, "out of range"),
    (lambda: list(Stream() + three()), AssertionError, "ChainDataset only supports IterableDataset, got TensorDataset"),
    (lambda: data.random_split(range(3), [1, 1]), ValueError, "Sum of input lengths does not equal the length"),
    (lambda: data.random_split(range(3), [0.5, 0.6]), ValueError, "Sum of input lengths does not equal the length"),
    (lambda: data.random_split(range(3), [1.5, -0.5]), ValueError, "Fraction at index 0 is not between 0 and 1: 1.5"),
    (lambda: data.RandomSampler([]), ValueError, "num_samples should be a positive integer value.*=0"),
    (lambda: data.RandomSampler([1], replacement=1), TypeError, "replacement should be a boolean value"),
    (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError, r"weights should be a 1d sequence.*\(1, 1\)"),
    (lambda: data.WeightedRandomSampler([1.0], 0), ValueError, "num_samples should be a positive integer value"),
    (lambda: data.WeightedRandomSampler([1.0], 1, 1), ValueError, "replacement should be a boolean value"),
    (lambda: data.BatchSampler([1], True, False), ValueError, "batch_size should be a positive integer.*=True"),
    (lambda: data.BatchSampler([1], 1, 0), ValueError, "drop_last should be a boolean value, but got drop_last=0"),
    (lambda: load(0), ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
    (lambda: load(2.5), ValueError, "batch_size should be a positive integer value, but got batch_size=2.5"),
    (lambda: load(sampler=[0], shuffle=True), ValueError, "sampler option is mutually exclusive with shuffle"),
    (lambda: load(2, batch_sampler=[[0]]), ValueError, "batch_sampler option is mutually exclusive with batch_size"),
    (lambda: load(None, drop_last=True), ValueError, "batch_size=None option disables auto-batching"),
    (lambda: load(num_workers=-1), ValueError, "num_workers option should be non-negative, got -1"),
    (lambda: load(timeout=-1), ValueError, "timeout option should be non-negative"),
    (lambda: load(prefetch_factor=2), ValueError, "prefetch_factor option needs num_workers > 0"),
    (lambda: load(num_workers=1, prefetch_factor=-2), ValueError, "prefetch_factor option should be non-negative"),
    (lambda: load(persistent_workers=True), ValueError, "persistent_workers option needs num_workers > 0"),
    (lambda: data.DataLoader([], shuffle=True), ValueError, "num_samples=0"),
    (lambda: data.DataLoader(Stream(), shuffle=True), ValueError, "expected unspecified shuffle option.*=True"),
    (lambda: data.DataLoader(Stream(), sampler=[1]), ValueError, r"expected unspecified sampler option.*\[1\]"),
    (lambda: data.DataLoader(Stream(), batch_sampler=[[1]]), ValueError, "expected unspecified batch_sampler option"),
    (lambda: len(data.DataLoader(Stream())), TypeError, r"object of type 'Stream' has no len\(\)"),
    (lambda: setattr(load(), "batch_size", 3), ValueError, "batch_size attribute should not be set after DataLoader"),
    (lambda: list(load(2, sampler=[1, 3])), IndexError, "out of bounds"),
    (lambda: data.default_collate([object()]), TypeError, "numbers, dicts or lists; found <class 'object'>"),
    (lambda: data.default_collate([None]), TypeError, "found <class 'NoneType'>"),
    (lambda: data.default_collate([np.array(["a"])]), TypeError, "found <U1"),
    (lambda: data.default_collate([np.array([None])]), TypeError, "found object"),
    (lambda: data.default_collate([[1], [1, 2]]), RuntimeError, "each element in list of batch should be of equal"),
    (lambda: data.default_collate([mg.ones(2), mg.ones(3)]), RuntimeError, "stack expects each tensor to be equal"),
    (lambda: data.default_collate([np.ones(2), np.ones(3)]), RuntimeError, "stack expects each tensor to be equal"),
    (lambda: data.default_collate([]), IndexError, "list index out of range"),
])  # fmt: skip
def test_errors(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_subset_that_a_loader_would_not_read_through_is_refused() -> None:
    class Doubled(data.Subset[Any]):
        def __getitem__(self, index: Any) -> Any:
            return super().__getitem__(index) * 2

    with pytest.raises(NotImplementedError, match="Doubled overrides __getitem__ but not __getitems__"):
        Doubled(range(3), [0])


def test_options_for_workers_change_nothing() -> None:
    def never(_: int) -> None:
        raise AssertionError("there are no workers to initialise")

    for options in (
        dict(num_workers=4, timeout=5, worker_init_fn=never, prefetch_factor=4, persistent_workers=True),
        dict(pin_memory=True, in_order=False, pin_memory_device="cpu", multiprocessing_context="fork"),
    ):
        mg.manual_seed(3)
        plainly = [plain(batch) for batch in load(2, True)]
        mg.manual_seed(3)
        assert [plain(batch) for batch in load(2, True, **options)] == plainly
    assert data.get_worker_info() is None
