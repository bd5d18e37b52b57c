"""Every check of defences, recoveries and detectors fails the part that breaks what it proves."""

from __future__ import annotations

import shutil

import broken_parts as parts
import linked_plugin
import pytest
from broken_parts import Strength, detecting, of_answers, of_others, recovering

from mebench.testing import (
    DEFENCE_CHECKS,
    DETECTOR_CHECKS,
    RECOVERY_CHECKS,
    DefenceUnderTest,
    DetectorUnderTest,
    RecoveryUnderTest,
    run_check,
)
from mebench.testing.checks import kit_of

HONEST = [*parts.HONEST, *parts.HONEST_RECOVERIES, *parts.HONEST_DETECTORS]
TORCH = {"registers_without_torch"}
"""Tried for attacks; it starts a process."""
WARNS = {"costs_what_it_declares"}
SAME = {"parameters_round_trip", "declares_what_it_accepts"}
"""Those of attacks, and tried for them."""
FAULTS = [
    ("part_builds_from_defaults", of_others(parts.OfAnotherPlace, "input"), "not an InputDefence"),
    ("part_builds_from_defaults", recovering(parts.NoRecovery), "not a Recovery"),
    ("part_builds_from_defaults", detecting(parts.NoDetector), "not a Detector"),
    ("answers_validly", of_answers(parts.Unclipped), "48 rows of usual answers: "),
    ("answers_validly", of_answers(parts.Mixing, needs_data=False), "'NoneType' object has no attribute 'labels'"),
    ("works_on_other_inputs", of_answers(parts.TenClasses), "1 x 8 x 8, 2 classes: "),
    ("keeps_the_class_it_says", of_answers(parts.Turning), "says that it keeps the most probable class"),
    ("answers_alike_in_any_batches", of_answers(parts.ByBatch), "48 of 48 rows are answered otherwise"),
    ("leaves_what_it_is_given", of_answers(parts.Writing), "writes into the probabilities"),
    ("leaves_what_it_is_given", of_others(parts.WritingOnMaps, "explanation"), "writes into the maps"),
    ("leaves_what_it_is_given", of_others(parts.WritingOnQueries, "input"), "writes into the queries"),
    ("draws_nothing_untold", of_answers(parts.Secretly), 'its randomness is "none"'),
    ("answers_repeats_alike", of_answers(parts.NotKeyed), "when they are asked again"),
    ("answers_repeats_alike", of_answers(parts.BySeed), "depend on the trial's seed"),
    ("answers_repeats_alike", of_answers(parts.OneKey), "under another key"),
    ("draws_afresh", of_answers(parts.Stale), "answers a repeated query as before"),
    ("draws_afresh", of_answers(parts.Unseeded), "otherwise with the same seed"),
    ("resumes_half_way", of_answers(parts.Forgetful), "its attribute rows changed after its first answer"),
    ("resumes_half_way", of_answers(parts.Deaf), "saved and loaded after 1 of 4 batches"),
    ("resumes_half_way", of_answers(parts.Unsavable), "its state_dict cannot be saved"),
    ("fits_repeatably", of_answers(parts.LearningByChance), "learns something else the second time: fit['counts']"),
    ("fits_repeatably", of_answers(parts.LearningFromStreams), "draws from the trial's random streams"),
    ("fits_repeatably", of_answers(parts.LearningObjects), "cannot be saved: fit['me']"),
    ("fits_repeatably", detecting(parts.LearningAnew), "learns something else the second time: fit['nothing']"),
    ("tells_its_mechanism", of_answers(parts.TellingOtherwise), "something else than it answers in 48 of 48 rows"),
    ("tells_its_mechanism", of_answers(parts.TellingNonsense), "values outside [0, 1]"),
    ("moves_answers_with_its_knob", of_answers(parts.NotIdle), "share=0 is to be without effect"),
    ("moves_answers_with_its_knob", of_answers(parts.Falling), "share=0.5 moves answers by"),
    ("asks_what_it_charges", recovering(parts.Cheap), "asked returned no tensor of shape (144, 1, 8, 8)"),
    ("asks_what_it_charges", recovering(parts.Outside), "asks for values outside [0, 1]"),
    ("recovers_valid_answers", recovering(parts.Losing), "48 rows of usual answers: "),
    ("recovers_valid_answers", recovering(parts.Logarithmic), "48 rows of answers of 0 and 1: "),
    (
        "recovers_valid_answers",
        recovering(parts.AlwaysExplaining, needs=parts.EXPLAINED),
        "answers whose explanations nobody asked for",
    ),
    ("recovers_on_other_inputs", recovering(parts.OnlyTen), "1 x 8 x 8, 2 classes: "),
    ("leaves_the_clone_as_it_is", recovering(parts.Teaching), "changes the clone's weights"),
    ("leaves_the_clone_as_it_is", recovering(parts.Freezing), "leaves the clone in eval mode"),
    ("leaves_answers_as_given", recovering(parts.Scribbling), "writes into the probabilities"),
    ("does_no_harm", recovering(parts.Harming), "without any defence, it moves answers by"),
    ("does_no_harm", recovering(parts.Renaming), "without any defence, 48 of 48 labels are others"),
    ("recovers_explanations", recovering(parts.Averaging, needs=parts.EXPLAINED), "hands none on"),
    ("recovers_explanations", recovering(parts.Copying, needs=parts.EXPLAINED), "are of shape (144, 10, 1, 8, 8)"),
    ("recovers_explanations", recovering(parts.ExplainingTwice, needs=parts.EXPLAINED), "do not agree"),
    ("recovers_explanations", recovering(parts.ExplainingBackwards, needs=parts.EXPLAINED), "a cosine of -1.00"),
    ("recovers_repeatably", recovering(parts.Gambling), "something else the second time"),
    ("resumes_half_way_through", recovering(parts.Amnesic), "saved and loaded after 1 of 4 batches"),
    ("scores_validly", detecting(parts.SinglePrecise), "no float64 tensor"),
    ("scores_on_other_inputs", detecting(parts.OnlySixtyFour), "3 x 8 x 8, 10 classes: "),
    ("scores_alike_in_any_batches", detecting(parts.ByWholeBatches), "in batches of 1"),
    ("scores_repeatably", detecting(parts.Guesses), "otherwise the second time"),
    ("watches_clients_apart", detecting(parts.Common), "while another client asks"),
    ("leaves_queries_as_given", detecting(parts.Blots), "writes into the queries"),
    ("resumes_watching", detecting(parts.Starts), "saved and loaded after 1 of 4 batches"),
]


