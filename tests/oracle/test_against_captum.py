import pytest
import torch
from cases import NETWORKS, explained, points_of

from mebench.oracle.channels.entries import ExplainedParameters, IntegratedGradientsParameters, SmoothGradParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, SmoothGradChannel, VanillaGradientChannel


@pytest.fixture(scope="module")
def captum():
    return pytest.importorskip("captum.attr")


def scored(network, score):
    network = network.eval()
    return network if score == "logit" else lambda inputs: torch.softmax(network(inputs), 1)


def some_classes(spec):
    return range(0, spec.num_classes, max(1, spec.num_classes // 5))


def same(ours, theirs):
    assert (ours - theirs).norm() <= 2e-5 * theirs.norm()


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
def test_vanilla_gradients_equal_captums_saliency(make, spec, score, captum):
    network, inputs, response = explained(make, spec, VanillaGradientChannel(ExplainedParameters(score=score)))
    saliency, dense = captum.Saliency(scored(network, score)), response.explanation.dense()
    for label in some_classes(spec):
        same(dense[:, label], saliency.attribute(inputs.clone().requires_grad_(), target=label, abs=False))


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
def test_smoothgrad_equals_captums_noise_tunnel_with_the_same_noise(make, spec, score, monkeypatch, captum):
    channel = SmoothGradChannel(SmoothGradParameters(6, score=score))
    network, inputs, response = explained(make, spec, channel)
    noise = torch.stack(points_of(channel, network, spec, inputs), dim=1) - inputs.unsqueeze(1)
    drawn = []

    def same_noise(*arguments, **options):
        drawn.append(1)
        return noise.flatten(0, 1)

    monkeypatch.setattr(torch, "normal", same_noise)
    tunnel, dense = captum.NoiseTunnel(captum.Saliency(scored(network, score))), response.explanation.dense()
    for label in some_classes(spec):
        theirs = tunnel.attribute(
            inputs.clone(), nt_type="smoothgrad", nt_samples=6, stdevs=0.1, target=label, abs=False
        )
        same(dense[:, label], theirs)
    assert drawn


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("baseline", [0.0, 0.5])
@pytest.mark.parametrize(("rule", "method"), [("right", "riemann_right"), ("midpoint", "riemann_middle")])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
def test_integrated_gradients_equal_captums(make, spec, rule, method, baseline, score, captum):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(20, baseline, rule, score))
    network, inputs, response = explained(make, spec, channel)
    integrated, dense = captum.IntegratedGradients(scored(network, score)), response.explanation.dense()
    for label in some_classes(spec):
        theirs = integrated.attribute(inputs, baselines=baseline, target=label, n_steps=20, method=method)
        same(dense[:, label], theirs.float())
