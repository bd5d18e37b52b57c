"""The gradient probe: exact, free, and without a trace in the result."""

from __future__ import annotations

import json

import pytest
import torch
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron
from trials import SMALL, tiny_trial

from mebench import trial as trial_module
from mebench.api import GradientProbe, InputSpec, Victim
from mebench.gradient_probe import ROWS, UncountedLedger, compare, gradient_quality, true_gradient
from mebench.oracle import Oracle, QueryLedger
from mebench.plugins import registry
from mebench.store import TrialFolder
from mebench.trial import run_trial

PARAMETERS = {"batch_size": 24, "generator_width": 4, "noise_dim": 8}


def channel_of(name, **parameters):
    entry = registry().channel(name)
    return entry.load()(**entry.resolve(parameters))


def setting(attack, channel, spec=SPEC, network=perceptron, **parameters):
    """An attack that has begun, with all that its probe needs."""
    channel = channel_of(channel)
    oracle, ledger = oracle_of(network(spec, seed=1), channel, spec=spec)
    context = context_of(channel, network(spec, seed=2), spec=spec)
    built = build_attack(attack, context, **PARAMETERS, **parameters)
    one_turn(built, oracle)
    victim = Victim(network(spec, seed=1), spec)
    return built, (built.strategy, built.learner.clone, victim, channel, ledger, context.random)


def everything(built, ledger, random):
    """All state of an attack, as comparable bytes."""
    state = [built.strategy.state_dict(), built.learner.state_dict(), ledger.state_dict(), random.state_dict()]
    return json.dumps(state, default=lambda value: value.tolist() if isinstance(value, torch.Tensor) else str(value))


