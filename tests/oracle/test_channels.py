import torch
from toys import oracle_of, perceptron

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.entries import ProbabilityParameters

INPUTS = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def answers(channel, scale=5.0):
    network = perceptron(scale=scale)
    oracle, _ = oracle_of(network, channel)
    with torch.no_grad():
        return oracle.query(INPUTS), torch.softmax(network(INPUTS), 1)


def test_the_label_channel_gives_the_most_probable_class_and_nothing_else():
    response, expected = answers(LabelChannel())
    assert torch.equal(response.labels, expected.argmax(1))
    assert response.probabilities is None
    assert response.explanation is None


def test_the_probability_channel_gives_the_softmax():
    response, expected = answers(ProbabilityChannel())
    torch.testing.assert_close(response.probabilities, expected)


def test_top_k_keeps_the_k_largest_and_does_not_renormalise():
    response, expected = answers(ProbabilityChannel(ProbabilityParameters(top_k=3)))
    for row, full in zip(response.probabilities, expected, strict=True):
        kept = sorted(full.tolist(), reverse=True)[:3]
        assert sorted(row[row > 0].tolist(), reverse=True) == kept


def test_top_k_beyond_the_number_of_classes_is_everything():
    response, expected = answers(ProbabilityChannel(ProbabilityParameters(top_k=99)))
    torch.testing.assert_close(response.probabilities, expected)


def test_decimals_round_and_tell_the_floor():
    channel = ProbabilityChannel(ProbabilityParameters(decimals=2))
    response, expected = answers(channel)
    assert [[round(p, 2) for p in row] for row in response.probabilities.tolist()] == [
        [round(p, 2) for p in row] for row in expected.tolist()
    ]
    assert channel.probability_floor == 0.005


def test_a_channel_is_named_with_what_differs_from_its_defaults():
    assert ProbabilityChannel().name == "probability"
    assert ProbabilityChannel(ProbabilityParameters(top_k=3, decimals=2)).name == "probability(top_k=3,decimals=2)"
