"""``bf16: true``: which passes are made in bfloat16, which must not be, and that results say so."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron
from trials import SMALL, tiny_trial

from mebench.api.errors import ConfigurationError
from mebench.api.spec import TrialSpec
from mebench.models.networks.precision import trained_in_bf16
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.explanations.vanilla import VanillaGradientChannel
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

IMAGES = torch.rand(32, *SPEC.shape, generator=torch.Generator().manual_seed(5))


def in_bf16(spec: TrialSpec) -> TrialSpec:
    return dataclasses.replace(spec, bf16=True)


def finished(folder, spec):
    made = TrialFolder.of(folder, spec)
    assert run_trial(spec, made) == "finished"
    return made


def gradients(network: nn.Module) -> torch.Tensor:
    network.train().zero_grad()
    nn.functional.cross_entropy(network(IMAGES), torch.arange(32) % 10).backward()
    return torch.cat([weight.grad.flatten() for weight in network.parameters()])


@pytest.mark.parametrize("make", [perceptron, convolutional])
def test_in_training_logits_and_gradients_are_those_of_float32_to_bf16s_rounding(make):
    plain, fast = make(SPEC), trained_in_bf16(make(SPEC))
    expected, found = plain.train()(IMAGES), fast.train()(IMAGES)
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    assert (found - expected).norm() < 0.02 * expected.norm()
    found = gradients(fast)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert torch.nn.functional.cosine_similarity(found, gradients(plain), dim=0) > 0.99


def test_in_eval_mode_and_in_its_state_nothing_changes():
    plain, fast = convolutional(SPEC), trained_in_bf16(convolutional(SPEC))
    assert torch.equal(fast.eval()(IMAGES), plain.eval()(IMAGES))
    assert fast.state_dict().keys() == plain.state_dict().keys()
    fast.train()(IMAGES)
    assert {value.dtype for value in fast.state_dict().values()} == {torch.float32, torch.int64}


def test_a_copy_computes_with_its_own_weights_and_in_bf16_too():
    network = trained_in_bf16(perceptron()).train()
    before, copied = network(IMAGES), copy.deepcopy(network)
    with torch.no_grad():
        for weight in copied.parameters():
            weight.zero_()
    assert not copied(IMAGES).any()
    assert torch.equal(network(IMAGES), before)


def test_autocast_is_on_in_the_clones_and_the_generators_training_pass_alone(monkeypatch):
    """The victim answers and explains to the bit as ever, and the clone is differentiated in float32."""
    victim, seen = perceptron(seed=1), []
    clone = convolutional(SPEC)

    def noting(who):
        return lambda module, inputs, outputs: seen.append((who, module.training, torch.is_autocast_enabled("cpu")))

    oracle, _ = oracle_of(victim, VanillaGradientChannel(), budget=200)
    context = dataclasses.replace(context_of(VanillaGradientChannel(), trained_in_bf16(clone)), bf16=True)
    attack = build_attack("megex", context, **SMALL)
    victim[1].register_forward_hook(noting("victim"))
    clone[0].register_forward_hook(noting("clone"))
    attack.strategy.generator.linear.register_forward_hook(noting("generator"))
    ask = oracle.query

    def checked(inputs, **options):
        response = ask(inputs, **options)
        points = inputs.clone().requires_grad_()
        probabilities = torch.softmax(victim(points), 1)
        assert torch.equal(response.probabilities, probabilities.detach())
        if response.explanation is not None:
            weights = torch.ones_like(probabilities).cumsum(1)
            (expected,) = torch.autograd.grad(probabilities, points, weights)
            assert torch.equal(response.explanation.vjp(weights), expected)
        return response

    monkeypatch.setattr(oracle, "query", checked)
    for _ in range(6):
        one_turn(attack, oracle)
    assert set(seen) == {
        ("victim", False, False),
        ("clone", False, False),
        ("clone", True, True),
        ("generator", True, True),
    }


def test_a_network_with_a_forward_pass_of_its_own_is_refused():
    own = perceptron()
    own.forward = lambda inputs: inputs.flatten(1)[:, :10]
    for network in (own, torch.jit.trace(perceptron(), IMAGES)):
        with pytest.raises(ConfigurationError, match="whose forward pass is its own"):
            trained_in_bf16(network)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        (
            "mega",
            {"generator_width": 4, "noise_dim": 5, "noise_vectors": 8, "generator_batch_size": 4, "noise": "restart"},
        ),
        ("dast", {"generator_width": 2, "noise_dim": 5, "batch_size": 10}),
    ],
)
def test_generators_of_other_attacks_compute_in_it_too_and_are_asked_in_float32(name, parameters):
    seen = []
    context = dataclasses.replace(context_of(LabelChannel(), perceptron()), bf16=True)
    attack = build_attack(name, context, **parameters)
    oracle, _ = oracle_of(perceptron(seed=1), LabelChannel(), budget=100)
    for _ in range(2):
        hook = nn.modules.module.register_module_forward_hook(
            lambda module, inputs, outputs: seen.append((type(module).__name__, torch.is_autocast_enabled("cpu")))
        )
        try:
            queries = one_turn(attack, oracle)
        finally:
            hook.remove()
        assert queries.dtype == torch.float32
    kinds = {kind for kind, _ in seen if kind in ("UpsampleConv2d", "ConvTranspose2d")}
    assert kinds
    assert all(inside for kind, inside in seen if kind in kinds)


def test_attacks_by_forward_differences_refuse_it():
    context = dataclasses.replace(context_of(ProbabilityChannel(), perceptron()), bf16=True)
    for attack in ("dfme", "maze"):
        with pytest.raises(ConfigurationError, match=r"bf16: true is not for differences over steps of 0\.001"):
            build_attack(attack, context, **SMALL)


def test_a_profile_with_such_an_attack_is_refused_where_it_stands(repository):
    with pytest.raises(ConfigurationError) as caught:
        load_benchmark(repository / "benchmarks" / "table1.yaml", ["profiles.quick.bf16=true"])
    lines = str(caught.value).splitlines()
    assert len(lines) == 2  # dfme stands there twice
    words = "dfme takes differences over small steps, which need float32: leave it out, or bf16: true"
    assert all(words in line for line in lines)


def test_a_profile_asks_for_it(repository):
    file = repository / "benchmarks" / "pool.yaml"
    trials = make_plan(load_benchmark(file, ["profiles.quick.bf16=true"]), "quick").trials
    assert {trial.bf16 for trial in trials if trial.kind == "attack"} == {True}
    assert {trial.bf16 for trial in make_plan(load_benchmark(file), "quick").trials} == {False}


def test_ids_are_what_they_were_before_there_was_this_option():
    spec = tiny_trial()
    assert "bf16" not in spec.to_json()
    assert in_bf16(spec).id != spec.id
    assert TrialSpec.from_json(in_bf16(spec).to_json()) == in_bf16(spec)


def test_a_trial_in_bf16_learns_nearly_the_same_resumes_to_the_same_bytes_and_says_so(tmp_path):
    spec = tiny_trial("megex", "vg")
    plain, fast = finished(tmp_path / "plain", spec), finished(tmp_path / "fast", in_bf16(spec))
    precision = {"dtype": "float32", "tf32": False, "autocast": "bfloat16"}
    assert fast.result()["provenance"]["precision"] == precision
    assert fast.result()["metrics"]["fidelity"] == pytest.approx(plain.result()["metrics"]["fidelity"], abs=0.15)
    assert fast.result()["victim"] == plain.result()["victim"]
    stopped = TrialFolder.of(tmp_path / "stopped", in_bf16(spec))
    turns = iter([False] * 7 + [True])
    assert run_trial(in_bf16(spec), stopped, should_stop=lambda: next(turns)) == "stopped"
    assert run_trial(in_bf16(spec), stopped) == "finished"
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (stopped.path / name).read_bytes() == (fast.path / name).read_bytes()
