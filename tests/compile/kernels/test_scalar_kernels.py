"""Every shipped kernel against mpmath, and against NumPy and C99 at the special values."""

import re
import subprocess
import sys
import time

import llvmlite.binding as llvm
import numpy as np
import pytest

from funcgrad.compile.kernels import library
from tests.compile.kernels.loops import loop, machine
from tests.compile.kernels.references import REFERENCES, errors, sample

DTYPES = ["float64", "float32"]
inf, nan = np.inf, np.nan
both = pytest.mark.parametrize("dtype", DTYPES)
each = pytest.mark.parametrize("name", sorted(REFERENCES))


@each
@both
def test_error_in_ulps(name, dtype):
    arguments = sample(name, dtype, 300, seed=1)
    found = errors(name, loop(name, dtype)(*arguments), arguments)
    assert found.max() <= REFERENCES[name].bound, [a[found.argmax()] for a in arguments]


@pytest.mark.slow
@each
@both
def test_error_in_ulps_at_many_points(name, dtype):
    arguments = sample(name, dtype, 50_000, seed=2)
    found = errors(name, loop(name, dtype)(*arguments), arguments)
    assert found.max() <= REFERENCES[name].bound, [a[found.argmax()] for a in arguments]


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1.5, -1.5, inf, -inf, nan]
ZERO_KEEPING = ["sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "expm1", "log1p"]
# Where NumPy's own value is exact or follows from C99, F.9.
IN_NUMPY = {
    "exp": [0.0, -0.0, inf, -inf, nan, 800.0, -800.0],
    "exp2": [0.0, -0.0, 1.0, -1.0, 3.0, inf, -inf, nan, 1100.0, -1100.0],
    "expm1": [0.0, -0.0, inf, -inf, nan, 800.0, -800.0],
    "log": [0.0, -0.0, 1.0, -1.0, -inf, inf, nan],
    "log2": [0.0, -0.0, 1.0, 2.0, 8.0, 0.25, 2.0**100, 2.0**-100, -1.0, inf, -inf, nan],
    "log10": [0.0, -0.0, 1.0, 10.0, -1.0, inf, -inf, nan],
    "log1p": [0.0, -0.0, -1.0, -2.0, inf, -inf, nan],
    "sin": [0.0, -0.0, inf, -inf, nan],
    "cos": [0.0, -0.0, inf, -inf, nan],
    "tan": [0.0, -0.0, inf, -inf, nan],
    "arcsin": [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, inf, -inf, nan],
    "arccos": [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, inf, -inf, nan],
    "arctan": [0.0, -0.0, 1.0, -1.0, inf, -inf, nan],
    "sinh": [0.0, -0.0, 800.0, -800.0, inf, -inf, nan],
    "cosh": [0.0, -0.0, 800.0, -800.0, inf, -inf, nan],
    "tanh": [0.0, -0.0, 800.0, -800.0, inf, -inf, nan],
    "arcsinh": [0.0, -0.0, inf, -inf, nan],
    "arccosh": [1.0, 0.5, 0.0, -1.0, inf, -inf, nan],
    "arctanh": [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, inf, -inf, nan],
    "cbrt": [0.0, -0.0, 1.0, -1.0, 8.0, inf, -inf, nan],
    "sinc": [0.0, -0.0, nan, inf, -inf],
}
ELSEWHERE = {
    "tanh_slope": [(0.0, 1.0), (-0.0, 1.0), (800.0, 0.0), (-800.0, 0.0), (inf, 0.0), (-inf, 0.0), (nan, nan)],
    "logistic": [(0.0, 0.5), (-0.0, 0.5), (inf, 1.0), (-inf, 0.0), (nan, nan), (-800.0, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (nan, nan)],
    "erfc": [(0.0, 1.0), (-0.0, 1.0), (inf, 0.0), (-inf, 2.0), (nan, nan)],
    "erfinv": [(0.0, 0.0), (-0.0, -0.0), (1.0, inf), (-1.0, -inf), (1.5, nan), (-inf, nan), (nan, nan)],
    "gammaln": [
        (1.0, 0.0), (2.0, 0.0), (0.0, inf), (-0.0, inf), (-1.0, inf), (-2.0, inf), (-1e30, inf), (inf, inf),
        (-inf, inf), (nan, nan),
    ],
    "digamma": [(0.0, -inf), (-0.0, inf), (-1.0, nan), (-7.0, nan), (inf, inf), (-inf, nan), (nan, nan)],
    "sinc": [(1.0, 0.0), (-2.0, 0.0)],
}  # fmt: skip


def same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Assert equality with nan equal to nan and 0 unequal to -0."""
    np.testing.assert_array_equal(ours, theirs)
    known = ~np.isnan(theirs)
    np.testing.assert_array_equal(np.signbit(ours[known]), np.signbit(theirs[known]))


@pytest.mark.parametrize("name", sorted(IN_NUMPY))
@both
def test_special_values_are_numpys(name, dtype):
    x = np.array(IN_NUMPY[name], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    same(loop(name, dtype)(x), expected)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
@both
def test_special_values(name, dtype):
    x, expected = np.array(ELSEWHERE[name], dtype).T
    result = loop(name, dtype)(x)
    if name == "gammaln":
        result, expected = abs(result), abs(expected)
    if name == "sinc":
        result = abs(result)
    same(result, expected)


@pytest.mark.parametrize("name", ["power", "hypot", "arctan2", "logaddexp", "logaddexp2"])
@both
def test_special_values_of_two_arguments_are_numpys(name, dtype):
    x, y = (a.ravel().astype(dtype) for a in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)
    ours = loop(name, dtype)(x, y)
    limits = ~(np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0))
    exact = limits if name == "arctan2" else ~np.isfinite(expected) | np.isin(expected, [0.0, 1.0, -1.0])
    if name.startswith("logadd"):
        exact = ~np.isfinite(expected) | ~np.isfinite(ours)
    same(ours[exact], expected[exact])
    if not name.startswith("logadd"):
        np.testing.assert_array_max_ulp(ours[~exact], expected[~exact], 2)


@pytest.mark.parametrize("name", ZERO_KEEPING)
@both
def test_tiny_arguments_come_back_with_their_sign(name, dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.array([least, -least, 3 * least, -7 * least, 0.0, -0.0], dtype)
    same(loop(name, dtype)(x), x)


@both
def test_exact_cases(dtype):
    k = np.arange(-37, 38).astype(dtype)
    same(loop("exp2", dtype)(k), np.ldexp(np.ones(k.size, dtype), k.astype(int)))
    same(loop("log2", dtype)(np.exp2(k)), k)
    powers = np.array([float(f"1e{int(i)}") for i in k], dtype)
    exact = (k >= 0) & (k <= (22 if dtype == "float64" else 10))
    same(loop("log10", dtype)(powers[exact]), k[exact])
    small = np.arange(-9, 10).astype(dtype)
    same(loop("power", dtype)(small, np.full_like(small, 3)), small**3)
    same(loop("power", dtype)(small, np.full_like(small, 2)), small**2)
    same(loop("cbrt", dtype)(small**3), small)
    same(loop("hypot", dtype)(3 * small, 4 * small), abs(5 * small))


@both
def test_subnormal_results(dtype):
    info = np.finfo(dtype)
    x = np.linspace(np.log(float(info.smallest_normal)), np.log(float(info.smallest_subnormal)) - 1, 50)
    x = x.astype(dtype)
    for name in ("exp", "logistic"):
        result = loop(name, dtype)(x)
        assert result[0] > 0
        assert result[-1] == 0
        assert errors(name, result, [x]).max() <= 1.0


@each
@both
def test_the_loop_is_vectorized(name, dtype):
    assembly = loop(name, dtype).assembly
    assert "call" not in re.sub(r"\n\s*\.[^\n]*", "", assembly), "a kernel calls nothing"
    features = llvm.get_host_cpu_features()
    register = "zmm" if features.get("avx512f") else "ymm" if features.get("avx2") else ""
    assert register in assembly


def test_the_definitions_are_one_module():
    names = [library.symbol(*kernel) for kernel in sorted(library.available())]
    text = library.definitions([*names, names[0]])
    module = llvm.parse_assembly(text)
    module.verify()
    defined = [f.name for f in module.functions if not f.is_declaration]
    assert sorted(defined) == sorted(names)
    assert all(f.name.startswith("llvm.") for f in module.functions if f.is_declaration)
    assert {name for name, _ in library.available()} == set(REFERENCES)
    assert "target" not in text
    assert machine() is not None


def test_single_precision_stays_single():
    for name in ("exp", "log", "sin", "cos", "tanh", "logistic", "erf", "expm1", "log1p"):
        text = library.definitions([library.symbol(name, "float32")])
        assert not re.search(r"\b(double|i64)\b", text), name


def test_unknown_kernels_are_named():
    with pytest.raises(KeyError, match="fg_nothing_f64"):
        library.definitions(["fg_nothing_f64"])


def test_the_text_is_built_from_these_sources():
    header = library.header()
    numba = pytest.importorskip("numba")
    if header["numba"] != numba.__version__:
        pytest.skip(f"the text was built with Numba {header['numba']}")
    assert header["sources"] == library.source_hash(), "python -m funcgrad.compile.kernels.build"


@pytest.mark.slow
def test_the_text_is_what_the_sources_compile_to():
    numba = pytest.importorskip("numba")
    if library.header()["numba"] != numba.__version__:
        pytest.skip("the text was built with another Numba")
    code = "from funcgrad.compile.kernels import build; import sys; sys.stdout.write(build.scalar_text())"
    built = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert built == library.TEXT.read_text()


def test_the_library_is_light():
    code = (
        "import sys; from funcgrad.compile.kernels import library; library.definitions(['fg_exp_f64']); "
        "assert not {'numba', 'llvmlite'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    library._definitions.cache_clear()
    start = time.perf_counter()
    library.definitions(["fg_exp_f64"])
    assert time.perf_counter() - start < 0.05
