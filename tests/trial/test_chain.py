"""What stands between a victim and an attack: one chain, in one order, whose every part has a state."""

from __future__ import annotations

import copy

import pytest
import torch
from toys import SPEC, oracle_of, perceptron
from trials import tiny_trial

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.api.defence import ClientWatch, Detector, ExplanationDefence
from mebench.api.errors import NothingToAskError
from mebench.api.random_streams import RandomStreams
from mebench.guard.call import Guard
from mebench.guard.defences import GuardedDefence, GuardedDetector
from mebench.models.victims.loading import PreparedVictim
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.oracle.channels.explanations import (
    IntegratedGradientsChannel,
    SmoothGradChannel,
    VanillaGradientChannel,
    WhiteBoxChannel,
)
from mebench.oracle.links import Link
from mebench.oracle.observer import Observer
from mebench.results.trial_folder import TrialFolder
from mebench.trial.chain import Chain
from mebench.trial.links.sentry import Armed
from mebench.trial.trial import run_trial

CPU = torch.device("cpu")
EXPLAINED = [VanillaGradientChannel, SmoothGradChannel, IntegratedGradientsChannel, WhiteBoxChannel]


class Drifting(ProbabilityChannel):
    """Answers less and less surely: a channel with a state."""

    def __init__(self):
        super().__init__()
        self.name, self.rows = "drifting", 0

    def answer(self, victim, inputs, explain):
        answer = super().answer(victim, inputs, explain)
        self.rows += len(inputs)
        share = 0.999**self.rows
        return Response(answer.labels, share * answer.probabilities + (1 - share) / answer.probabilities.shape[1])

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state):
        self.rows = state["rows"]


class Noting(Observer):
    """Writes its name and what it is told into a list that others write into as well."""

    def __init__(self, name, told):
        self.name, self.told = name, told

    def observe(self, inputs, response, purpose):
        self.told.append((self.name, len(inputs), purpose))


def prepared() -> PreparedVictim:
    inputs, labels = torch.rand(20, *SPEC.shape), torch.zeros(20, dtype=torch.int64)
    return PreparedVictim(Victim(perceptron(), SPEC), SPEC, 0.9, "", "", "made", inputs, labels, 1)


def chain_of(channel: ResponseChannel, budget: int = 100, observers=()) -> Chain:
    return Chain(budget, prepared(), channel, RandomStreams(0, CPU), "attack toy", observers)


def test_a_query_passes_the_count_the_channel_and_the_meter_and_then_the_observers_in_their_order():
    told: list[tuple[str, int, str]] = []
    chain = chain_of(ProbabilityChannel(), observers=[Noting("first", told), Noting("second", told)])
    chain.oracle.query(torch.rand(7, *SPEC.shape), purpose="explore")
    chain.oracle.query(torch.rand(5, *SPEC.shape))
    assert told == [("first", 7, "explore"), ("second", 7, "explore"), ("first", 5, "train"), ("second", 5, "train")]
    assert chain.ledger.by_purpose == {"train": 5, "explore": 7, "validation": 0}
    assert chain.ledger.victim_forward == 12
    assert sum(map(sum, chain.labels.halves)) == 5
    assert not chain.problem()


def test_no_method_is_replaced_on_an_object():
    channel = ProbabilityChannel()
    chain = chain_of(channel)
    for link in (channel, chain._counted):
        assert not {"answer", "use_randomness"} & set(vars(link))


def test_a_link_shows_what_is_public_of_the_channel_inside_and_nothing_else():
    inside = IntegratedGradientsChannel(IntegratedGradientsParameters(steps=7, baseline=0.5, classes="top-1"))
    link = Link(inside)
    shown = (
        link.name,
        link.gives,
        link.probability_floor,
        link.explained_classes,
        link.baseline,
        link.steps,
        link.rule,
    )
    assert shown == (inside.name, inside.gives, inside.probability_floor, 1, 0.5, 7, "right")
    with pytest.raises(AttributeError):
        link._nothing_of_this_name  # noqa: B018
    assert copy.deepcopy(link).steps == 7


class Halved(ExplanationDefence):
    """Halves each map."""

    def release(self, queries, maps, labels):
        return maps / 2


class Tiresome(Detector):
    """Has no opinion."""

    def client(self):
        return Unmoved()


