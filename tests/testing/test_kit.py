"""What the kit says of an attack, in pytest and on the command line."""

from __future__ import annotations

import json
import re

import pytest
from broken_attacks import honest, target
from nested_pytest import outcomes_of

from mebench.api.errors import ConfigurationError
from mebench.cli import main
from mebench.testing import AttackUnderTest, CheckSkipped, parametrize_with_checks, run_check


def passes(attack):
    """It is so."""


def fails(attack):
    """It is not so."""
    raise AssertionError("over\nbudget")


def skips(attack):
    """It does not matter."""
    raise CheckSkipped("no channel")


def exits(attack):
    """It leaves."""
    raise SystemExit(3)


def sleeps(attack):
    """It takes its time."""
    import time

    time.sleep(20)


ATTACK = target(honest)


@pytest.mark.parametrize(
    ("check", "state", "why"),
    [
        (passes, "passed", ""),
        (fails, "failed", "AssertionError: over budget"),
        (skips, "skipped", "no channel"),
        (exits, "failed", "SystemExit: 3"),
    ],
)
def test_a_verdict_is_one_line(check, state, why):
    verdict = run_check(check, ATTACK)
    assert (verdict.state, verdict.why) == (state, why)


def test_an_error_without_a_word_is_told_by_its_place():
    def gives_up(attack):
        raise AssertionError

    why = run_check(gives_up, ATTACK).why
    assert re.fullmatch(r"AssertionError in gives_up \(test_kit\.py, line \d+\): raise AssertionError", why)


def test_a_check_that_hangs_is_ended():
    verdict = run_check(sleeps, ATTACK, time_limit=1)
    assert (verdict.state, verdict.why) == ("failed", "is not done after 1 s")


def test_an_expected_failure_is_good_and_an_unexpected_pass_is_not():
    attack = AttackUnderTest(ATTACK.attack, expected_failures={"fails": "known", "passes": "wrongly"})
    failed, passed = run_check(fails, attack), run_check(passes, attack)
    assert (failed.state, failed.good) == ("expected", True)
    assert (passed.state, passed.good) == ("unexpected", False)


def test_an_expected_failure_of_no_check_is_an_error():
    attack = AttackUnderTest(ATTACK.attack, expected_failures={"beat_noise": "a slip"})
    with pytest.raises(ConfigurationError, match="Did you mean 'beats_noise'"):
        parametrize_with_checks([attack])


CASES = """
from broken_attacks import BROKEN, honest, target
from mebench.testing import CHECKS, AttackUnderTest, parametrize_with_checks

TWO = [check for check in CHECKS if check.__name__ in ("prints_nothing", "stays_within_budget")]
prints = BROKEN["prints_nothing"]
known = AttackUnderTest(prints.attack, prints.parameters, expected_failures={"prints_nothing": "it talks"})
wrong = AttackUnderTest(target(honest).attack, expected_failures={"prints_nothing": "it does not"})

@parametrize_with_checks([prints, known, wrong], checks=TWO)
def test_conformance(attack, check):
    check(attack)
"""


def test_pytest_shows_one_case_per_attack_and_check(tmp_path, capsys):
    (tmp_path / "test_it.py").write_text(CASES)
    assert outcomes_of(tmp_path) == {"passed": 3, "failed": 2, "xfailed": 1}
    shown = capsys.readouterr().out
    assert "prints: prints_nothing: prints 'asking...'" in shown
    assert "passes, though it is expected to fail: it does not" in shown


def run(capsys, *arguments):
    code = main(["check", *arguments])
    return code, capsys.readouterr()


def test_the_command_exits_0_if_all_is_well_and_1_if_not(capsys):
    small = ("noise", "--set", "batch_size=32", "--only", "stays_within_budget")
    code, printed = run(capsys, *small)
    assert (code, "noise: conforms (1 check)" in printed.out) == (0, True)
    code, printed = run(capsys, *small, "--expect", "stays_within_budget=it does not")
    assert (code, "noise: 1 of 1 check failed" in printed.out) == (1, True)


def test_the_command_prints_json(capsys):
    code, printed = run(capsys, "noise", "--set", "batch_size=32", "--only", "parameters_round_trip", "--json")
    (verdict,) = json.loads(printed.out)["checks"]
    assert (code, verdict["check"], verdict["state"], verdict["good"]) == (0, "parameters_round_trip", "passed", True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nois",), "unknown attack 'nois'. Did you mean 'noise'?"),
        (("noise", "--set", "batch=3"), "batch: noise has no such parameter. Did you mean 'batch_size'?"),
        (("noise", "--set", "batch"), "--set batch: must be NAME=VALUE"),
        (("noise", "--only", "budget"), "--only: no check 'budget'"),
        (("noise", "--expect", "budget=no"), "noise: expected_failures: no check 'budget'"),
        (
            ("noise", "--channel", "label"),
            "noise needs probability, which channel label does not give. Channels that do: ",
        ),
        (("noise", "--channel", "vgg"), "unknown channel 'vgg'. Did you mean 'vg'?"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, arguments, line):
    code, printed = run(capsys, *arguments)
    assert code == 2
    assert line in printed.err
    assert "Traceback" not in printed.err


def test_a_one_file_plugin_that_imports_torch_is_seen(tmp_path, capsys, monkeypatch):
    (tmp_path / "heavy_one_file.py").write_text(
        "import torch\n"
        "from mebench import AttackEntry, hookimpl\n"
        "@hookimpl\n"
        "def mebench_attacks():\n"
        "    return [AttackEntry('heavy', 'A test.', 'heavy_one_file:build')]\n"
        "def build(context):\n"
        "    raise NotImplementedError\n"
    )
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    code, printed = run(capsys, "heavy", "--only", "registers_without_torch")
    assert code == 1, printed.err
    assert "heavy_one_file.py: imports torch when names are listed" in printed.out
