"""Datasets, samplers and the loader that makes batches of them, as in https://docs.pytorch.org/docs/stable/data.html.

From the same seed the batches come in PyTorch's order, and leave the generator where PyTorch leaves it.

>>> import microgradx as torch
>>> _ = torch.manual_seed(0)
>>> squares = TensorDataset(torch.arange(5), torch.arange(5) ** 2)
>>> for x, y in DataLoader(squares, batch_size=2, shuffle=True):
...     print(x, y)
tensor([1, 4]) tensor([ 1, 16])
tensor([2, 3]) tensor([4, 9])
tensor([0]) tensor([0])
"""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from .. import dtypes
from ..creation import as_tensor, tensor
from ..functions import stack
from ..random import Generator, default_generator, multinomial, randint, randperm
from ..tensor import Tensor

__all__ = [
    "Dataset", "IterableDataset", "TensorDataset", "StackDataset", "ConcatDataset", "ChainDataset", "Subset",
    "random_split", "Sampler", "SequentialSampler", "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler",
    "BatchSampler", "default_collate", "default_convert", "DataLoader", "get_worker_info",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


# ---- datasets --------------------------------------------------------------------------------------------


class Dataset(Generic[T_co]):
    """Samples by number: a subclass writes `__getitem__(index)` and `__len__()`.

    `a + b` is the samples of `a`, then those of `b`. Where there is a `__getitems__(indices)`, a loader asks it for
    all samples of a batch at once, as a list.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples from a stream: a subclass writes `__iter__()`, and `__len__()` where it knows."""

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the rows i of `tensors`.

    Raises AssertionError unless all have as many rows, TypeError for what is no tensor.
    """

    def __init__(self, *tensors: Tensor) -> None:
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"a TensorDataset holds tensors, got {type(t).__name__}; convert it by torch.tensor()")
        sizes = [len(t) for t in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(f"Size mismatch between tensors: they have {sizes} rows")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Sample i is the tuple, or the dict, of the samples i of several datasets of one length.

    Raises ValueError without datasets, for positional and named ones together, and for lengths that differ.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset takes datasets, either all positional (a tuple) or all named (a dict)")
        lengths = {len(dataset) for dataset in args or kwargs.values()}
        if len(lengths) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {sorted(lengths)}")
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        self._length = lengths.pop()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """The samples of one dataset after those of another. Raises AssertionError for none, and for streams."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset; ChainDataset does")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> T_co:
        at = index + len(self) if index < 0 else index
        if at < 0:
            raise ValueError(
                f"absolute value of index should not exceed dataset length: got {index}, the length is {len(self)}"
            )
        which = bisect_right(self.cumulative_sizes, at)
        found: T_co = self.datasets[which][at - (self.cumulative_sizes[which - 1] if which else 0)]
        return found

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[T_co]):
    """One stream after another. Raises AssertionError when it comes to what is no IterableDataset."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[T_co]:
        return itertools.chain.from_iterable(self._streams())

    def __len__(self) -> int:
        return sum(map(len, self._streams()))


class Subset(Dataset[T_co]):
    """The samples of `dataset` whose numbers are `indices`, in that order."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__, through which a DataLoader reads; add\n"
                "    def __getitems__(self, indices):\n"
                "        return [self[i] for i in indices]"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T_co:
        at: Any = [self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]
        found: T_co = self.dataset[at]
        return found

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        at = [self.indices[i] for i in indices]
        if hasattr(self.dataset, "__getitems__"):
            found: list[T_co] = self.dataset.__getitems__(at)
            return found
        return [self.dataset[i] for i in at]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = default_generator
) -> list[Subset[Any]]:
    """Disjoint Subsets of `dataset` of the given lengths, or fractions that sum to 1; together they are all of it.

    Fractions are rounded down, and what then remains goes one by one to the first ones. Raises ValueError where the
    lengths do not add up.
    """
    size = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
        counts = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if not count:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    else:
        counts = list(lengths)  # type: ignore[arg-type]
    if sum(counts) != size:
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! {list(lengths)} of {size} samples"
        )
    order = iter(randperm(size, generator=generator).tolist())
    return [Subset(dataset, list(itertools.islice(order, count))) for count in counts]


# ---- samplers --------------------------------------------------------------------------------------------


def _positive(name: str, x: Any) -> int:
    if not isinstance(x, int) or isinstance(x, bool) or x <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={x}")
    return x


def _seed(generator: Generator | None) -> int:
    """63 random bits: what PyTorch draws to seed an epoch."""
    return int(tensor(0).random_(generator=generator).item())