@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("spec", [SPEC, InputSpec((3, 8, 8), 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("network", [perceptron, convolutional])
def test_the_gradient_from_vanilla_explanations_is_the_true_one(loss, spec, network):
    _, arguments = setting("megex", "vg", spec, network, loss=loss)
    quality = gradient_quality(*arguments)
    assert quality["gradient_cosine"] == pytest.approx(1, abs=1e-4)
    assert quality["gradient_norm_ratio"] == pytest.approx(1, abs=1e-3)


def test_forward_differences_along_many_directions_approach_the_true_gradient():
    cosines = []
    for directions in (1, 100):
        _, arguments = setting("dfme", "probability", loss="l1", directions=directions, clone_gradient="exact")
        cosines.append(gradient_quality(*arguments)["gradient_cosine"])
    one, hundred = cosines
    assert one < 0.9
    assert hundred > one + 0.05


def test_the_printed_contraction_is_seen_to_be_wrong():
    _, arguments = setting("megex", "vg", loss="l1", contraction="as-printed")
    quality = gradient_quality(*arguments)
    assert quality["gradient_cosine"] < 0.7
    assert not 0.5 < quality["gradient_norm_ratio"] < 2


def test_the_true_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    victim, clone = perceptron(seed=1).double(), perceptron(seed=2).double()
    points = torch.randn(2, *SPEC.shape, dtype=torch.float64)

    def loss(probabilities, logits):
        return ((probabilities - logits) ** 2).sum(1)

    def value(points):
        inputs = torch.sigmoid(points)
        return loss(torch.softmax(victim(inputs), 1), clone(inputs)).sum()

    truth = true_gradient(GradientProbe(points, torch.sigmoid, loss, points), clone, victim)
    for index in [(0, 0, 3, 4), (1, 0, 7, 0)]:
        step = torch.zeros_like(points)
        step[index] = 1e-6
        slope = (value(points + step) - value(points - step)) / 2e-6
        assert truth[index] == pytest.approx(slope.item(), rel=1e-5)


@pytest.mark.parametrize(("attack", "channel"), [("dfme", "probability"), ("megex", "vg")])
def test_a_probe_leaves_attack_ledger_and_streams_as_they_were(attack, channel):
    built, arguments = setting(attack, channel)
    ledger, random = arguments[-2:]
    before = everything(built, ledger, random)
    assert gradient_quality(*arguments)
    assert everything(built, ledger, random) == before
    assert built.learner.clone.training
    first = gradient_quality(*arguments)
    assert gradient_quality(*arguments) == first


def test_a_stream_that_the_probe_uses_first_starts_anew_afterwards():
    random = context_of(channel_of("label"), perceptron()).random
    with random.untouched():
        inside = torch.rand(3, generator=random.torch("new"))
        outside_of_streams = torch.rand(3)
    assert torch.equal(torch.rand(3, generator=random.torch("new")), inside)
    assert torch.equal(torch.rand(3), outside_of_streams)


def test_a_probe_is_free_also_after_the_last_query_and_shows_the_trials_progress():
    ledger = QueryLedger(100)
    ledger.charge(100, "train")
    free = UncountedLedger(100)
    free.load_state_dict(ledger.state_dict())
    oracle = Oracle(Victim(perceptron(), SPEC), channel_of("probability"), free)
    assert len(oracle.query(torch.rand(7, *SPEC.shape))) == 7
    assert (oracle.spent, oracle.progress) == (100, 1.0)


@pytest.mark.parametrize(("attack", "channel"), [("random-generator", "probability"), ("noise", "probability")])
def test_attacks_without_a_gradient_have_no_quality(attack, channel):
    parameters = {key: value for key, value in PARAMETERS.items() if attack != "noise" or key == "batch_size"}
    built = build_attack(attack, context_of(channel_of(channel), perceptron(seed=2)), **parameters)
    victim, ledger = Victim(perceptron(), SPEC), QueryLedger(10)
    random = context_of(channel_of(channel), perceptron()).random
    assert gradient_quality(built.strategy, built.learner.clone, victim, channel_of(channel), ledger, random) == {}


def test_a_probe_has_few_queries_however_large_the_batch_is():
    built, arguments = setting("megex", "vg")
    clone, victim, channel = arguments[1:4]
    probe = built.strategy.probe_gradient(Oracle(victim, channel, UncountedLedger(9)), clone.eval(), 5)
    assert len(probe.points) == len(probe.gradient) == 5
    assert ROWS <= 64


def test_cosine_and_ratio_are_medians_over_the_batch():
    truth = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    estimate = torch.tensor([[3.0, 0.0], [0.0, -2.0], [1.0, 1.0]])
    quality = compare(estimate, truth)
    assert quality["gradient_cosine"] == pytest.approx(2**-0.5)
    assert quality["gradient_norm_ratio"] == pytest.approx(2**0.5)


def test_an_estimate_of_zero_has_cosine_0_and_a_true_gradient_of_zero_says_nothing():
    truth = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert compare(torch.zeros(2, 2), truth) == {"gradient_cosine": 0, "gradient_norm_ratio": 0}
    assert compare(torch.ones(2, 2), torch.zeros(2, 2)) == {"gradient_cosine": None, "gradient_norm_ratio": None}
    assert compare(torch.full((2, 2), torch.nan), truth) == {"gradient_cosine": None, "gradient_norm_ratio": None}


def test_tiny_gradients_are_compared_in_double_precision():
    quality = compare(torch.full((1, 4), 1e-30), torch.full((1, 4), 2e-30))
    assert quality["gradient_cosine"] == pytest.approx(1)
    assert quality["gradient_norm_ratio"] == pytest.approx(0.5)


@pytest.mark.parametrize(("attack", "channel"), [("dfme", "probability"), ("megex", "vg")])
def test_the_result_of_a_trial_is_the_same_without_the_probe(tmp_path, monkeypatch, attack, channel):
    spec = tiny_trial(attack, channel)
    folders = [TrialFolder.of(tmp_path / name, spec) for name in ("with", "without")]
    run_trial(spec, folders[0])
    monkeypatch.setattr(trial_module, "gradient_quality", lambda *_: {})
    run_trial(spec, folders[1])
    for name in ("result.json", "clone.safetensors", "samples.png"):
        assert (folders[0].path / name).read_bytes() == (folders[1].path / name).read_bytes()
    probed, plain = (folder.curve() for folder in folders)
    assert [set(point) - set(other) for point, other in zip(probed, plain, strict=True)] == [
        {"gradient_cosine", "gradient_norm_ratio"}
    ] * len(plain)


def test_the_curve_of_a_trial_tells_exact_gradients_from_estimates(tmp_path):
    medians = {}
    for attack, channel in (("dfme", "probability"), ("megex", "vg")):
        spec = tiny_trial(attack, channel, parameters=SMALL | {"loss": "kl"})
        folder = TrialFolder.of(tmp_path, spec)
        run_trial(spec, folder)
        medians[attack] = [point["gradient_cosine"] for point in folder.curve()]
    assert min(medians["megex"]) > 0.999
    assert max(medians["dfme"]) < 0.6
