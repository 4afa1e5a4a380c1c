"""NumPy arrays that lie at the very end, or at the very beginning, of the memory that may be touched.

While `guarded(...)` is open, NumPy gives every new array pages of its own, between two pages that nobody may read or
write: the first byte touched beyond an array ends the process, which pytest-xdist reports with the test's name. What
compiled code allocates for its results goes the same way. Linux only.
"""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from numpy._core import _multiarray_umath

from funcgrad.compile.runtime.machine import Loaded, compile_object

__all__ = ["guarded", "placed"]

PAGE = mmap.PAGESIZE
# Where numpy/__multiarray_api.h has it.
_SET_HANDLER = 304

# In machine code, as NumPy frees memory also while an exception is on its way. A block is: a page with its length and
# the array's size, a page nobody may touch, the array's, and another nobody may touch. Of the two ends of its pages,
# the array is at one.
_ALLOCATOR = f"""
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @mprotect(ptr, i64, i32)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

define ptr @calloc_guarded(ptr %at_end, i64 %count, i64 %size) {{
  %bytes = mul i64 %count, %size
  %some = call i64 @llvm.umax.i64(i64 %bytes, i64 1)
  %more = add i64 %some, {PAGE - 1}
  %inner = and i64 %more, {-PAGE}
  %length = add i64 %inner, {3 * PAGE}
  %start = call ptr @mmap(ptr null, i64 %length, i32 3, i32 34, i32 -1, i64 0)
  %failed = icmp eq ptr %start, inttoptr (i64 -1 to ptr)
  br i1 %failed, label %none, label %got
none:
  ret ptr null
got:
  store i64 %length, ptr %start
  %second = getelementptr i64, ptr %start, i64 1
  store i64 %bytes, ptr %second
  %before = getelementptr i8, ptr %start, i64 {PAGE}
  %first = getelementptr i8, ptr %start, i64 {2 * PAGE}
  %behind = getelementptr i8, ptr %first, i64 %inner
  %p = call i32 @mprotect(ptr %before, i64 {PAGE}, i32 0)
  %q = call i32 @mprotect(ptr %behind, i64 {PAGE}, i32 0)
  %room = sub i64 %inner, %some
  %last = getelementptr i8, ptr %first, i64 %room
  %begins = icmp eq ptr %at_end, null
  %array = select i1 %begins, ptr %first, ptr %last
  ret ptr %array
}}
define ptr @malloc_guarded(ptr %at_end, i64 %size) {{
  %array = call ptr @calloc_guarded(ptr %at_end, i64 1, i64 %size)
  %none = icmp eq ptr %array, null
  br i1 %none, label %end, label %poison
poison:
  call void @llvm.memset.p0.i64(ptr %array, i8 165, i64 %size, i1 false)
  br label %end
end:
  ret ptr %array
}}
define ptr @realloc_guarded(ptr %at_end, ptr %old, i64 %size) {{
  %new = call ptr @malloc_guarded(ptr %at_end, i64 %size)
  %first = icmp eq ptr %old, null
  %failed = icmp eq ptr %new, null
  %done = or i1 %first, %failed
  br i1 %done, label %end, label %move
move:
  %head = call ptr @head(ptr %old)
  %second = getelementptr i64, ptr %head, i64 1
  %had = load i64, ptr %second
  %both = call i64 @llvm.umin.i64(i64 %had, i64 %size)
  call void @llvm.memcpy.p0.p0.i64(ptr %new, ptr %old, i64 %both, i1 false)
  call void @free_guarded(ptr %at_end, ptr %old, i64 0)
  br label %end
end:
  ret ptr %new
}}
define internal ptr @head(ptr %array) {{
  %address = ptrtoint ptr %array to i64
  %page = and i64 %address, {-PAGE}
  %start = sub i64 %page, {2 * PAGE}
  %head = inttoptr i64 %start to ptr
  ret ptr %head
}}
define void @free_guarded(ptr %at_end, ptr %array, i64 %size) {{
  %none = icmp eq ptr %array, null
  br i1 %none, label %end, label %unmap
unmap:
  %head = call ptr @head(ptr %array)
  %length = load i64, ptr %head
  %status = call i32 @munmap(ptr %head, i64 %length)
  br label %end
end:
  ret void
}}
"""


class _Handler(ctypes.Structure):
    """`PyDataMem_Handler` of NumPy's C interface (NEP 49)."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("at_end", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


@cache
def _handler(at_end: bool):
    """Return NumPy's handle on the allocator; it outlives every array."""
    code = Loaded(compile_object(_ALLOCATOR))
    functions = [code.address(f"{name}_guarded") for name in ("malloc", "calloc", "realloc", "free")]
    handler = _Handler(b"guarded", 1, int(at_end) or None, *functions)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule = new(ctypes.addressof(handler), b"mem_handler", None)
    for kept in (code, handler, capsule):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    return capsule


def _set_handler(capsule):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(get(_multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    call = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
    return call(capsule)


@contextmanager
def guarded(*, at_end: bool) -> Iterator[None]:
    """Let every array made meanwhile end (or begin) where memory does."""
    before = _set_handler(_handler(at_end))
    try:
        yield
    finally:
        _set_handler(before)


def placed(x, *, at_end: bool):
    """Return a copy of an array, in the same order, whose memory is guarded."""
    with guarded(at_end=at_end):
        return np.array(x, order="K", copy=True)
