"""The cache of compiled code on disk: byte strings by key, for the processes that come later.

It is on unless `FUNCGRAD_CACHE_DIR` is empty, `0` or `off`; any other value is the folder, in place of `funcgrad` in
the user's cache folder. `FUNCGRAD_CACHE_SIZE` bounds it, in MiB (default 256): what was used least recently goes.

A cache may never be the reason of a failure. Whatever is wrong with the folder or a file is as if nothing were there.
No lock is needed: a file is written under another name and then renamed, so each is there as a whole or not at all;
what a crash of the machine, or another program, made of it is noticed by its length and checksum, and removed.

    magic "funcgrad", version, length of the data, checksum of the key and the data; the data
"""

import os
import struct
import threading
import time
import zlib
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
SHARE = 16
# Files left when old ones are removed, as a part of the bound.
KEPT = 0.75
# Seconds after which an unfinished file is one whose writer was killed.
STALE = 3600.0
# What a file takes on disk is a multiple of this.
BLOCK = 4096

_names = count()


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
    path = _path(key)
    if path is None:
        return None
    try:
        with open(path, "rb", buffering=0) as file:
            data = _verified(key, file)
    except OSError:
        return None
    try:
        if data is None:
            os.unlink(path)
        else:
            os.utime(path)  # used now
    except OSError:  # someone else's cache, that may only be read
        pass
    return data


def store(key: str, data: bytes) -> None:
    """Keep `data` under `key`, if that is possible."""
    path = _path(key)
    limit = _limit()
    if path is None or _HEADER.size + len(data) > limit:
        return
    # Threads of one process, and processes of one number on several machines, may store at once.
    unfinished = f"{path}.{os.getpid()}-{threading.get_ident()}-{next(_names)}-{time.time_ns()}{_UNFINISHED}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        try:
            _write(unfinished, _HEADER.pack(_MAGIC, _VERSION, len(data), _checksum(key, data)), data)
            os.replace(unfinished, path)
        except BaseException:  # an interrupt included
            _remove(unfinished)
            raise
        if _is_time_to_trim(key, len(data), limit):
            _trim(os.path.dirname(path), limit)
    except OSError:
        pass


def _path(key: str) -> str | None:
    where = folder()
    if where is None or not (key.isalnum() and key.isascii()):
        return None
    return os.path.join(where, key + _SUFFIX)


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
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, version, length, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or version != _VERSION or length != os.fstat(file.fileno()).st_size - _HEADER.size:
        return None
    data = file.readall()
    return data if len(data) == length and _checksum(key, data) == checksum else None


def _write(path, *parts):
    with open(path, "xb", buffering=0, opener=_private) as file:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[file.write(rest) :]


def _private(path, flags):
    return os.open(path, flags, 0o600)


def _remove(path) -> None:
    try:
        os.unlink(path)
    except OSError:  # another process was faster, or it is not ours
        pass


def _is_time_to_trim(key: str, size: int, limit: float) -> bool:
    """Whether this store is one of the few that look at the whole folder.

    No count is kept, which would need a lock: the checksum of the key is as good as chance, and chance trims on
    average each time that a share of the bound has been written, by whichever processes.
    """
    return zlib.crc32(key.encode(), 1) * limit <= (size + BLOCK) * SHARE * 2**32


def _trim(where: str, limit: float) -> None:
    """Remove unfinished files of writers that were killed; and the oldest files, if all are beyond the bound."""
    found = []
    total = 0
    now = time.time()
    with os.scandir(where) as entries:
        for entry in entries:
            if not entry.name.endswith((_SUFFIX, _UNFINISHED)):
                continue  # whoever it is from, it is not ours to remove
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if entry.name.endswith(_UNFINISHED):
                if now - stat.st_mtime > STALE:
                    _remove(entry.path)
                continue
            size = -(-stat.st_size // BLOCK) * BLOCK
            total += size
            found.append((stat.st_mtime_ns, size, entry.path))
    if total <= limit:
        return
    for _, size, path in sorted(found):
        _remove(path)
        total -= size
        if total <= KEPT * limit:
            return