def verdict(check, target):
    (found,) = [one for one in kit_of(target).checks if one.__name__ == check]
    return run_check(found, target)


@pytest.mark.parametrize("target", HONEST, ids=lambda one: one.name)
def test_honest_parts_pass_every_check(target):
    verdicts = [run_check(check, target) for check in kit_of(target).checks if check.__name__ not in TORCH]
    assert not [one for one in verdicts if one.state not in ("passed", "skipped")], verdicts


def test_every_check_was_seen_to_pass_and_to_fail():
    checks = {check.__name__ for check in (*DEFENCE_CHECKS, *RECOVERY_CHECKS, *DETECTOR_CHECKS)}
    assert {check for check, _, _ in FAULTS} | TORCH | SAME | WARNS == checks


@pytest.mark.parametrize(("check", "target", "words"), FAULTS, ids=lambda one: getattr(one, "name", str(one)[:40]))
def test_breaking_a_rule_fails_its_check(check, target, words):
    found = verdict(check, target)
    assert found.state == "failed", found
    assert words in found.why


@pytest.fixture
def linked(tmp_path, monkeypatch):
    shutil.copy(linked_plugin.__file__, tmp_path / "linked.py")
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("target", "failing"),
    [
        (DefenceUnderTest("mixing"), set()),
        (DefenceUnderTest("counting"), set()),
        (DefenceUnderTest("forgetting"), {"resumes_half_way"}),
        (DefenceUnderTest("swapping"), {"keeps_the_class_it_says"}),
        (DefenceUnderTest("drawing"), set()),
        (DefenceUnderTest("learning"), set()),
        (DefenceUnderTest("grey"), set()),
        (DefenceUnderTest("absolute-maps"), set()),
        (RecoveryUnderTest("unmixing"), set()),
        (RecoveryUnderTest("picky"), set()),
        (RecoveryUnderTest("short"), {"recovers_valid_answers"}),
        (DetectorUnderTest("many"), set()),
        (DetectorUnderTest("unsure"), set()),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
@pytest.mark.usefixtures("linked")
def test_parts_that_work_in_trials_pass_and_others_fail_where_they_are_wrong(target, failing):
    checks = [check for check in kit_of(target).checks if check.__name__ not in TORCH]
    found = {check.__name__ for check in checks if not run_check(check, target).good}
    assert failing <= found
    assert bool(failing) == bool(found)


def test_a_rare_exchange_is_a_warning():
    found = verdict("keeps_the_class_it_says", of_answers(parts.Rarely))
    assert (found.state, found.why.partition(",")[0]) == (
        "warned",
        "the most probable class is another in 1 of 48 rows",
    )


def test_a_cost_that_the_entry_does_not_tell_is_a_warning():
    found = verdict("costs_what_it_declares", of_answers(parts.Dear))
    assert (found.state, found.why.partition(" rows")[0]) == ("warned", "computes 2")
    assert verdict("costs_what_it_declares", of_answers(parts.Dear, forward=2.0)).state == "passed"


def test_a_detector_that_never_has_a_score_is_a_warning():
    assert verdict("scores_validly", detecting(parts.Patient)).state == "warned"


def test_a_knob_that_is_no_parameter_of_the_target_is_not_missed():
    assert verdict("declares_what_it_accepts", of_answers(parts.Mixing, parameters=Strength)).state == "passed"
