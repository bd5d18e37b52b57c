"""What the kit says of defences, recoveries and detectors, in pytest and on the command line."""

from __future__ import annotations

import json

import broken_parts as parts
import pytest
from broken_parts import of_answers, recovering

from mebench.api.errors import ConfigurationError
from mebench.cli import main
from mebench.testing import DEFENCE_CHECKS, DefenceUnderTest, DetectorUnderTest, parametrize_with_checks, run_check
from mebench.testing.checks import KITS

TWO_OF_ONE_NAME = """
from mebench import AttackEntry, RecoveryEntry, hookimpl

@hookimpl
def mebench_attacks():
    return [AttackEntry("sly", "A test.", "broken_attacks:honest")]

@hookimpl
def mebench_recoveries():
    return [RecoveryEntry("sly", "A test.", "broken_parts:Averaging")]
"""


def run(capsys, *arguments):
    code = main(["check", *arguments])
    return code, capsys.readouterr()


def test_pytest_gets_one_case_per_defence_and_check_under_the_name_of_its_kind():
    cases = parametrize_with_checks([of_answers(parts.Mixing), of_answers(parts.Keyed)]).args
    assert cases[0] == ("defence", "check")
    assert len(cases[1]) == 2 * len(DEFENCE_CHECKS)
    assert cases[1][0].id == "mixing-registers_without_torch"


def test_one_test_checks_one_kind():
    with pytest.raises(ConfigurationError, match="one test for each kind: defence, recovery"):
        parametrize_with_checks([of_answers(parts.Mixing), recovering(parts.Averaging)])


def test_an_expected_failure_of_a_check_of_another_kind_is_an_error():
    with pytest.raises(ConfigurationError, match="mixing: expected_failures: no check 'beats_noise'"):
        parametrize_with_checks(
            [DefenceUnderTest(of_answers(parts.Mixing).part, expected_failures={"beats_noise": "no attack"})]
        )


def test_a_fault_is_told_in_the_words_of_a_trial():
    (check,) = [check for check in DEFENCE_CHECKS if check.__name__ == "resumes_half_way"]
    why = run_check(check, of_answers(parts.Forgetful)).why
    assert why.startswith("defence forgetful: its attribute rows changed after its first answer")


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.kind.kind)
def test_no_check_of_a_kind_is_listed_twice(kit):
    names = [check.__name__ for check in kit.checks]
    assert len(set(names)) == len(names)


def test_the_command_checks_a_detector_by_its_name(capsys):
    code, printed = run(capsys, "near-duplicates", "--set", "window=20", "--only", "scores_validly", "--json")
    told = json.loads(printed.out)
    assert (code, told["detector"], told["checks"][0]["state"]) == (0, "near-duplicates", "passed")


def test_the_command_lists_the_checks_of_one_kind(capsys):
    code, printed = run(capsys, "--list", "--kind", "recovery", "--json")
    told = json.loads(printed.out)
    assert (code, {one["kind"] for one in told}) == (0, {"recovery"})
    assert "does_no_harm" in {one["check"] for one in told}


def test_a_name_of_two_kinds_asks_for_the_kind(capsys, tmp_path, monkeypatch):
    (tmp_path / "two.py").write_text(TWO_OF_ONE_NAME)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    code, printed = run(capsys, "sly")
    assert (code, "sly: is an attack and a recovery; say which by --kind" in printed.err) == (2, True)
    code, printed = run(capsys, "sly", "--kind", "recovery", "--only", "does_no_harm")
    assert (code, "sly: conforms (1 check)" in printed.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("near-duplicate",), "unknown detector 'near-duplicate'. Did you mean 'near-duplicates'?"),
        (("near-duplicates", "--channel", "label"), "--channel: only attacks are checked on channels"),
        (("near-duplicates", "--kind", "defence"), "unknown defence 'near-duplicates'"),
        (("near-duplicates", "--kind", "wall"), "there is no 'wall'"),
        (("near-duplicates", "--only", "beats_noise"), "--only: no check 'beats_noise'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, arguments, line):
    code, printed = run(capsys, *arguments)
    assert code == 2
    assert line in printed.err
    assert "Traceback" not in printed.err


def test_detectors_take_a_registered_name():
    assert DetectorUnderTest("near-duplicates").entry.name == "near-duplicates"
