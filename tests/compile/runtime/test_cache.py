"""The disk cache gives back what was stored or nothing, whatever happens to its files, and never fails."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from hashlib import sha256

import pytest

from funcgrad.compile.runtime import cache
from funcgrad.compile.runtime.cache import folder, load, store


def key(i):
    return sha256(str(i).encode()).hexdigest()


@pytest.fixture
def place(tmp_path, monkeypatch):
    where = tmp_path / "deep" / "er"
    monkeypatch.setenv("FUNCGRAD_CACHE_DIR", str(where))
    monkeypatch.delenv("FUNCGRAD_CACHE_SIZE", raising=False)
    return where


def files(where):
    return sorted(where.iterdir())


def run(code, where, **details):
    env = {**os.environ, "FUNCGRAD_CACHE_DIR": str(where)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, **details)


def test_what_is_stored_is_loaded(place):
    assert load(key(0)) is None
    for i, data in enumerate([b"", b"\0" * 5, os.urandom(100_000)]):
        store(key(i), data)
        assert load(key(i)) == data
    store(key(0), b"other")
    assert load(key(0)) == b"other"
    assert len(files(place)) == 3 and folder() == place
    assert all(path.stat().st_mode & 0o077 == 0 for path in (place, *files(place)))


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.delenv("FUNCGRAD_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folder() == tmp_path / "xdg" / "funcgrad"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert folder() == tmp_path / ".cache" / "funcgrad"
    monkeypatch.delenv("XDG_CACHE_HOME")
    store(key(0), b"data")
    assert load(key(0)) == b"data" and (tmp_path / ".cache" / "funcgrad").is_dir()


@pytest.mark.parametrize("value", ["", "0", "off", "OFF"])
def test_it_can_be_switched_off(value, place, monkeypatch):
    store(key(0), b"data")
    monkeypatch.setenv("FUNCGRAD_CACHE_DIR", value)
    assert folder() is None and load(key(0)) is None
    store(key(1), b"data")
    assert len(files(place)) == 1


def test_keys_are_no_paths(place):
    for bad in ("../escaped", "a/b", "", ".", "a\0b", "ä" * 4):
        store(bad, b"data")
        assert load(bad) is None
    assert not place.exists()


def truncated(whole):
    return whole[:-1]


def shortened_to_header(whole):
    return whole[:24]


def part_of_header(whole):
    return whole[:7]


def emptied(whole):
    return b""


def lengthened(whole):
    return whole + b"\0"


def foreign(whole):
    return b"\x7fELF" + bytes(500)


def of_another_version(whole):
    return whole[:8] + b"\xff" + whole[9:]


DAMAGES = [truncated, shortened_to_header, part_of_header, emptied, lengthened, foreign, of_another_version]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_damaged_files_are_removed(place, damage):
    store(key(0), b"some machine code")
    (path,) = files(place)
    path.write_bytes(damage(path.read_bytes()))
    assert load(key(0)) is None
    assert not files(place)
    store(key(0), b"again")
    assert load(key(0)) == b"again"


def test_every_flipped_bit_is_noticed(place):
    store(key(0), b"code")
    (path,) = files(place)
    whole = path.read_bytes()
    for i in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[i // 8] ^= 1 << i % 8
        path.write_bytes(changed)
        assert load(key(0)) is None, f"bit {i}"


def test_a_file_under_another_name_is_not_taken(place):
    store(key(0), b"code")
    (path,) = files(place)
    path.rename(path.with_name(path.name.replace(key(0), key(1))))
    assert load(key(1)) is None


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FUNCGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    store(key(0), b"data")
    assert load(key(0)) is None
    monkeypatch.setenv("FUNCGRAD_CACHE_DIR", "/proc/none")
    store(key(0), b"data")
    assert load(key(0)) is None


def test_a_folder_in_place_of_a_file(place):
    store(key(0), b"data")
    (path,) = files(place)
    path.unlink()
    (path / "inner").mkdir(parents=True)
    store(key(0), b"data")
    assert load(key(0)) is None
    assert files(place) == [path], "nothing unfinished is left"


def test_a_folder_that_may_only_be_read(place, monkeypatch):
    store(key(0), b"data")

    def refuse(*args, **kwargs):
        raise PermissionError("read-only file system")

    for name in ("utime", "unlink", "replace", "makedirs"):
        monkeypatch.setattr(cache.os, name, refuse)
    assert load(key(0)) == b"data"
    store(key(1), b"data")
    assert load(key(1)) is None


def test_a_full_disk(place):
    code = (
        "import resource; from funcgrad.compile.runtime.cache import load, store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"store('{key(0)}', bytes(5000)); assert load('{key(0)}') is None; store('{key(1)}', b'small')"
    )
    assert run(code, place).wait() == 0
    assert load(key(1)) == b"small" and len(files(place)) == 1


def test_an_interrupt_leaves_nothing(place, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    store(key(0), b"data")
    monkeypatch.setattr(cache.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store(key(1), b"data")
    assert len(files(place)) == 1


def test_a_writer_that_is_killed(place):
    code = (
        "from funcgrad.compile.runtime.cache import store; from itertools import count\n"
        "print('on', flush=True)\n"
        f"for i in count(): store('{key(0)}', bytes([i % 256]) * 3_000_000)"
    )
    for _ in range(4):
        writer = run(code, place, stdout=subprocess.PIPE)
        writer.stdout.readline()
        for _ in range(20):
            data = load(key(0))
            assert data is None or (len(data) == 3_000_000 and data.count(data[:1]) == len(data))
            time.sleep(0.002)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        data = load(key(0))
        assert data is not None and data.count(data[:1]) == 3_000_000


def test_what_killed_writers_left_is_removed(place, monkeypatch):
    store(key(0), b"data")
    old, young, other = (place / name for name in (f"{key(1)}.7.tmp", f"{key(2)}.8.tmp", "notes.txt"))
    for path in (old, young, other):
        path.write_bytes(b"half a file")
    hours = time.time() - 7200
    os.utime(old, (hours, hours))
    os.utime(other, (hours, hours))
    monkeypatch.setattr(cache, "_is_time_to_trim", lambda *args: True)
    store(key(3), b"data")
    assert not old.exists() and young.exists() and other.exists()


def test_what_killed_writers_left_counts(place, monkeypatch):
    monkeypatch.setenv("FUNCGRAD_CACHE_SIZE", "1")
    for i in range(50):
        store(key(i), b"data")
        left = place / f"{key(i)}.{i}.tmp"
        left.write_bytes(bytes(100_000))
        os.utime(left, (time.time() - 100 + i, time.time() - 100 + i))
    monkeypatch.setattr(cache, "_is_time_to_trim", lambda *args: True)
    store(key(50), b"data")
    assert sum(path.stat().st_size for path in files(place)) < 2**20
    assert (place / f"{key(49)}.49.tmp").exists(), "it may be one that is being written"


def test_concurrent_processes(place):
    code = (
        "from hashlib import sha256; from funcgrad.compile.runtime.cache import load, store\n"
        "import os, random\n"
        "for step in range(300):\n"
        "    key = sha256(bytes([random.randrange(8)])).hexdigest()\n"
        "    data = load(key)\n"
        "    assert data is None or (len(data) == 50_000 and data.count(data[:1]) == len(data))\n"
        "    store(key, bytes([random.randrange(256)]) * 50_000)\n"
        "    if step % 50 == 0 and os.path.isdir(os.environ['FUNCGRAD_CACHE_DIR']):\n"
        "        for name in os.listdir(os.environ['FUNCGRAD_CACHE_DIR'])[:1]:\n"
        "            with open(os.path.join(os.environ['FUNCGRAD_CACHE_DIR'], name), 'r+b') as file:\n"
        "                file.write(b'?')\n"
    )
    # (A file that is renamed while it is damaged on purpose is gone: that is not the cache's doing.)
    code = code.replace("            with open", "            try:\n             with open").replace(
        "                file.write(b'?')\n",
        "                file.write(b'?')\n            except FileNotFoundError: pass\n",
    )
    workers = [run(code, place, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for worker in workers:
        _, error = worker.communicate()
        assert worker.returncode == 0, error
    assert all(path.suffix == ".cached" for path in files(place))


def test_the_size_is_bounded(place, monkeypatch):
    monkeypatch.setenv("FUNCGRAD_CACHE_SIZE", "1")
    used = key("used all the time")
    store(used, b"u" * 8000)
    for i in range(400):
        store(key(i), bytes(20_000))
        assert load(used) is not None, f"what was used last is kept, after {i} others"
        # (Files of one test have nearly the same time: make what is used now clearly newer.)
        os.utime(place / f"{used}.cached", (time.time() + i, time.time() + i))
    total = sum(path.stat().st_size for path in files(place))
    assert total < 1.5 * 2**20
    assert load(key(0)) is None
    assert sum(load(key(i)) is not None for i in range(380, 400)) >= 15, "the newest are kept"


def test_the_folder_is_not_listed_at_each_store(place, monkeypatch):
    listed = 0
    trim = cache._trim

    def counted(*args):
        nonlocal listed
        listed += 1
        trim(*args)

    monkeypatch.setattr(cache, "_trim", counted)
    monkeypatch.setenv("FUNCGRAD_CACHE_SIZE", "16")
    for i in range(1000):
        store(key(i), bytes(1000))
    assert 1 <= listed < 15  # on average 1000 * 5096 / 2**20, about 5
    assert len(files(place)) == 1000


@pytest.mark.parametrize("size", ["0", "0.001", "-1", "nonsense", "nan", "inf"])
def test_odd_sizes(place, monkeypatch, size):
    monkeypatch.setenv("FUNCGRAD_CACHE_SIZE", size)
    store(key(0), bytes(5000))
    assert (load(key(0)) is not None) == (size in ("nonsense", "inf"))


@pytest.fixture
def planted(place):
    """A folder with one entry, as it should be, until a test makes something of it."""
    store(key(0), b"code")
    assert load(key(0)) == b"code"
    return place


@contextmanager
def switched_off(where):
    """The cache is off here, with one warning."""
    cache._warned.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        for i in range(3):
            before = sorted(os.listdir(where))
            assert load(key(0)) is None
            store(key(i), b"other")
            assert sorted(os.listdir(where)) == before, "nothing is written there"
    (warning,) = caught
    assert "funcgrad's cache is off" in str(warning.message) and str(where) in str(warning.message)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o750, 0o755, 0o1777])
def test_a_folder_others_can_enter(planted, mode):
    planted.chmod(mode)
    with switched_off(planted):
        pass
    planted.chmod(0o700)
    assert load(key(0)) == b"code"


def test_a_folder_of_someone_else(planted, monkeypatch):
    with switched_off(planted):
        monkeypatch.setattr(cache.os, "geteuid", lambda: 12345)


def test_a_folder_that_is_a_link(planted, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(planted)
    monkeypatch.setenv("FUNCGRAD_CACHE_DIR", str(link))
    with switched_off(link):
        pass


def entry(where):
    return where / f"{key(0)}.cached"


def test_an_entry_that_is_a_link(planted, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    entry(planted).rename(elsewhere)
    entry(planted).symlink_to(elsewhere)
    assert load(key(0)) is None and elsewhere.exists()
    store(key(0), b"new")
    assert load(key(0)) == b"new" and not entry(planted).is_symlink()


def test_an_entry_that_is_a_fifo(planted):
    entry(planted).unlink()
    os.mkfifo(entry(planted))
    assert load(key(0)) is None  # at once
    store(key(0), b"new")
    assert load(key(0)) == b"new"


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
def test_an_entry_others_can_write(planted, mode):
    entry(planted).chmod(mode)
    assert load(key(0)) is None and not entry(planted).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_someone_else_planted(planted):
    os.chown(entry(planted), 12345, 12345)
    assert load(key(0)) is None
    os.chown(planted, 12345, 12345)
    with switched_off(planted):
        pass


def test_no_file_of_others_is_written_through_a_link(planted, tmp_path, monkeypatch):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    monkeypatch.setattr(cache.time, "time_ns", lambda: 7)
    monkeypatch.setattr(cache, "_names", iter([7] * 10))
    (planted / f"{key(0)}.{os.getpid()}-{threading.get_ident()}-7-7.tmp").symlink_to(target)
    store(key(0), b"new")
    assert target.read_bytes() == b"precious"


def test_nothing_slow_is_imported():
    code = (
        "import pathlib, sys, numpy; before = set(sys.modules); exec(open(sys.argv[1]).read()); "
        "new = set(sys.modules) - before - {'threading', 'zlib'}; assert not new, new"
    )
    subprocess.run([sys.executable, "-c", code, cache.__file__], check=True)
