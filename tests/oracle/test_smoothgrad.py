import pytest
import torch
from cases import explained, points_of
from toys import SPEC, convolutional, oracle_of, perceptron

from mebench.api.contract import InputSpec, Victim
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.entries import SmoothGradParameters
from mebench.oracle.channels.explanations import SmoothGradChannel, VanillaGradientChannel

WIDE = InputSpec((3, 16, 16), 3, low=-1.0, high=3.0)


def test_noise_is_normal_with_the_fraction_of_the_range_and_is_not_clipped():
    inputs = torch.full((8, 3, 16, 16), -1.0)
    noisy = torch.stack(points_of(SmoothGradChannel(SmoothGradParameters(20, 0.1)), convolutional(WIDE), WIDE, inputs))
    noise = noisy - inputs
    assert noise.std().item() == pytest.approx(0.4, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert (noisy < WIDE.low).float().mean() == pytest.approx(0.5, abs=0.02)
    assert torch.unique(noise).numel() > 0.99 * noise.numel()


def test_without_noise_it_is_the_vanilla_gradient():
    _, _, smooth = explained(perceptron, SPEC, SmoothGradChannel(SmoothGradParameters(3, 0.0)))
    _, _, vanilla = explained(perceptron, SPEC, VanillaGradientChannel())
    torch.testing.assert_close(smooth.explanation.dense(), vanilla.explanation.dense(), rtol=1e-5, atol=1e-7)


def test_one_sample_is_the_gradient_at_a_noisy_point_and_not_at_the_query():
    channel = SmoothGradChannel(SmoothGradParameters(1))
    network, inputs, smooth = explained(perceptron, SPEC, channel)
    (noisy,) = points_of(channel, network, SPEC, inputs)
    at = lambda x: VanillaGradientChannel().answer(Victim(network, SPEC), x, True).explanation.dense()  # noqa: E731
    torch.testing.assert_close(smooth.explanation.dense(), at(noisy), rtol=1e-5, atol=1e-7)
    assert (smooth.explanation.dense() - at(inputs)).norm() > 0.01 * at(inputs).norm()


def test_every_answer_has_noise_of_its_own_and_the_same_seed_the_same_noise():
    def two_answers(seed):
        channel = SmoothGradChannel(SmoothGradParameters(4))
        oracle, _ = oracle_of(perceptron(), channel)
        channel.use_randomness(RandomStreams(seed, torch.device("cpu")))
        inputs = torch.full((2, 1, 8, 8), 0.5)
        return [oracle.query(inputs, explain=True).explanation.dense() for _ in range(2)]

    first, second = two_answers(0)
    assert not torch.allclose(first, second, rtol=1e-3)
    assert not torch.allclose(first[0], first[1], rtol=1e-3)
    assert all(torch.equal(one, other) for one, other in zip(two_answers(0), (first, second), strict=True))
    assert not torch.allclose(two_answers(1)[0], first, rtol=1e-3)


def test_an_answer_without_explanation_draws_nothing():
    channel, streams = SmoothGradChannel(SmoothGradParameters(4)), RandomStreams(0, torch.device("cpu"))
    channel.use_randomness(streams)
    before = streams.torch("smoothgrad", "cpu").get_state()
    victim, inputs = Victim(perceptron(), SPEC), torch.rand(2, 1, 8, 8)
    channel.answer(victim, inputs, False)
    assert torch.equal(streams.torch("smoothgrad", "cpu").get_state(), before)
    channel.answer(victim, inputs, True)
    assert not torch.equal(streams.torch("smoothgrad", "cpu").get_state(), before)


def test_more_samples_come_nearer_to_the_smoothed_gradient():
    def error(samples):
        _, _, response = explained(perceptron, SPEC, SmoothGradChannel(SmoothGradParameters(samples, 0.5)))
        return (response.explanation.dense() - limit).norm()

    _, _, response = explained(perceptron, SPEC, SmoothGradChannel(SmoothGradParameters(4000, 0.5)))
    limit = response.explanation.dense()
    assert error(4) > 2 * error(64) > 4 * error(1000)
