"""The gradient probe: exact, free, and without a trace in the result."""

from __future__ import annotations

import pytest
import torch
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron
from trials import SMALL, tiny_trial

from mebench.api.contract import GradientStep, InputSpec, Victim
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.results.trial_folder import TrialFolder
from mebench.toolkit.losses import ExtractionLoss, KLLoss
from mebench.trial import evaluation as trial_module
from mebench.trial.metrics.gradient_probe import compare, gradient_quality, true_gradient
from mebench.trial.trial import run_trial

PARAMETERS = {"batch_size": 24, "generator_width": 4, "noise_dim": 8}


def channel_of(name, **parameters):
    entry = registry().get(ChannelEntry, name)
    return entry.call(given=parameters)


def setting(attack, channel, spec=SPEC, network=perceptron, **parameters):
    """An attack that has begun, with all that its probe needs."""
    channel = channel_of(channel)
    oracle, _ = oracle_of(network(spec, seed=1), channel, spec=spec)
    context = context_of(channel, network(spec, seed=2), spec=spec)
    built = build_attack(attack, context, **PARAMETERS, **parameters)
    one_turn(built, oracle)
    victim = Victim(network(spec, seed=1), spec)
    return built, (built.strategy, built.learner.clone, victim)


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
    points, loss = torch.randn(2, *SPEC.shape, dtype=torch.float64), KLLoss()

    def value(points):
        inputs = torch.sigmoid(points)
        return loss.per_query(torch.softmax(victim(inputs), 1), clone(inputs)).sum()

    truth = true_gradient(GradientStep(points, torch.sigmoid, loss, points, clone.state_dict()), clone, victim)
    for index in [(0, 0, 3, 4), (1, 0, 7, 0)]:
        step = torch.zeros_like(points)
        step[index] = 1e-6
        slope = (value(points + step) - value(points - step)) / 2e-6
        assert truth[index] == pytest.approx(slope.item(), rel=1e-5)


def test_the_gradient_is_compared_at_the_clone_of_its_step_not_at_the_clone_of_now():
    built, arguments = setting("megex", "vg", loss="l1")
    with torch.no_grad():
        for parameter in built.learner.clone.parameters():
            parameter.add_(torch.randn_like(parameter))
    state = {name: value.clone() for name, value in built.learner.clone.state_dict().items()}
    assert gradient_quality(*arguments)["gradient_cosine"] == pytest.approx(1, abs=1e-4)
    assert all(torch.equal(value, state[name]) for name, value in built.learner.clone.state_dict().items())
    assert built.learner.clone.training


def test_no_code_of_an_attack_sees_an_uncounted_answer():
    seen = []

    class Spy(ExtractionLoss):
        def per_query(self, probabilities, clone_logits):
            seen.append(probabilities)
            return (probabilities - clone_logits).sum(1)

    built, arguments = setting("megex", "vg")
    built.strategy._loss = Spy()
    assert gradient_quality(*arguments) == {}
    assert seen == []


@pytest.mark.parametrize(("attack", "channel"), [("random-generator", "probability"), ("noise", "probability")])
def test_attacks_without_a_gradient_have_no_quality(attack, channel):
    parameters = {key: value for key, value in PARAMETERS.items() if attack != "noise" or key == "batch_size"}
    built = build_attack(attack, context_of(channel_of(channel), perceptron(seed=2)), **parameters)
    assert gradient_quality(built.strategy, built.learner.clone, Victim(perceptron(), SPEC)) == {}


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
    for name in ("clone.safetensors", "samples.png"):
        assert (folders[0].path / name).read_bytes() == (folders[1].path / name).read_bytes()
    results = [{**folder.result(), "curve": None, "seal": None} for folder in folders]  # digests of the curve
    assert results[0] == results[1]
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


def test_early_queries_are_kept_beside_the_late_ones(tmp_path):
    spec = tiny_trial("megex", "vg")
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    early, late = ((folder.path / name).read_bytes() for name in ("samples-early.png", "samples.png"))
    assert len(early) > 500
    assert early != late
