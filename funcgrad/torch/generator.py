"""The random generator: PyTorch's streams of numbers, from NumPy's Mersenne Twister.

Both seed the twister alike (Matsumoto and Nishimura, 1998), so that what is left to do is to make
of its 32-bit words the numbers that PyTorch makes of them on the CPU.
"""

import secrets
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.torch.box_muller import BLOCK, normals, normals_of_float32
from funcgrad.torch.devices import checked_device, device
from funcgrad.torch.modes import MODE
from funcgrad.torch.tensors import Tensor, wrap

__all__ = ["Generator", "default_generator", "generator_of"]

_FIRST_SEED = 67280421310721  # PyTorch's, for a generator that is given none
# How PyTorch lays out a state of 5056 bytes.
_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("words", "<u8", 624),
        ("unused", "<f8"),
        ("normal", "<f8"),
        ("unused_too", "<f8"),
        ("has_normal", "<i8"),
        ("unused_floats", "<i8"),
    ]
)


class Generator:
    """A stream of random numbers of its own; the functions take it as `generator=`.

    >>> from funcgrad import torch
    >>> torch.rand(2, generator=torch.Generator().manual_seed(0))
    tensor([0.4963, 0.7682])
    """

    def __init__(self, device: Any = "cpu"):
        checked_device(device)
        self.manual_seed(_FIRST_SEED)

    @property
    def device(self) -> device:
        """The CPU."""
        return device("cpu")

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream that belongs to `seed`, and return the generator.

        Raises:
            ValueError: when the seed has more than 64 bits.
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self._engine = np.random.RandomState(self._seed % 2**32)
        self._spare: float | None = None  # normal numbers come in pairs: the second of one
        return self

    def seed(self) -> int:
        """Start a stream that nobody can foresee, and return its seed."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed this stream began with."""
        return self._seed

    def get_state(self) -> Tensor:
        """Return where the stream is, as bytes that PyTorch understands too."""
        inner = self._engine.get_state(legacy=False)["state"]
        state = np.zeros((), _STATE)
        state["seed"], state["seeded"], state["words"] = self._seed, 1, inner["key"]
        state["left"], state["next"] = max(625 - inner["pos"], 1), inner["pos"] % 624
        if self._spare is not None:
            state["normal"], state["has_normal"] = self._spare, 1
        return wrap(np.frombuffer(state.tobytes(), np.uint8).copy())

    def set_state(self, new_state: Tensor) -> None:
        """Go on from where `get_state` was called.

        Raises:
            TypeError: when it is no tensor of bytes.
            RuntimeError: when it is no state.
        """
        if not isinstance(new_state, Tensor) or new_state._array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if new_state._array.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} but found the input RNG state size to be "
                f"{new_state._array.size}"
            )
        state = np.frombuffer(new_state._array.tobytes(), _STATE)[0]
        if not state["seeded"] or not 1 <= state["left"] <= 624 or state["next"] > 624:
            raise RuntimeError("Invalid mt19937 state")
        self._seed = int(state["seed"])
        position = 624 if state["left"] == 1 else int(state["next"])
        self._engine.set_state(("MT19937", state["words"].astype(np.uint32), position))
        self._spare = float(state["normal"]) if state["has_normal"] else None

    def clone_state(self) -> "Generator":
        """Return a generator that goes on from where this one is."""
        out = Generator()
        out.set_state(self.get_state())
        return out

    # The numbers

    def words(self, n: int) -> np.ndarray:
        """Return `n` words of 32 bits."""
        return self._engine.randint(0, 2**32, n, np.uint32)

    def long_words(self, n: int) -> np.ndarray:
        """Return `n` words of 64 bits, the high half of each drawn first."""
        high, low = self.words(2 * n).astype(np.uint64).reshape(n, 2).T
        return high << np.uint64(32) | low

    def uniforms(self, n: int, double: bool) -> np.ndarray:
        """Return `n` numbers in [0, 1), as float64: multiples of 2⁻⁵³, or else of 2⁻²⁴ (a float32 holds them)."""
        if double:
            return (self.long_words(n) & np.uint64(2**53 - 1)) * 2.0**-53
        return (self.words(n) & np.uint32(2**24 - 1)) * 2.0**-24

    def normals(self, n: int, kind: np.dtype, mean: float, std: float) -> np.ndarray:
        """Return `n` normal numbers as PyTorch fills a contiguous tensor of this dtype with them."""
        if n < BLOCK:
            return self.single_normals(n) * std + mean
        # Of a remainder, the last sixteen are drawn anew; where the first are drawn is all that differs.
        half = kind.itemsize < 4
        whole, rest = divmod(n, BLOCK)
        drawn = self.uniforms(whole * BLOCK if half else n, kind.itemsize == 8)
        out = np.empty(n, np.float32 if kind.itemsize == 4 else np.float64)
        out[: whole * BLOCK] = _normals_of(drawn[: whole * BLOCK], kind, mean, std)
        if rest:
            out[-BLOCK:] = _normals_of(self.uniforms(BLOCK, kind.itemsize == 8), kind, mean, std)
        return out

    def single_normals(self, n: int) -> np.ndarray:
        """Return `n` standard normal numbers drawn one after another; of a last pair, the second is kept for later."""
        before = [] if self._spare is None or not n else [self._spare]
        pairs = (n - len(before) + 1) // 2
        u, v = self.uniforms(2 * pairs, double=True).reshape(pairs, 2).T
        radius, angle = np.sqrt(-2 * np.log1p(-v)), 2 * np.pi * u
        out = np.concatenate([before, np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()])
        if n:
            self._spare = float(out[n]) if len(out) > n else None
        return out[:n]

    def read_uniforms(self, reader: Callable[[Callable[[], float]], Any]) -> Any:
        """Return `reader(draw)`, which may call `draw()` for numbers in [0, 1) as often as it needs."""
        start = self._engine.get_state()
        count = 0

        def drawn():
            nonlocal count
            while True:
                for u in self.uniforms(1000, double=True).tolist():
                    count += 1
                    yield u

        try:
            return reader(drawn().__next__)
        finally:  # what was drawn ahead is given back
            self._engine.set_state(start)
            self.long_words(count)


def _normals_of(u: np.ndarray, kind: np.dtype, mean: float, std: float) -> np.ndarray:
    return normals_of_float32(u, mean, std) if kind.itemsize == 4 else normals(u) * std + mean


default_generator = Generator()
default_generator.seed()


def generator_of(generator: Generator | None) -> Generator:
    """Return the generator to draw from: the common one where none is given.

    Raises:
        TypeError: when it is something else.
        RuntimeError: where nothing may be drawn.
    """
    if MODE.no_draws:
        raise RuntimeError(MODE.no_draws)
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator: expected a torch.Generator or None, got {type(generator).__name__}")
    return generator
