import math

import pytest
import torch
from mebench_controls.attacks import NoiseStrategy
from safetensors.torch import load_file
from trials import tiny_trial

from mebench.oracle.label_counts import LabelCounts
from mebench.oracle.label_spread import collapsed, effective_classes, entropy, spread
from mebench.results.trial_folder import TrialFolder
from mebench.trial.metrics.examination import Scores
from mebench.trial.result import trial_flags
from mebench.trial.trial import run_trial

CPU = torch.device("cpu")


def test_entropy_is_that_of_the_frequencies():
    assert entropy([2, 1, 1, 0]) == pytest.approx(0.5 * math.log(2) + 2 * 0.25 * math.log(4))
    frequencies = torch.tensor([3.0, 5, 9, 1])
    reference = torch.distributions.Categorical(probs=frequencies).entropy().item()
    assert entropy([3, 5, 9, 1]) == pytest.approx(reference, rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([5, 5, 5, 5], 1.0), ([9, 0, 0, 0], 0.0), ([7, 7, 0, 0], 0.5), ([0, 0], None), ([3], None), ([], None)],
)
def test_spread_is_1_for_equal_frequencies_and_0_for_one_label(counts, expected):
    assert spread(counts) == pytest.approx(expected) if expected is not None else spread(counts) is None


@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
def test_effective_classes_of_equal_frequencies_are_their_number(classes):
    assert effective_classes([4] * classes) == pytest.approx(classes)


@pytest.mark.parametrize(
    ("halves", "expected"),
    [
        ([[95, 5], [50, 50]], True),
        ([[50, 50], [99, 1]], True),
        ([[80, 20], [80, 20]], False),
        ([[50, 50], [19, 0]], False),
        ([[0, 0], [0, 0]], False),
    ],
    ids=["first half", "second half", "four to one", "too few to tell", "nothing asked"],
)
def test_queries_have_collapsed_if_nearly_all_of_either_half_got_one_label(halves, expected):
    assert collapsed(halves) is expected
    scores = Scores({"accuracy": 0.8}, finite=True)
    assert ("queries-collapsed" in trial_flags(scores, 2, queries_collapsed=collapsed(halves))) is expected


def test_counts_are_those_of_bincount_by_half_and_since_the_last_reading():
    generator = torch.Generator().manual_seed(0)
    counts, first, second = LabelCounts(7, CPU), [], []
    for number in range(20):
        labels = torch.randint(7, (13,), generator=generator)
        counts.add(labels, progress=(number + 1) / 20)
        (first if number < 10 else second).append(labels)
        if number == 15:
            recent = counts.take_recent()
    expected = [torch.cat(part).bincount(minlength=7).tolist() for part in (first, second)]
    assert counts.halves == expected
    assert recent == torch.cat(first + second[:6]).bincount(minlength=7).tolist()
    assert counts.take_recent() == torch.cat(second[6:]).bincount(minlength=7).tolist()
    assert sum(counts.take_recent()) == 0


def test_counts_go_on_from_a_checkpoint():
    one, other = LabelCounts(3, CPU), LabelCounts(3, CPU)
    one.add(torch.tensor([0, 2, 2]), 0.2)
    other.load_state_dict({key: value.clone() for key, value in one.state_dict().items()})
    other.add(torch.tensor([1]), 0.9)
    assert (one.halves, other.halves) == ([[1, 0, 2], [0, 0, 0]], [[1, 0, 2], [0, 1, 0]])
    assert other.take_recent() == [1, 1, 2]


@pytest.mark.parametrize("channel", ["probability", "vg"])
def test_a_trial_counts_the_labels_of_its_training_queries_alone(tmp_path, channel):
    spec = tiny_trial("dfme", channel)
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    result = folder.result()
    assert sum(map(sum, result["query_labels"])) == result["ledger"]["by_purpose"]["train"] < 700
    assert result["query_label_entropy"] == spread([sum(pair) for pair in zip(*result["query_labels"], strict=True)])
    entropies = [point["query_label_entropy"] for point in folder.curve()]
    assert all(0 <= value <= 1 for value in entropies)


def test_the_labels_are_those_that_the_victim_gave(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.trial.standard_track.fit_standard", lambda *_, **__: None)
    spec = tiny_trial("noise", budget=90, parameters={"batch_size": 16}, track="standard")
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    answered = load_file(folder.path / "queries.safetensors")["labels"].long()
    (point,), result = folder.curve(), folder.result()
    assert result["query_labels"][0] == answered[:32].bincount(minlength=10).tolist()
    assert result["query_labels"][1] == answered[32:].bincount(minlength=10).tolist()
    assert point["query_label_entropy"] == result["query_label_entropy"]


def test_an_attack_that_asks_one_image_over_and_over_is_flagged(tmp_path, monkeypatch):
    monkeypatch.setattr(
        NoiseStrategy, "propose", lambda _, oracle, clone: torch.zeros(min(20, oracle.remaining), 1, 8, 8)
    )
    spec = tiny_trial("noise", budget=200, parameters={"batch_size": 20})
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    result = folder.result()
    assert result["query_label_entropy"] == 0
    assert "queries-collapsed" in result["flags"]
