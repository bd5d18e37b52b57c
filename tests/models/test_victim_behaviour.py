"""A user's victim is tried before anything attacks it: what it must not do is an error, what a reader must know a flag.

Each victim here is one that somebody could bring in good faith.
"""

from __future__ import annotations

import asyncio
import random
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import nn

from mebench.api.contract import InputSpec, Victim
from mebench.api.errors import ConfigurationError
from mebench.models.victims.as_asked import AsAsked
from mebench.models.victims.behaviour import Behaviour, behaviour
from mebench.oracle.channels.answers import ProbabilityChannel

SPEC = InputSpec((1, 8, 8), 10)
INPUTS = torch.rand(300, *SPEC.shape, generator=torch.Generator().manual_seed(0))


class Linear(nn.Module):
    """What the others are made of: logits from -1.5 to 1.5."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.layer = nn.Linear(64, 10)

    def forward(self, x):
        return 2 * self.layer(x.flatten(1))


PLAIN = Linear()
LABELS = PLAIN(INPUTS).argmax(1)


def victim(change, said=None, network=Linear) -> Victim:
    """A victim whose forward is ``change(network, x)``."""

    class Changed(network):
        def forward(self, x):
            return change(super().forward, x)

    return Victim(AsAsked(Changed(), said), SPEC, "mine", outputs="logits")


def tried(change, said=None, network=Linear, accuracy=1.0) -> Behaviour:
    return behaviour(victim(change, said, network), INPUTS, LABELS, accuracy, said)


def refused(change, said=None, network=Linear) -> str:
    with pytest.raises(ConfigurationError) as caught:
        tried(change, said, network)
    assert str(caught.value).startswith("victim 'mine'")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def no_grad(forward, x):
    with torch.no_grad():
        return forward(x)


def inference(forward, x):
    with torch.inference_mode():
        return forward(x)


def writes_on_inputs(forward, x):
    return forward(x.mul_(2).sub_(1).div_(2).add_(0.5))


def in_place_relu_of_the_input(forward, x):
    return forward(F.relu(x, inplace=True))


BUFFER = torch.zeros(300, 10)


def same_buffer(forward, x):
    out = BUFFER[: len(x)]
    with torch.no_grad():
        return out.copy_(forward(x))


@pytest.mark.parametrize(
    "change",
    [
        lambda forward, x: forward(x),
        writes_on_inputs,
        in_place_relu_of_the_input,
        lambda forward, x: SimpleNamespace(logits=forward(x), loss=None),
        lambda forward, x: {"logits": forward(x), "hidden": x},
        lambda forward, x: forward(x).double(),
        lambda forward, x: forward(x).half(),
    ],
    ids=["plain", "writes", "in-place relu", "object", "mapping", "double", "half"],
)
def test_what_does_no_harm_raises_no_flag(change):
    inputs = INPUTS[:5].clone()
    found = tried(change)
    assert found == Behaviour()
    assert torch.equal(INPUTS[:5], inputs)
    torch.testing.assert_close(victim(change)(inputs), PLAIN(inputs), rtol=1e-2, atol=1e-2)
    assert torch.equal(INPUTS[:5], inputs)


def test_answers_stay_what_they_were_when_a_network_returns_the_same_buffer_at_every_call():
    asked = victim(same_buffer)
    first = asked(INPUTS[:3])
    kept = first.clone()
    asked(INPUTS[3:6])
    assert torch.equal(first, kept)


def softmax(forward, x):
    return forward(x).softmax(1)


def test_probabilities_are_an_error_until_they_are_said_and_then_channels_answer_them():
    assert "returns probabilities, of which channels would take the softmax again: say `outputs: pr" in refused(softmax)
    assert tried(softmax, "probabilities") == Behaviour(outputs="probabilities")
    answered = ProbabilityChannel().answer(victim(softmax, "probabilities"), INPUTS, False).probabilities
    torch.testing.assert_close(answered, PLAIN(INPUTS).softmax(1))


def test_probabilities_in_percent_are_an_error_until_they_are_said_to_be_logits():
    def percent(forward, x):
        return 100 * forward(x).softmax(1)

    assert "returns probabilities in percent, of which channels would take the softmax: divide them" in refused(percent)
    assert "outputs: probabilities, but the probabilities of an input sum to 100" in refused(percent, "probabilities")
    assert tried(percent, "logits").outputs == "logits"


def test_confident_probabilities_are_no_sign_of_a_batch_that_matters():
    def confident(forward, x):
        return (60 * forward(x)).softmax(1)

    assert tried(confident, "probabilities").flags == ()


def test_probabilities_of_zero_and_of_half_precision_are_answered():
    def half(forward, x):
        return (200 * forward(x)).softmax(1).half()

    answered = ProbabilityChannel().answer(victim(half, "probabilities"), INPUTS, False).probabilities
    torch.testing.assert_close(answered, (200 * PLAIN(INPUTS)).softmax(1), rtol=0, atol=2e-3)
    assert bool(answered.isfinite().all())


def test_log_probabilities_serve_as_logits_and_are_seen():
    def logs(forward, x):
        return forward(x).log_softmax(1)

    assert tried(logs) == tried(logs, "log-probabilities") == Behaviour(outputs="log-probabilities")
    answered = ProbabilityChannel().answer(victim(logs), INPUTS, False).probabilities
    torch.testing.assert_close(answered, PLAIN(INPUTS).softmax(1))


@pytest.mark.parametrize("said", ["probabilities", "log-probabilities"])
def test_what_is_said_must_fit(said):
    assert f"outputs: {said}, but the probabilities of an input sum to" in refused(lambda f, x: 3 * f(x), said)


def test_outputs_in_0_to_1_that_do_not_sum_to_1_are_taken_for_logits_and_that_is_said():
    def sigmoid(forward, x):
        return forward(x).sigmoid()

    (line,) = tried(sigmoid).notes("mine")
    assert "(a sigmoid at its end?): they are taken for logits; say `outputs: logits` if they are" in line
    assert tried(sigmoid, "logits") == Behaviour()


def test_one_hot_labels_count_as_probabilities_and_cannot_be_explained():
    def hard(forward, x):
        return F.one_hot(forward(x).argmax(1), 10).float()

    assert "returns probabilities" in refused(hard)
    assert "carry no gradient" in tried(hard, "probabilities").no_gradient


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_grad, "its outputs carry no gradient to its inputs (a no_grad, a detach or an argmax in its forward?)"),
        (inference, "its outputs carry no gradient to its inputs"),
        (lambda f, x: f(x.detach()), "its outputs carry no gradient to its inputs"),
        (lambda f, x: f((16 * x).round() / 16), "the gradient of its outputs to its inputs is 0 (a rounding"),
        (lambda f, x: f(x + (0 * x).sqrt()), "the gradient of its outputs to its inputs is not finite"),
        (lambda f, x: f(x.sigmoid().mul_(2)), "cannot be computed (one of the variables needed for gradient"),
    ],
    ids=["no_grad", "inference_mode", "detach", "round", "infinite", "in-place"],
)
def test_a_victim_without_gradients_is_told_and_can_be_attacked_where_nothing_explains(change, words):
    found = tried(change)
    assert words in found.no_gradient
    assert found.flags == ()
    assert [line for line in found.notes("mine") if line.endswith(": no channel can explain its answers")]


def test_functional_dropout_makes_a_random_victim_whose_agreement_with_itself_is_told():
    found = tried(lambda f, x: f(F.dropout(x, 0.5)))
    assert found.flags == ("random-victim",)
    assert 0 < found.agreement < 0.9
    (line,) = found.notes("mine")
    assert f"asked again, it gives {found.agreement:.1%} of its test inputs the same label" in line


def test_noise_that_hardly_changes_a_label_makes_a_random_victim_too():
    found = tried(lambda f, x: f(x) + 1e-3 * torch.randn(len(x), 10))
    assert found.flags == ("random-victim",)
    assert found.agreement > 0.9


def leaves(forward, x):
    raise SystemExit(3)


def cancels(forward, x):
    raise asyncio.CancelledError("given up")


def nested(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor(rows)


def test_a_count_of_calls_that_changes_answers_makes_a_random_victim():
    calls = []

    def tiring(forward, x):
        calls.append(len(x))
        return forward(x) * (1 + 0.1 * len(calls))

    assert tried(tiring).flags == ("random-victim",)


@pytest.mark.parametrize(
    "change",
    [
        lambda f, x: f(x) - f(x).mean(0),
        lambda f, x: f(F.batch_norm(x, None, None, training=True)),
        lambda f, x: f(x) * len(x) ** 0.5,
    ],
    ids=["mean of the batch", "batch norm without statistics", "size of the batch"],
)
def test_a_victim_that_looks_at_the_whole_batch_is_flagged(change):
    found = tried(change)
    assert found.flags == ("batch-dependent-victim",)
    assert "answers by what else is in a batch" in next(found.notes("mine"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda f, x: f(x).squeeze(),
            "shape (1, 10) for 1 input of 10 classes, not torch.float32 (10,): it loses the batch of a single input "
            "(a squeeze() without a dimension?)",
        ),
        (lambda f, x: (f(x), x), "not tuple: let it return the logits alone"),
        (lambda f, x: {"scores": f(x)}, "not dict: let it return the logits alone"),
        (
            lambda f, x: f(x)[:, :9],
            "must return logits of shape (2, 10) for 2 inputs of 10 classes, not torch.float32 (2, 9)",
        ),
        (lambda f, x: f(x).argmax(1), "not torch.int64 (2,)"),
        (lambda f, x: f(x).numpy() if not torch.is_grad_enabled() else f(x), "not ndarray"),
        (lambda f, x: f(x / x.std((1, 2, 3), keepdim=True)), "not finite for 2 of 2 inputs of the one value 0"),
        (lambda f, x: f(x) * float("nan"), "returns logits that are not finite"),
        (lambda f, x: f(x) if len(x) != 1 else {}["one"], "fails on inputs of shape (1, 1, 8, 8): 'one'"),
        (leaves, "fails on inputs of shape (2, 1, 8, 8): it calls sys.exit"),
        (cancels, "fails on inputs of shape (2, 1, 8, 8): given up"),
        (
            lambda f, x: f(x).to_sparse(),
            "where its inputs are, for 2 inputs: they are sparse",
        ),
        (
            lambda f, x: nested(list(f(x))),
            "where its inputs are, for 2 inputs: they are nested",
        ),
        (
            lambda f, x: f(x).to("meta"),
            "where its inputs are, for 2 inputs: they are on meta",
        ),
    ],
    ids=[
        *("squeeze", "tuple", "dict", "classes", "labels", "numpy", "constant image", "nan", "fails", "exits"),
        *("cancels", "sparse", "nested", "meta"),
    ],
)
def test_a_victim_that_cannot_answer_every_query_is_refused(change, words):
    assert words in refused(change)


def test_batch_norms_that_fail_on_a_single_row_are_refused():
    class Normed(Linear):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(64, track_running_stats=False)

        def forward(self, x):
            return super().forward(self.norm(x.flatten(1)))

    assert "fails on inputs of shape (1, 1, 8, 8)" in refused(lambda f, x: f(x), network=Normed)


def seeds_torch(forward, x):
    torch.manual_seed(0)
    return forward(x)


def seeds_others(forward, x):
    random.seed(0)
    np.random.seed(0)
    return forward(x)


def switches_off(forward, x):
    torch.set_grad_enabled(False)
    return forward(x)


def changes_dtype(forward, x):
    torch.set_default_dtype(torch.float64)
    return forward(x)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (seeds_torch, "seeds the global random numbers of torch whenever it is asked"),
        (seeds_others, "seeds the global random numbers of Python and NumPy whenever it is asked"),
        (changes_dtype, "whenever it is asked, changed torch's default dtype"),
    ],
)
def test_a_victim_that_changes_what_others_draw_or_compute_is_refused_and_all_is_put_back(change, words):
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    assert words in refused(change)
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states[1:]


def test_a_victim_that_switches_gradients_off_for_its_caller_is_told_as_one_without():
    """Where no gradients are taken, that changes nothing; torch puts it back behind the victim."""
    assert "carry no gradient" in tried(switches_off).no_gradient
    assert torch.is_grad_enabled()


class Normed(Linear):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.register_buffer("seen", torch.zeros(()), persistent=False)


def test_a_victim_that_changes_its_own_tensors_is_refused():
    class Counting(Normed):
        def forward(self, x):
            self.seen += len(x)
            return super().forward(x)

    class Learning(Normed):
        def forward(self, x):
            norm = self.norm
            return super().forward(F.batch_norm(x, norm.running_mean, norm.running_var, training=True))

    assert "changes its own tensors whenever it is asked (seen)" in refused(lambda f, x: f(x), network=Counting)
    assert "(norm.running_mean, norm.running_var)" in refused(lambda f, x: f(x), network=Learning)


def test_a_victim_that_goes_into_train_mode_is_refused():
    class Training(Linear):
        def forward(self, x):
            self.train()
            return super().forward(x)

    assert "goes into train mode whenever it is asked" in refused(lambda f, x: f(x), network=Training)


def test_a_program_of_torch_export_which_has_no_modes_is_taken_as_it_is():
    program = torch.export.export(Linear().eval(), (INPUTS[:2],), dynamic_shapes=({0: torch.export.Dim("rows")},))
    asked = Victim(AsAsked(program.module()), SPEC, "mine", outputs="logits")
    assert not any(module.training for module in asked.modules())
    assert behaviour(asked, INPUTS, LABELS, 1.0, None) == Behaviour()
    torch.testing.assert_close(asked(INPUTS), PLAIN(INPUTS))


def test_a_victim_at_chance_is_flagged_with_the_range_that_it_was_made_for():
    wants_bytes = victim(lambda f, x: f(x - 127.5))
    labels = wants_bytes(255 * INPUTS).argmax(1)
    accuracy = float((wants_bytes(INPUTS).argmax(1) == labels).double().mean())
    found = behaviour(wants_bytes, INPUTS, labels, accuracy, None)
    assert found.flags == ("victim-at-chance",)
    assert "hardly better than guessing: it is right for 100% of images of 0 to 255 (mean: 0, std: 0.0039" in next(
        found.notes("mine")
    )


@pytest.mark.parametrize(
    ("most", "accuracy", "at_chance"), [(0.1, 0.14, True), (0.1, 0.2, False), (0.9, 0.94, True), (0.9, 0.96, False)]
)
def test_chance_is_what_naming_the_most_frequent_class_would_reach(most, accuracy, at_chance):
    labels = torch.arange(300) % 10 if most == 0.1 else (torch.arange(300) % 10 == 0).long()
    found = behaviour(victim(lambda f, x: f(x)), INPUTS, labels, accuracy, None)
    assert found.at_chance is at_chance
