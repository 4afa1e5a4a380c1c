"""The cache of compiled code on disk: byte strings by key, for the processes that come later.

It is on unless `FUNCGRAD_CACHE_DIR` is empty, `0` or `off`; any other value is the folder, in place of `funcgrad` in
the user's cache folder. `FUNCGRAD_CACHE_SIZE` bounds it, in MiB (default 256): what was used least recently goes.

What is loaded is run, so nothing is taken that anyone else can write: the folder must be the user's own and no one
else's to enter (mode 0700, as it is made), and no symbolic link, or the cache is off, with one warning. The folder is
opened once for each use and files are opened in it, without following links; they must be regular files of the user.

A cache may never be the reason of a failure. Whatever is wrong with a file is as if nothing were there.
No lock is needed: a file is written under another name and then renamed, so each is there as a whole or not at all;
what a crash of the machine, or another program, made of it is noticed by its length and checksum, and removed.

    magic "funcgrad", version, length of the data, checksum of the key and the data; the data
"""

import os
import stat
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from math import isnan
from pathlib import Path

__all__ = ["folder", "load", "store"]

_HEADER = struct.Struct("<8sIQI")
_MAGIC = b"funcgrad"
_VERSION = 1
_SUFFIX = ".cached"
_UNFINISHED = ".tmp"

DEFAULT_MEBIBYTES = 256
# The folder is listed, and the oldest files removed, about once for each such part of the bound that is written.
CLEANUPS = 16
# Files left when old ones are removed, as a part of the bound.
KEPT_PART = 0.75
# Seconds after which an unfinished file is one whose writer was killed.
STALE_SECONDS = 3600.0
# What a file takes on disk is a multiple of this.
BLOCK_BYTES = 4096

# (A FIFO of a file's name opens at once, and is then seen to be none.)
_TO_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

_names = count()
_warned: set[str] = set()


def folder() -> Path | None:
    """Return the folder of the cache, which may not exist yet; None when the cache is off."""
    chosen = os.environ.get("FUNCGRAD_CACHE_DIR")
    if chosen is not None:
        return None if chosen.strip().lower() in ("", "0", "off") else Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification says to ignore those
        base = os.path.expanduser("~/.cache")
    return Path(base, "funcgrad") if os.path.isabs(base) else None


def load(key: str) -> bytes | None:
    """Return the data stored under `key`, if it is there and whole.

    Args:
        key: letters and digits, which say everything the data depends on: program, processor, versions.
    """
    try:
        with _opened() as place:
            return None if place is None or not _is_name(key) else _loaded(key, place)
    except OSError:
        return None


def _loaded(key, place):
    name = key + _SUFFIX
    try:
        with open(
            name, "rb", buffering=0, opener=lambda path, _: os.open(path, _TO_READ, dir_fd=place)
        ) as file:
            data = _verified(key, file)
    except FileNotFoundError:
        return None
    except OSError:  # a link
        data = None
    try:
        if data is None:
            os.unlink(name, dir_fd=place)
        else:
            os.utime(name, dir_fd=place)  # used now
    except OSError:  # a disk that may only be read
        pass
    return data


def store(key: str, data: bytes) -> None:
    """Keep `data` under `key`, if that is possible."""
    limit = _limit()
    if not _is_name(key) or _HEADER.size + len(data) > limit:
        return
    # Threads of one process, and processes of one number on several machines, may store at once.
    own = f"{os.getpid()}-{threading.get_ident()}-{next(_names)}-{time.time_ns()}"
    unfinished, name = f"{key}.{own}{_UNFINISHED}", key + _SUFFIX
    try:
        with _opened(made=True) as place:
            if place is None:
                return
            if _is_time_to_trim(key, len(data), limit):  # before, for whoever is killed while writing
                _trim(place, limit)
            try:
                _write(
                    place, unfinished, _HEADER.pack(_MAGIC, _VERSION, len(data), _checksum(key, data)), data
                )
                os.replace(unfinished, name, src_dir_fd=place, dst_dir_fd=place)
            except BaseException:  # an interrupt included
                _remove(unfinished, place)
                raise
    except OSError:
        pass