class Unmoved(ClientWatch):
    def score(self, queries, response):
        return torch.zeros(len(queries), dtype=torch.float64)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_nothing_that_an_attack_holds_shows_defences_detectors_or_what_was_answered_before_them():
    guard = Guard("defence halved")
    defences = [GuardedDefence(guard, Halved(), "halved")]
    armed = [Armed(GuardedDetector(guard, Tiresome(), "tiresome"), 1.0)]
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(steps=7))
    for links in ({"defences": defences, "armed": armed}, {"armed": armed}):
        chain = Chain(100, prepared(), channel, RandomStreams(0, CPU), "attack toy", **links)
        told = chain.oracle.channel
        assert told.steps == 7
        explanation = chain.oracle.query(torch.rand(3, *SPEC.shape), explain=True).explanation
        for name in ("guarded", "alarms", "moved", "flipped", "exchanged", "keeps_argmax", "releases"):
            assert not hasattr(told, name)
        assert not hasattr(explanation, "inner")


def test_who_is_refused_by_the_service_pays_neither_for_queries_nor_for_explanations():
    armed = [Armed(GuardedDetector(Guard("detector tiresome"), Tiresome(), "tiresome"), -1.0)]
    streams = RandomStreams(0, CPU)
    chain = Chain(
        100, prepared(), VanillaGradientChannel(), streams, "attack toy", armed=armed, clients=2, on_alarm="refuse"
    )
    chain.oracle.query(torch.rand(3, *SPEC.shape), explain=True)
    paid = chain.ledger.state_dict()
    with pytest.raises(NothingToAskError, match="every client was alarmed of"):
        chain.oracle.query(torch.rand(5, *SPEC.shape), purpose="explore", explain=True)
    assert chain.ledger.state_dict() == paid
    assert not chain.problem()
    chain.load_state_dict(chain.state_dict())


def test_who_refunds_himself_or_raises_his_budget_is_noticed():
    chain = chain_of(ProbabilityChannel())
    chain.oracle.query(torch.rand(60, *SPEC.shape))
    chain.ledger.by_purpose["train"] = 10
    assert chain.problem() == "had 60 rows answered, and 10 in its ledger"
    chain.ledger.by_purpose["train"] = 60
    chain.ledger.budget = 1000
    assert chain.problem() == "changed its budget from 100 to 1000"
    chain.ledger.budget = 100
    chain.ledger.by_purpose["explore"] = 41
    assert chain.problem() == "spent 101 queries of a budget of 100"
    chain.ledger.by_purpose["explore"] = 1
    assert chain.problem() == "had 60 rows answered, and 61 in its ledger"


def test_who_takes_explanations_out_of_his_account_is_noticed_also_after_a_resume():
    first, second = chain_of(VanillaGradientChannel()), chain_of(VanillaGradientChannel())
    first.oracle.query(torch.rand(20, *SPEC.shape), explain=True)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.oracle.query(torch.rand(10, *SPEC.shape))
    second.oracle.query(torch.rand(10, *SPEC.shape), explain=True)
    assert not first.problem()
    assert not second.problem()
    second.ledger.explanations = 0
    assert second.problem() == "had 30 rows explained, and 0 in its ledger"


def test_the_state_of_every_part_of_the_chain_is_restored():
    first, second = chain_of(Drifting()), chain_of(Drifting())
    first.oracle.query(torch.rand(30, *SPEC.shape))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.ledger == first.ledger
    assert second.labels.halves == first.labels.halves
    assert second.state_dict()["links"] == [{"rows": 30}, {"answered": 30}]
    more = torch.rand(10, *SPEC.shape)
    assert torch.equal(first.oracle.query(more).probabilities, second.oracle.query(more).probabilities)


def test_a_channel_with_a_state_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.trial.trial.guarded_channel", lambda component: Drifting())
    spec = tiny_trial("dfme", budget=300)
    whole, stopped = (TrialFolder.of(tmp_path / name, spec) for name in ("whole", "stopped"))
    run_trial(spec, whole)
    looks = iter([False, False, True])
    assert run_trial(spec, stopped, should_stop=lambda: next(looks)) == "stopped"
    run_trial(spec, stopped)
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (whole.path / name).read_bytes() == (stopped.path / name).read_bytes()


@pytest.mark.parametrize("channel", EXPLAINED)
@pytest.mark.parametrize("form", ["vjp", "dense"])
def test_an_explanation_is_of_what_was_asked_whatever_becomes_of_the_askers_tensor(channel, form):
    def explain(explanation):
        return explanation.dense() if form == "dense" else explanation.vjp(torch.linspace(-1, 1, 10).expand(4, 10))

    asked = torch.rand(4, *SPEC.shape, generator=torch.Generator().manual_seed(1))
    honest, _ = oracle_of(perceptron(), channel())
    expected = explain(honest.query(asked.clone(), explain=True).explanation)
    oracle, _ = oracle_of(perceptron(), channel())
    buffer = asked.clone()
    explanation = oracle.query(buffer, explain=True).explanation
    buffer.copy_(1 - asked)  # an honest attack that uses its buffer again, or one that wants more than it asked
    assert torch.equal(explain(explanation), expected)
