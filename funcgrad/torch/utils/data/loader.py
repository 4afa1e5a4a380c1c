"""The loader: batches of examples, collated into tensors."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.torch.dtypes import float64
from funcgrad.torch.operations.creation import tensor
from funcgrad.torch.operations.joining import stack
from funcgrad.torch.tensors import Tensor, wrap
from funcgrad.torch.utils.data.datasets import IterableDataset
from funcgrad.torch.utils.data.samplers import BatchSampler, RandomSampler, SequentialSampler, drawn_seed

__all__ = [
    "DataLoader",
    "default_collate",
]


def default_collate(batch: Sequence[Any]) -> Any:
    """Return examples as one: tensors and numbers stacked, tuples, lists and dictionaries by their parts."""
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if isinstance(first, np.ndarray):
        return wrap(np.stack(batch))
    if isinstance(first, np.generic):
        return tensor(np.asarray(batch))
    if isinstance(first, (bool, int, float)):
        # Python's floating-point numbers are doubles to PyTorch here, and only here.
        return tensor(list(batch), dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, dict):
        return {key: default_collate([example[key] for example in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(part) for part in zip(*batch, strict=True)))
    if isinstance(first, (tuple, list)):
        if any(len(example) != len(first) for example in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [default_collate(part) for part in zip(*batch, strict=True)]
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


class DataLoader:
    """Batches of a data set.

    Args:
        batch_size: examples in a batch; None for single examples.
        shuffle: take them in another random order each time.
        sampler, batch_sampler: the order, or the batches, instead.
        num_workers: must be 0: batches are made in this process.
        collate_fn: makes a batch of examples.
        drop_last: leave out a last batch that is not full.
        generator: for the order.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        generator: Any = None,
    ):
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if num_workers:
            raise NotImplementedError(
                f"DataLoader: num_workers={num_workers} is not there; batches are made in this process (0)."
            )
        iterable = isinstance(dataset, IterableDataset)
        for name, given in (
            ("shuffle", shuffle or None),
            ("sampler", sampler),
            ("batch_sampler", batch_sampler),
        ):
            if iterable and given is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={given}"
                )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
        if batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.generator = generator
        self.num_workers, self.pin_memory = num_workers, pin_memory
        self.collate_fn = collate_fn or (
            default_collate if batch_size is not None else lambda example: example
        )
        self._iterable = iterable
        if sampler is None and not iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and not iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler

    def __iter__(self) -> Iterator:
        drawn_seed(self.generator)  # PyTorch's workers get it; without it the numbers drawn next would differ
        return self._batches()

    def _batches(self):
        if self._iterable:
            yield from self._from_iterable()
        elif self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        else:
            for indices in self.batch_sampler:
                yield self.collate_fn([self.dataset[i] for i in indices])

    def _from_iterable(self):
        if self.batch_size is None:
            yield from map(self.collate_fn, self.dataset)
            return
        batch = []
        for example in self.dataset:
            batch.append(example)
            if len(batch) == self.batch_size:
                yield self.collate_fn(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.collate_fn(batch)

    def __len__(self) -> int:
        if self._iterable:
            n = len(self.dataset)
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