def _is_name(key: str) -> bool:
    return key.isalnum() and key.isascii()


@contextmanager
def _opened(*, made: bool = False) -> Iterator[int | None]:
    """Open the folder; None when the cache is off, or the folder is not the user's alone."""
    where = folder()
    if where is None:
        yield None
        return
    if made:
        os.makedirs(where, mode=0o700, exist_ok=True)
    try:
        place = os.open(where, _TO_READ | os.O_DIRECTORY)
    except OSError:
        if os.path.islink(where):
            _warn(where, "a symbolic link")
        raise
    try:
        fault = _fault(os.fstat(place), 0o077)
        if fault:
            _warn(where, f"one {fault}")
        yield None if fault else place
    finally:
        os.close(place)


def _fault(found: os.stat_result, forbidden: int) -> str:
    """Return why a file or folder is not to be trusted, or nothing."""
    if found.st_uid != os.geteuid():
        return f"of user {found.st_uid}"
    mode = stat.S_IMODE(found.st_mode)
    return f"of mode {mode:04o}" if mode & forbidden else ""


def _warn(where: Path, what: str) -> None:
    if str(where) not in _warned:
        _warned.add(str(where))
        warnings.warn(
            f"funcgrad's cache is off: expected a folder of the user's own, of mode 0700, got {what}: {where}.\n"
            f"Hint: chmod 700 it, or choose another with FUNCGRAD_CACHE_DIR; what is in the cache is run as code.",
            RuntimeWarning,
            stacklevel=2,
        )


def _limit() -> float:
    """Return the bound in bytes."""
    try:
        mebibytes = float(os.environ.get("FUNCGRAD_CACHE_SIZE", DEFAULT_MEBIBYTES))
    except ValueError:
        mebibytes = DEFAULT_MEBIBYTES
    return 0.0 if isnan(mebibytes) else mebibytes * 2**20


def _checksum(key: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(key.encode()))


def _verified(key, file) -> bytes | None:
    """Return the data of an open file; None when it is not what was stored under `key`."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or _fault(found, 0o022):
        return None
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, version, length, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or version != _VERSION or length != found.st_size - _HEADER.size:
        return None
    data = file.readall()
    return data if len(data) == length and _checksum(key, data) == checksum else None


def _write(place, name, *parts):
    def private(path, flags):
        return os.open(path, flags, 0o600, dir_fd=place)

    with open(name, "xb", buffering=0, opener=private) as file:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[file.write(rest) :]


def _remove(name: str, place: int) -> None:
    try:
        os.unlink(name, dir_fd=place)
    except OSError:  # another process was faster, or it is not ours
        pass


def _is_time_to_trim(key: str, size: int, limit: float) -> bool:
    """Whether this store is one of the few that look at the whole folder.

    No count is kept, which would need a lock: the checksum of the key is as good as chance, and chance trims on
    average each time that a share of the bound has been written, by whichever processes.
    """
    return zlib.crc32(key.encode(), 1) * limit <= (size + BLOCK_BYTES) * CLEANUPS * 2**32


def _trim(place: int, limit: float) -> None:
    """Remove unfinished files of writers that were killed; and the oldest files, if all are beyond the bound."""
    found = []
    total = 0
    now = time.time()
    with os.scandir(place) as entries:
        for entry in entries:
            if not entry.name.endswith((_SUFFIX, _UNFINISHED)):
                continue  # whoever it is from, it is not ours to remove
            try:
                details = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if entry.name.endswith(_UNFINISHED) and now - details.st_mtime > STALE_SECONDS:
                _remove(entry.name, place)
                continue
            size = -(-details.st_size // BLOCK_BYTES) * BLOCK_BYTES
            total += size
            found.append((details.st_mtime_ns, size, entry.name))
    if total <= limit:
        return
    for _, size, name in sorted(found):
        _remove(name, place)
        total -= size
        if total <= KEPT_PART * limit:
            return
