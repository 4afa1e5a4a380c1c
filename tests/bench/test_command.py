"""The command itself: what it lists, what it runs, and what it refuses."""

import json
import os
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.machine import nothing_cached
from bench.model import Report
from bench.peers import SYSTEMS
from bench.suites import SUITES
from tests.bench.made_up import report, row


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "expected names among eager, "),
        (["--systems", "JAX,Tensorflow"], "got 'Tensorflow'"),
        (["--compare", "none.json"], "none.json: No such file"),
        (["--record"], "--record goes with --check"),
        (["eager", "--check"], "choose among them by --only"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_what_is_refused(arguments, message, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_report_is_compared_with_its_own_suite(tmp_path, capsys):
    report(row("funcgrad", 1.0)).write(tmp_path / "old.json")
    with pytest.raises(SystemExit):
        main(["eager", "--compare", str(tmp_path / "old.json")])
    assert "the report is of the suite compiled" in capsys.readouterr().err


def test_list_names_every_suite_and_case(capsys):
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in SUITES)
    assert "    compiled: gradient of Rosenbrock, 10 (funcgrad, interpreted, " in out


def test_list_of_a_part(capsys):
    assert main(["eager", "--list", "--only", "gradient of sum"]) == 0
    assert capsys.readouterr().out.count("\n") == 2


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", SUITES)
def test_cases_are_told_apart_and_systems_known(name, quick):
    cases = SUITES[name](quick)
    assert cases and len({*map(str, cases)}) == len(cases)
    assert {system for case in cases for system in case.systems} <= SYSTEMS.keys()
    assert {case.suite for case in cases} == {name}


def test_no_case_of_that_name(capsys):
    assert main(["eager", "--only", "no such thing"]) == 2
    assert "no case has 'no such thing' in its name" in capsys.readouterr().err


def test_systems_that_a_suite_has_not(tmp_path, capsys):
    assert main(["eager", "--quick", "--systems", "PyTensor, funcgrad (cached)", "--out", str(tmp_path)]) == 0
    assert "eager: none of the systems asked for" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_nothing_compiled_before_is_found():
    before = dict(os.environ)
    with pytest.raises(KeyboardInterrupt), nothing_cached():
        assert os.environ["FUNCGRAD_CACHE_DIR"] == "off"
        folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).parent
        assert not [*folder.iterdir()] and f"base_compiledir={folder}/" in os.environ["PYTENSOR_FLAGS"]
        raise KeyboardInterrupt
    assert dict(os.environ) == before and not folder.exists()


def test_a_run_writes_rows_tables_and_plots_and_compares(tmp_path, capsys):
    arguments = ["eager", "--quick", "--systems", "funcgrad", "--only", "5x3", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert "| gradient of sum(tanh(x @ w)**2), 5x3 |" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "eager-derivatives.svg",
        "eager.json",
        "eager.md",
    ]
    made = Report.read(tmp_path / "eager.json")
    assert [r.system for r in made.rows] == ["funcgrad", "funcgrad"] and not made.failures
    assert {"machine", "versions", "date"} <= made.about.keys()

    content = json.loads((tmp_path / "eager.json").read_text())
    for one in content["rows"]:
        one["rounds"] = [seconds / 100 for seconds in one["rounds"]]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(content))
    compared = ["--compare", str(old), *arguments[1:]]
    assert main(compared) == 0
    assert "2 worse, 0 better, of 2 compared" in capsys.readouterr().out
    assert main([*compared, "--check"]) == 1
