import torch
from toys import oracle_of, perceptron

from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.explanations import VanillaGradientChannel, WhiteBoxChannel
from mebench.trial.metrics.examination import Scores
from mebench.trial.result import gives_logits, trial_flags


def test_the_white_box_gives_logits_and_their_exact_gradients():
    network, inputs = perceptron(scale=200), torch.rand(5, 1, 8, 8)
    response = oracle_of(network, WhiteBoxChannel())[0].query(inputs, explain=True)
    assert torch.equal(response.logits, network(inputs))
    assert torch.equal(response.probabilities, torch.softmax(network(inputs), 1))
    expected = oracle_of(network, VanillaGradientChannel(score="logit"))[0].query(inputs, explain=True)
    assert response.explanation.score == "logit"
    assert torch.equal(response.explanation.dense(), expected.explanation.dense())


def test_no_other_channel_gives_logits():
    inputs = torch.rand(2, 1, 8, 8)
    for channel in (ProbabilityChannel(), VanillaGradientChannel(score="logit")):
        assert oracle_of(perceptron(), channel)[0].query(inputs).logits is None


def test_a_trial_on_the_white_box_is_flagged():
    assert [name for name in ("label", "probability", "vg", "sg", "ig", "white-box", "none") if gives_logits(name)] == [
        "white-box"
    ]
    scores = Scores({"accuracy": 0.9}, finite=True)
    assert trial_flags(scores, 10, white_box=True) == ["white-box"]
    assert trial_flags(scores, 10) == []