class Sampler(Generic[T_co]):
    """The order in which a loader reads: a subclass writes `__iter__()`, and `__len__()` for `len(loader)`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, … for the samples of `data_source`."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A new random order of `data_source` in each epoch.

    `num_samples` (all by default) may be more or fewer than there are; `replacement` draws each anew, so that one may
    come twice. Without `generator` each epoch is seeded from the default one. Raises ValueError for `num_samples` < 1,
    which an empty dataset has.
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        _positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, generator = len(self.data_source), self.generator
        if generator is None:
            generator = Generator().manual_seed(_seed(None))
        if self.replacement:
            # in portions of 32, as PyTorch draws them: a loop that stops early has drawn no more
            for start in range(0, self.num_samples, 32):
                size = min(32, self.num_samples - start)
                yield from randint(0, n, (size,), generator=generator).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield from randperm(n, generator=generator).tolist()
            # PyTorch draws this order even where nothing of it is left to give
            yield from randperm(n, generator=generator).tolist()[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """`indices` in a new random order in each epoch."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` numbers below `len(weights)`, each as probable as its weight; the weights need not sum to 1.

    Raises ValueError for weights that are not in one row, or `num_samples` < 1.
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(np.asarray(weights, np.float64))
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = _positive("num_samples", num_samples)
        self.replacement, self.generator = replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` numbers from `sampler`; the last is shorter, or left out with `drop_last`.

    >>> list(BatchSampler(SequentialSampler("seventh"), batch_size=3, drop_last=False))
    [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        self.sampler, self.batch_size = sampler, _positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(itertools.islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (rest > 0 and not self.drop_last)


# ---- collation -------------------------------------------------------------------------------------------


def _is_namedtuple(x: Any) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_fields")


def _like(x: Any, parts: Any) -> Any:
    """`parts` (a dict or a list) in a collection of the kind of `x`, whatever else that may carry.

    A tuple becomes a list, as in PyTorch; so does a sequence, and a mapping a dict, whose kind cannot be made of parts.
    """
    if _is_namedtuple(x):
        return type(x)(*parts)
    if isinstance(x, tuple):
        return parts
    try:
        if isinstance(x, MutableMapping):
            made: Any = copy.copy(x)
            made.update(parts)
            return made
        if isinstance(x, MutableSequence):
            made = copy.copy(x)
            for i, part in enumerate(parts):
                made[i] = part
            return made
        return type(x)(parts)
    except TypeError:
        return parts


def _holds_numbers(array: Any) -> bool:
    return array.dtype.kind in "biuf"


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers within `data` (mappings, sequences, nested) as tensors, everything else as it is."""
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, np.ndarray | np.generic):
        return as_tensor(data) if _holds_numbers(data) else data
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(x) for key, x in data.items()})
    if isinstance(data, Sequence):
        return _like(data, [default_convert(x) for x in data])
    return data


def _refuse(kind: Any) -> TypeError:
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
    )


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as one batch, with the number of the sample as first axis.

    Tensors and arrays are stacked, ints become int64 and floats float64 tensors, text stays a list of texts, and the
    parts of tuples, namedtuples, sequences and mappings are collated each on their own. Raises RuntimeError where
    sizes differ, TypeError for samples of another kind.

    >>> default_collate([{"x": 0.5, "name": "a"}, {"x": 1.5, "name": "b"}])
    {'x': tensor([0.5000, 1.5000], dtype=torch.float64), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray | np.generic):
        if not _holds_numbers(first):
            raise _refuse(first.dtype)
        return stack([as_tensor(x) for x in batch])
    if isinstance(first, float):
        return tensor(list(batch), dtype=dtypes.float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        if not _is_namedtuple(first) and len({len(sample) for sample in batch}) > 1:
            raise RuntimeError("each element in list of batch should be of equal size")
        return _like(first, [default_collate(parts) for parts in zip(*batch, strict=False)])
    raise _refuse(type(first))


# ---- the loader ------------------------------------------------------------------------------------------


def get_worker_info() -> None:
    """None, as in PyTorch where no worker process asks: here all samples are read in the process of the loop."""
    return


def _stacked(dataset: Any, indices: Any) -> list[Tensor] | None:
    """What `default_collate` makes of these samples, indexed in one step; None where only the long way is sure."""
    if type(dataset) is Subset:
        return _stacked(dataset.dataset, [dataset.indices[i] for i in indices])
    if type(dataset) is not TensorDataset or any(t.requires_grad for t in dataset.tensors):
        return None
    rows = np.asarray(indices)
    return [t[rows] for t in dataset.tensors] if rows.dtype.kind == "i" else None


class DataLoader(Generic[T_co]):
    """The samples of `dataset` in batches: `for x, y in DataLoader(dataset, batch_size=64, shuffle=True)`.

    `dataset` has `__getitem__` and `__len__`, or is an IterableDataset. The order is 0, 1, 2, …, or new in each epoch
    with `shuffle`, or that of `sampler` (numbers) or `batch_sampler` (lists of numbers); `generator` is where random
    orders come from, else the default one. `drop_last` leaves out a last batch that is too short. `collate_fn` makes a
    batch of a list of samples, `default_collate` by default; with batch_size=None samples come one by one, through
    `default_convert`. `len(loader)` is the number of batches.

    `num_workers`, `pin_memory`, `timeout`, `worker_init_fn`, `multiprocessing_context`, `prefetch_factor`,
    `persistent_workers`, `pin_memory_device` and `in_order` are accepted and change nothing: samples are read in the
    process of the loop, when it asks for them. (Persistent workers are seeded once, as in PyTorch, and not in each
    epoch; the orders that follow are others.) Raises ValueError for options that exclude each other.
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        streamed = isinstance(dataset, IterableDataset)
        ordered, batched = sampler is not None, batch_sampler is not None
        for wrong, message in (
            (num_workers < 0, f"num_workers option should be non-negative, got {num_workers}; use num_workers=0"),
            (timeout < 0, f"timeout option should be non-negative, got {timeout}"),
            (prefetch_factor is not None and not num_workers, "prefetch_factor option needs num_workers > 0"),
            (prefetch_factor is not None and prefetch_factor < 0, "prefetch_factor option should be non-negative"),
            (persistent_workers and not num_workers, "persistent_workers option needs num_workers > 0"),
            (ordered and shuffle, "sampler option is mutually exclusive with shuffle"),
            (batched and (batch_size != 1 or shuffle or ordered or drop_last),
             "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"),
            (batch_size is None and drop_last,
             "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"),
        ):  # fmt: skip
            if wrong:
                raise ValueError(message)
        for name, option in dict(shuffle=shuffle or None, sampler=sampler, batch_sampler=batch_sampler).items():
            if streamed and option is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={option}"
                )
        if sampler is None:
            if streamed:
                sampler = itertools.repeat(None)  # a stream is asked for so many samples, not for numbers
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn, self.generator = collate_fn, generator
        self.num_workers, self.pin_memory, self.timeout = num_workers, pin_memory, timeout
        self.worker_init_fn, self.multiprocessing_context = worker_init_fn, multiprocessing_context
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.pin_memory_device, self.in_order = pin_memory_device, in_order
        self._workers_wait = False

    def __setattr__(self, name: str, value: Any) -> None:
        """Raises ValueError for what the samplers were made of."""
        fixed = ("dataset", "batch_size", "drop_last", "sampler", "batch_sampler", "persistent_workers")
        if name in fixed and name in self.__dict__:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _order(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[T_co]:
        return _Epoch(self)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._order)
        length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def _read(self, at: Any) -> Any:
        """The batch of the numbers `at`; without batches the sample of the one number."""
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[at])
        if self.collate_fn is default_collate and (batch := _stacked(self.dataset, at)) is not None:
            return batch
        read_many = getattr(self.dataset, "__getitems__", None)
        return self.collate_fn(read_many(at) if read_many else [self.dataset[i] for i in at])

    def _next(self, stream: Iterator[Any], at: Any) -> Any:
        """The next batch of a stream, as long as `at`; without batches the next sample."""
        if self.batch_sampler is None:
            return self.collate_fn(next(stream))
        samples = list(itertools.islice(stream, len(at)))
        if not samples or (self.drop_last and len(samples) < len(at)):
            raise StopIteration
        return self.collate_fn(samples)


class _Epoch(Iterator[T_co]):
    """One pass over a loader, which has a length."""

    def __init__(self, loader: DataLoader[T_co]) -> None:
        self._loader = loader
        self._numbers = iter(loader._order)
        if not loader._workers_wait:
            _seed(loader.generator)  # for the workers of this epoch, which PyTorch draws even where there are none
            loader._workers_wait = loader.persistent_workers
        streamed = isinstance(loader.dataset, IterableDataset)
        self._read = partial(loader._next, iter(loader.dataset)) if streamed else loader._read

    def __next__(self) -> T_co:
        batch: T_co = self._read(next(self._numbers))
        return batch

    def __len__(self) -> int:
        return len(self._loader._order)
