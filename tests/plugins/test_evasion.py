"""Hiding queries: what is asked, in which order, and what it costs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from mebench_evasion.spaced import spaced, words_apart
from owners import CPU, answers, images, response
from toys import SPEC, perceptron
from trials import resolved, tiny_trial

from mebench import RandomStreams, RecoveryContext, RecoveryEntry
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.plan.links import with_links
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

POOL = resolved(Component("fashion-mnist-10k", {"rows": [600, 1000]}), DatasetEntry)


class Honest:
    """A pool of which the i-th input is (i + 1) / 1000 everywhere."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def inputs(self, rows):
        return ((rows + 1) / 1000).view(-1, 1, 1, 1).expand(-1, *SPEC.shape)


def hiding(name: str, **given):
    context = RecoveryContext(
        SPEC, ProbabilityChannel(), CPU, RandomStreams(0, CPU), None, True, pool=Honest(20), inputs_of=other_inputs
    )
    return registry().get(RecoveryEntry, name).call(context, given=given)


def other_inputs(name, rows):
    return torch.full((rows[1] - rows[0], *SPEC.shape), 0.25)


def asked_in(made, sizes: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What is asked of a stream in requests of these sizes, and the labels that its own queries get."""
    stream, asked, labels = images(sum(sizes)), [], []
    for part in stream.split(sizes):
        asked.append(made.asked(part))
        numbered = torch.eye(10)[torch.arange(len(asked[-1])) % 10]
        labels.append(made.recover(part, response(numbered), perceptron()).labels)
    return torch.cat(asked), torch.cat(labels)


@pytest.mark.parametrize(("queries", "share"), [(4 / 3, 1 / 4), (2, 1 / 2), (4, 3 / 4), (10, 9 / 10)])
def test_the_share_of_honest_queries_is_what_a_row_costs_whatever_the_requests(queries, share):
    made = hiding("honest-mixing", queries=queries)
    assert made.queries_per_row + made.more_per_row == Fraction(queries).limit_denominator(100)
    asked, _ = asked_in(made, [1, 5, 24])
    own = {bytes(one.numpy()) for one in images(30)}
    honest = [bytes(one.numpy()) not in own for one in asked]
    assert sum(honest) / len(asked) == pytest.approx(share)
    whole, _ = asked_in(hiding("honest-mixing", queries=queries), [30])
    assert torch.equal(asked, whole)


def test_honest_inputs_all_come_before_any_comes_again_and_the_answers_are_the_own_queries():
    made = hiding("honest-mixing", queries=3)
    queries = images(10)
    asked = made.asked(queries)
    assert torch.equal(asked[2::3], queries)
    honest = asked[[place for place in range(30) if place % 3 != 2]].flatten(1)[:, 0]
    assert len(set(honest.tolist())) == 20
    told = answers(30)
    found = made.recover(queries, response(told), perceptron())
    assert torch.equal(found.probabilities, told[2::3])
    assert torch.equal(found.labels, told[2::3].argmax(1))


def test_an_attacker_hides_among_other_data_than_his_pool_where_he_says_so():
    made = hiding("honest-mixing", queries=2, data="fashion-mnist-10k", rows=[0, 5])
    assert set(made.asked(images(4))[0::2].flatten().tolist()) == {0.25}


def test_who_has_nothing_to_hide_among_is_told_so():
    context = RecoveryContext(SPEC, ProbabilityChannel(), CPU, RandomStreams(0, CPU), None, True)
    with pytest.raises(ConfigurationError, match="has nothing to hide among: give it data, or the run a pool"):
        registry().get(RecoveryEntry, "honest-mixing").call(context)


def test_blinded_queries_are_all_others_than_the_attacks_and_near_to_them():
    made, queries = hiding("blinding"), images(40)
    asked = made.asked(queries)
    assert asked.shape == queries.shape
    assert not any(torch.equal(one, other) for one, other in zip(asked, queries, strict=True))
    assert 0 <= asked.min() <= asked.max() <= 1
    brighter = hiding("blinding", changes=["brightness"]).asked(torch.full((9, *SPEC.shape), 0.5))
    assert (brighter - 0.5).abs().max() <= 0.0901
    assert brighter.flatten(1).std(1).max() < 1e-6


def test_all_that_an_attack_hides_among_is_charged(tmp_path: Path):
    recoveries = (registry().get(RecoveryEntry, "honest-mixing").as_component({"queries": 1.25}),)
    fit = {"strategy.rounds": 4, "learner.epochs": 1}
    spec = tiny_trial("random-pool+fit", budget=101, parameters=fit, pool=POOL, recoveries=recoveries, evaluations=1)
    spec = with_links(spec, registry())
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    account = folder.result()["ledger"]
    assert account["spent"] == 100  # 80 rows and 20 honest ones; the 101st query pays for no row
    assert sum(map(sum, folder.result()["query_labels"])) == 100


class Rows:
    """A pool of given (N, d) rows."""

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def inputs(self, rows: torch.Tensor) -> torch.Tensor:
        return self._rows[rows]


def test_no_two_queries_of_a_spaced_pool_are_near_and_nothing_else_is_left_out():
    draws = torch.Generator().manual_seed(0)
    frames = torch.rand(150, 1, 6, generator=draws) + torch.tensor([0.0, 1e-4]).view(1, 2, 1)  # each thing twice
    rows = torch.cat([frames.flatten(0, 1), torch.rand(300, 6, generator=draws)])
    order = torch.randperm(600, generator=draws)
    chosen = spaced(Rows(rows), order, 600, 0.5)
    sample = rows[order[:500]].double()
    radius = torch.cdist(sample, sample).fill_diagonal_(torch.inf).amin(1).quantile(0.5)
    left, kept = [], []
    for row in order.tolist():  # one by one
        near = bool(kept) and bool((rows[kept] - rows[row]).double().norm(dim=1).min() < radius)
        (left if near else kept).append(row)
    assert chosen.tolist() == kept
    assert len(left) >= 150
    assert spaced(Rows(rows), order, 20, 0.5).tolist() == kept[:20]


def test_texts_are_apart_by_the_words_that_differ():
    rows = torch.tensor([[3, 900, 5, 6], [3, 4, 5, 6], [7, 8, 9, 10]])
    assert words_apart(rows, rows).tolist() == [[0, 1, 4], [1, 0, 4], [4, 4, 0]]
