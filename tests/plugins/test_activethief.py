"""Algorithm 1 of the public-data framework: what it asks, when, and by which choice."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mebench_activethief import SelectionParameters, selection
from mebench_activethief.outputs import features, over_pool, probabilities
from mebench_activethief.spending import at_once, in_rounds
from mebench_activethief.uniform_noise import UniformNoiseStrategy
from torch import nn
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, pool_of

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit import Scene, deepfool

QUICK = {"epochs": 2, "patience": 1}
STRATEGIES = ("random", "uncertainty", "k-center", "dfal", "dfal+k-center")
ITERATED = STRATEGIES[1:]
CPU = torch.device("cpu")
WORDS = InputSpec((7,), 2, low=0, high=3, dtype=torch.int64)


def started(name="activethief", budget=100, rows=150, channel=LabelChannel, **parameters):
    """An attack before its first turn, its oracle, its ledger, and all that it asks, by purpose."""
    channel = channel()
    context = context_of(channel, perceptron(seed=2), budget, pool=pool_of(rows))
    attack = build_attack(name, context, **(QUICK | parameters))
    oracle, ledger = oracle_of(perceptron(seed=1, scale=5), channel, budget)
    asked, plain = [], oracle.query

    def query(inputs, *, purpose="train", explain=False):
        asked.append((purpose, inputs.clone()))
        return plain(inputs, purpose=purpose, explain=explain)

    oracle.query = query
    return SimpleNamespace(attack=attack, oracle=oracle, ledger=ledger, asked=asked, context=context)


def run(**options):
    trial = started(**options)
    while trial.oracle.remaining and len(one_turn(trial.attack, trial.oracle)):
        pass
    trial.asked[:] = [one for one in trial.asked if len(one[1])]  # a trial ends before it asks nothing
    return trial


def test_a_budget_is_divided_as_in_algorithm_1():
    spending = in_rounds(100, validation_share=0.2, seed_share=0.1, iterations=10)
    assert spending.validation == 20
    assert spending.rounds == (10, *[7] * 10)


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 10, 19, 97, 101, 9_999, 30_000])
@pytest.mark.parametrize("iterations", [1, 7, 10, 20])
def test_every_query_of_a_budget_is_spent_whatever_divides_it(budget, iterations):
    for shares in ((0.2, 0.1), (0.0, 0.0), (0.9, 1.0), (0.25, 0.05)):
        spending = in_rounds(budget, validation_share=shares[0], seed_share=shares[1], iterations=iterations)
        assert spending.validation + sum(spending.rounds) == budget
        assert all(spending.rounds)
        assert max(spending.rounds[1:], default=0) - min(spending.rounds[1:], default=0) <= 1
        once = at_once(budget, validation_share=shares[0])
        assert once.validation + sum(once.rounds) == budget
        assert once.validation == spending.validation


@pytest.mark.parametrize("strategy", ITERATED)
def test_turns_and_ledger_are_those_of_algorithm_1(strategy):
    trial = run(strategy=strategy)
    assert [(purpose, len(inputs)) for purpose, inputs in trial.asked] == [
        ("validation", 20),
        ("train", 10),
        *[("train", 7)] * 10,
    ]
    assert trial.ledger.by_purpose == {"train": 80, "explore": 0, "validation": 20}


def test_random_is_not_iterated():
    trial = run(strategy="random")
    assert [(purpose, len(inputs)) for purpose, inputs in trial.asked] == [("validation", 20), ("train", 80)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("budget", "rows"), [(1, 50), (2, 50), (37, 50), (53, 53), (90, 53)])
def test_no_input_is_asked_twice_and_all_are_asked_that_budget_and_pool_allow(strategy, budget, rows):
    trial = run(strategy=strategy, budget=budget, rows=rows, iterations=4)
    inputs = torch.cat([inputs for _, inputs in trial.asked]).flatten(1)
    assert len(inputs) == len(inputs.unique(dim=0)) == min(budget, rows)
    assert trial.ledger.spent == min(budget, rows)


def test_all_strategies_start_with_the_same_validation_and_seed():
    starts = [[inputs for _, inputs in run(strategy=strategy).asked[:2]] for strategy in ITERATED]
    for validation, seed in starts[1:]:
        assert validation.equal(starts[0][0])
        assert seed.equal(starts[0][1])


def test_epochs_are_chosen_by_the_validation_answers_alone():
    trial = run(strategy="uncertainty")
    learner = trial.attack.learner
    assert torch.cat(learner.held).equal(trial.asked[0][1])
    assert torch.cat(learner.queries).equal(
        torch.cat([inputs for purpose, inputs in trial.asked if purpose == "train"])
    )


def test_a_resumed_attack_asks_the_same():
    plain = run(strategy="dfal+k-center", iterations=3, dfal_candidates=40)
    first = started(strategy="dfal+k-center", iterations=3, dfal_candidates=40)
    one_turn(first.attack, first.oracle)
    one_turn(first.attack, first.oracle)
    second = started(strategy="dfal+k-center", iterations=3, dfal_candidates=40)
    second.attack.strategy.load_state_dict(copy.deepcopy(first.attack.strategy.state_dict()))
    second.attack.learner.load_state_dict(copy.deepcopy(first.attack.learner.state_dict()))
    second.context.random.load_state_dict(first.context.random.state_dict())
    second.ledger.load_state_dict(first.ledger.state_dict())
    while second.oracle.remaining:
        one_turn(second.attack, second.oracle)
    ours = [inputs for _, inputs in (*first.asked, *second.asked)]
    assert torch.cat(ours).equal(torch.cat([inputs for _, inputs in plain.asked]))


def scene(clone=None, rows=80):
    answered, candidates = torch.arange(0, rows, 8), torch.tensor([row for row in range(rows) if row % 8])
    known = clone or perceptron(seed=3, scale=4), pool_of(rows), candidates, answered, torch.zeros_like(answered)
    return Scene(*known, CPU, torch.Generator().manual_seed(0))


def chosen(**changes):
    return SelectionParameters(**({"rho": 30} | changes))


def test_uncertainty_takes_the_highest_entropies():
    given = scene()
    p = torch.softmax(given.clone(given.pool.inputs(given.candidates)), 1).double().detach().numpy()
    entropy = -(p * np.log(p)).sum(1)
    expected = given.candidates[np.argsort(-entropy)[:9].tolist()]
    assert selection.most_uncertain(given, 9, chosen()).tolist() == expected.tolist()


@pytest.mark.parametrize("space", ["probability", "features"])
def test_k_center_starts_from_what_the_clone_says_of_answered_inputs(space):
    given = scene()

    def outputs(rows):
        layers = given.clone if space == "probability" else given.clone[:-1]
        raw = layers(given.pool.inputs(rows)).double().detach()
        return torch.softmax(raw, 1) if space == "probability" else raw

    points, centres = outputs(given.candidates), outputs(given.answered)
    expected = []
    for _ in range(9):
        pick = int(torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist").amin(1).argmax())
        expected.append(int(given.candidates[pick]))
        centres = torch.cat([centres, points[pick : pick + 1]])
    assert selection.farthest(given, 9, chosen(space=space)).tolist() == expected


def test_dfal_takes_the_smallest_perturbations():
    given = scene()
    norms = deepfool(given.clone, given.pool.inputs(given.candidates)).norms
    assert selection.nearest_to_boundary(given, 9, chosen()).tolist() == given.candidates[norms.argsort()[:9]].tolist()


def test_dfal_looks_at_a_random_part_of_the_pool_where_it_is_told_to():
    given = scene()
    drawn = given.candidates[torch.randperm(70, generator=torch.Generator().manual_seed(0))[:20]].sort().values
    norms = deepfool(given.clone, given.pool.inputs(drawn)).norms
    assert (
        selection.nearest_to_boundary(given, 9, chosen(dfal_candidates=20)).tolist()
        == drawn[norms.argsort()[:9]].tolist()
    )
    assert len(selection.nearest_to_boundary(scene(), 9, chosen(dfal_candidates=3))) == 9


def test_dfal_prefers_inputs_that_cross_over_inputs_that_do_not(monkeypatch):
    given = scene()
    stuck = given.candidates % 2 == 0

    def found(clone, inputs, **options):
        return SimpleNamespace(norms=torch.zeros(len(inputs)), crossed=~stuck)

    monkeypatch.setattr(selection, "deepfool", found)
    picks = selection.nearest_to_boundary(given, 40, chosen())
    assert picks.tolist()[: int((~stuck).sum())] == given.candidates[~stuck].tolist()


def test_the_ensemble_is_k_center_among_the_rho_nearest_to_the_boundary():
    given = scene()
    nearest = selection.nearest_to_boundary(given, 20, chosen()).sort().values
    among = replace(given, candidates=nearest)
    picks = selection.nearest_to_boundary_then_farthest(given, 9, chosen(rho=20))
    assert picks.tolist() == selection.farthest(among, 9, chosen()).tolist()
    assert picks.tolist() != selection.nearest_to_boundary(given, 9, chosen()).tolist()
    assert picks.tolist() != selection.farthest(given, 9, chosen()).tolist()


def test_the_ensemble_with_a_small_rho_still_picks_k():
    assert len(selection.nearest_to_boundary_then_farthest(scene(), 9, chosen(rho=1)).unique()) == 9


@pytest.mark.parametrize("strategy", ITERATED)
def test_a_clone_that_has_diverged_still_gets_distinct_inputs(strategy):
    clone = perceptron()
    with torch.no_grad():
        clone[-1].weight.fill_(float("nan"))
    picks = selection.SELECTIONS[strategy](scene(clone), 9, chosen())
    assert len(picks.unique()) == 9


def test_features_are_what_the_last_linear_layer_is_given():
    clone, inputs = perceptron(), torch.rand(6, *SPEC.shape)
    assert features(clone, inputs).equal(clone[:-1](inputs))
    assert not any(module._forward_pre_hooks for module in clone.modules())
    with pytest.raises(ConfigurationError, match="no linear layer"):
        features(nn.Flatten(), inputs)


def test_what_a_diverged_clone_says_of_a_pool_is_0():
    clone = perceptron()
    with torch.no_grad():
        clone[-1].weight.fill_(float("nan"))
    given = scene(clone)
    assert torch.equal(over_pool(probabilities, given, given.candidates), torch.zeros(70, SPEC.num_classes))


def test_full_pool_asks_the_whole_pool_in_one_round():
    trial = run(name="full-pool", budget=500, rows=60)
    assert [(purpose, len(inputs)) for purpose, inputs in trial.asked] == [("validation", 12), ("train", 48)]
    assert len(torch.cat([inputs for _, inputs in trial.asked]).flatten(1).unique(dim=0)) == 60


def test_uniform_noise_is_uniform_over_the_range_and_asked_in_one_round():
    trial = run(name="uniform-noise", budget=1000)
    assert [(purpose, len(inputs)) for purpose, inputs in trial.asked] == [("validation", 200), ("train", 800)]
    values = trial.asked[1][1]
    assert float(values.min()) < 0.001
    assert float(values.max()) > 0.999
    assert float(values.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(values.var()) == pytest.approx(1 / 12, abs=0.002)


def test_uniform_noise_is_discrete_where_the_victim_takes_ids_of_words():
    context = context_of(LabelChannel(), perceptron(), spec=WORDS)
    values = UniformNoiseStrategy(context, at_once(10, validation_share=0), lambda *_: None)._draw(500)
    assert values.dtype == torch.int64
    assert values.shape == (500, 7)
    assert torch.bincount(values.flatten()).tolist() == pytest.approx([875] * 4, rel=0.1)


def test_the_strategy_goes_with_any_learner():
    channel = ProbabilityChannel()
    context = context_of(channel, perceptron(seed=2), 50, pool=pool_of(80))
    attack = build_attack(
        "activethief+fit",
        context,
        **{"strategy.strategy": "uncertainty", "strategy.iterations": 3, "learner.epochs": 1},
    )
    oracle, ledger = oracle_of(perceptron(seed=1), channel, 50)
    while oracle.remaining:
        one_turn(attack, oracle)
    assert ledger.by_purpose == {"train": 50, "explore": 0, "validation": 0}


def test_without_a_pool_the_attack_says_what_is_missing():
    with pytest.raises(ConfigurationError, match="pool:"):
        build_attack("activethief", context_of(LabelChannel(), perceptron()))


@pytest.mark.parametrize("strategy", ["dfal", "dfal+k-center"])
def test_dfal_is_refused_for_texts_before_anything_is_asked(strategy):
    context = context_of(LabelChannel(), perceptron(), spec=WORDS, pool=pool_of())
    with pytest.raises(ConfigurationError, match="words"):
        build_attack("activethief", context, strategy=strategy)


class Texts:
    """A pool of texts as far as an attack uses one."""

    ids = torch.randint(4, (60, 7), generator=torch.Generator().manual_seed(0), dtype=torch.int32)

    def __len__(self):
        return len(self.ids)

    def inputs(self, rows):
        return self.ids[rows].long()


def bag_of_words(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.EmbeddingBag(4, 6), nn.Linear(6, 2))


@pytest.mark.parametrize("strategy", ["random", "uncertainty", "k-center"])
def test_texts_are_chosen_like_images(strategy):
    channel = LabelChannel()
    context = context_of(channel, bag_of_words(1), 37, spec=WORDS, pool=Texts())
    attack = build_attack("activethief", context, strategy=strategy, iterations=3, **QUICK)
    oracle, ledger = oracle_of(bag_of_words(2), channel, 37, spec=WORDS)
    while oracle.remaining:
        assert one_turn(attack, oracle).dtype == torch.int64
    assert ledger.by_purpose == {"train": 30, "explore": 0, "validation": 7}
