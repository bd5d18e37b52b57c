import itertools
import json

import pytest
import torch
from test_megex import autograd_reference
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, spend_all
from trials import tiny_trial

from mebench.oracle.channels.explanations import VanillaGradientChannel, WhiteBoxChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.results.trial_folder import TrialFolder
from mebench.toolkit.losses import make_loss
from mebench.toolkit.strategies.generator import squash
from mebench.trial.trial import run_trial

SMALL = {"batch_size": 4, "generator_width": 4, "noise_dim": 5}


def step(name, channel, victim, clone, loss):
    """The attack's d L / d raw for 16 raw images, and these images."""
    strategy = build_attack(name, context_of(channel, clone), loss=loss, **SMALL).strategy
    torch.manual_seed(5)
    raw = torch.randn(16, *SPEC.shape)
    return strategy.loss_gradient(raw.clone(), oracle_of(victim, channel)[0], clone), raw


@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("scale", [1.0, 20.0, 3000.0])
def test_the_gradient_is_autograds_even_where_probabilities_underflow(loss, scale):
    victim, clone = perceptron(seed=1, scale=scale), perceptron(seed=2)
    ours, raw = step("default-grad", WhiteBoxChannel(), victim, clone, loss)
    images = squash(raw, SPEC)
    expected = autograd_reference(loss, victim, clone, images) * 2 * images * (1 - images)
    assert (ours - expected).norm() / expected.norm() < 1e-4


@pytest.mark.parametrize("loss", ["l1", "kl"])
def test_megex_reaches_the_same_gradient_where_nothing_underflows(loss):
    victim, clone = perceptron(seed=1, scale=5), perceptron(seed=2)
    ceiling, _ = step("default-grad", WhiteBoxChannel(), victim, clone, loss)
    megex, _ = step("megex", VanillaGradientChannel(), victim, clone, loss)
    torch.testing.assert_close(megex, ceiling, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("clone_logits", ["centred", "raw"])
@pytest.mark.parametrize("loss", ["l1", "kl"])
def test_the_clone_learns_from_the_same_loss_on_logits(loss, clone_logits):
    from mebench_xai.ceiling import OnLogits

    ours = make_loss(loss, 1e-37, clone_logits)
    logits, clone = 5 * torch.randn(6, 10), torch.randn(6, 10)
    expected = ours.per_query(torch.softmax(logits.double(), 1), clone.double()).float()
    torch.testing.assert_close(OnLogits(ours).per_query(logits, clone), expected, rtol=1e-4, atol=1e-5)


def test_the_clone_learns_what_a_saturated_victim_hides_in_its_probabilities():
    victim = perceptron(seed=1, scale=3000)
    attack = build_attack("default-grad", context_of(WhiteBoxChannel(), perceptron()), loss="l1", clone_lr=0.0, **SMALL)
    oracle, _ = oracle_of(victim, WhiteBoxChannel())
    queries = attack.strategy.propose(oracle, attack.learner.clone)
    response = oracle.query(queries)
    attack.learner.learn(queries, response)
    assert response.probabilities.min() == 0
    gradients = [parameter.grad for parameter in attack.learner.clone.parameters()]
    assert all(torch.isfinite(one).all() and one.abs().sum() > 0 for one in gradients)


@pytest.mark.parametrize("budget", [1, 4, 5, 24, 25, 99])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    attack = build_attack("default-grad", context_of(WhiteBoxChannel(), perceptron(), budget=budget), **SMALL)
    oracle, ledger = oracle_of(perceptron(seed=1), WhiteBoxChannel(), budget=budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


def test_an_iteration_costs_as_much_as_megexs():
    attack = build_attack("default-grad", context_of(WhiteBoxChannel(), perceptron()), generator_width=2, noise_dim=3)
    oracle, ledger = oracle_of(perceptron(seed=1), WhiteBoxChannel())
    for _ in range(5):
        one_turn(attack, oracle)
    assert ledger.spent == 1536


def test_only_the_white_box_has_what_it_needs():
    assert registry().channels_for(registry().get(AttackEntry, "default-grad").needs) == ["white-box"]
    assert registry().channels_for(registry().get(AttackEntry, "int").needs) == ["ig"]


@pytest.mark.parametrize(
    ("attack", "channel", "reconstruction"),
    [("default-grad", "white-box", None), ("int", "ig", "best"), ("int", "ig", "corrected")],
)
def test_a_trial_is_flagged_and_resumes_to_the_same_bytes(attack, channel, reconstruction, tmp_path):
    chosen = {} if reconstruction is None else {"reconstruction": reconstruction}
    parameters = {"batch_size": 16, "generator_width": 4, "noise_dim": 8, **chosen}
    spec = tiny_trial(attack, channel, parameters=parameters)
    whole, parts = TrialFolder(tmp_path / "whole"), TrialFolder(tmp_path / "parts")
    run_trial(spec, whole)
    turns = itertools.count()
    assert run_trial(spec, parts, should_stop=lambda: next(turns) == 7) == "stopped"
    assert run_trial(spec, parts) == "finished"
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (parts.path / name).read_bytes() == (whole.path / name).read_bytes()
    flags = json.loads((whole.path / "result.json").read_text())["flags"]
    assert ("white-box" in flags) == (channel == "white-box")
