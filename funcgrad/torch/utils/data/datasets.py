"""Data sets: examples by number, or one after the other."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.torch import random
from funcgrad.torch.tensors import Tensor

__all__ = [
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class Dataset:
    """Examples by number: write `__getitem__` and `__len__`."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Examples one after the other: write `__iter__`."""

    def __iter__(self) -> Iterator:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")


class TensorDataset(Dataset):
    """The rows of tensors of one length."""

    def __init__(self, *tensors: Tensor):
        if any(len(tensors[0]) != len(x) for x in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple:
        return tuple(x[index] for x in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class ConcatDataset(Dataset):
    """Data sets one after the other."""

    def __init__(self, datasets: Sequence[Any]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        self.cumulative_sizes = np.cumsum([len(d) for d in self.datasets]).tolist()

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if index < -len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        n = int(np.searchsorted(self.cumulative_sizes, index, "right"))
        return self.datasets[n][index - (self.cumulative_sizes[n - 1] if n else 0)]


class Subset(Dataset):
    """Some examples of a data set."""

    def __init__(self, dataset: Any, indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Any = None) -> list[Subset]:
    """Return a data set in random parts of the given lengths, or shares that sum to 1."""
    if all(isinstance(n, float) for n in lengths) and math.isclose(sum(lengths), 1):
        sizes = [math.floor(len(dataset) * share) for share in lengths]
        for n in range(len(dataset) - sum(sizes)):
            sizes[n % len(sizes)] += 1
        lengths = sizes
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = random.randperm(len(dataset), generator=generator).tolist()
    ends = np.cumsum(lengths).astype(int).tolist()
    return [Subset(dataset, order[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
