"""Honest defences, recoveries and detectors, and some that each break one rule and keep the others otherwise."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Annotated

import torch

from mebench import (
    AnswerDefence,
    ClientWatch,
    DefenceEntry,
    Detector,
    DetectorEntry,
    Explanation,
    ExplanationDefence,
    InputDefence,
    Param,
    Recovery,
    RecoveryEntry,
    Response,
)
from mebench.testing import DefenceUnderTest, DetectorUnderTest, RecoveryUnderTest

EXPLAINED = frozenset({"probability", "explanation"})


@dataclass(frozen=True)
class Strength:
    share: Annotated[float, Param("Of the owner's classes.", minimum=0, maximum=1)] = 0.3


def of_answers(part, **fields):
    fields = {"knob": "share", "parameters": Strength, "needs_data": True} | fields
    return DefenceUnderTest(DefenceEntry(part.__name__.lower(), "A test.", f"{__name__}:{part.__name__}", **fields))


def of_others(part, place):
    return of_answers(part, place=place, knob="", parameters=())


def recovering(part, **fields):
    return RecoveryUnderTest(RecoveryEntry(part.__name__.lower(), "A test.", f"{__name__}:{part.__name__}", **fields))


def detecting(part, **fields):
    return DetectorUnderTest(DetectorEntry(part.__name__.lower(), "A test.", f"{__name__}:{part.__name__}", **fields))


# Defences


class Mixing(AnswerDefence):
    """Mixes with how frequent classes are among the owner's data."""

    keeps_argmax = True

    def __init__(self, context, parameters):
        self.context, self.share, self.classes = context, parameters.share, context.spec.num_classes

    def fit(self):
        return {"counts": torch.bincount(self.context.data.labels, minlength=self.classes) * 0 + 1}

    def use(self, fitted):
        self.frequencies = fitted["counts"] / fitted["counts"].sum()

    def mixed(self, probabilities):
        return (1 - self.share) * probabilities + self.share * self.frequencies

    def perturb(self, queries, probabilities):
        return self.mixed(probabilities)

    def mechanism(self):
        return self.mixed


class Keyed(Mixing):
    """Adds noise that depends on key and query."""

    randomness, keeps_argmax = "keyed", False

    def noise(self, query, like):
        digest = hashlib.sha256(self.context.key + query.numpy().tobytes()).digest()
        return torch.rand(like.shape, generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "big")))

    def perturb(self, queries, probabilities):
        rows = [
            (1 - self.share) * row + self.share * self.noise(query, row)
            for query, row in zip(queries, probabilities, strict=True)
        ]
        return torch.stack(rows) if rows else probabilities

    def mechanism(self):
        return None


class Fresh(Mixing):
    """Adds noise from a stream of the trial's."""

    randomness, keeps_argmax = "fresh", False

    def perturb(self, queries, probabilities):
        noise = torch.rand(probabilities.shape, generator=self.context.random.torch("fresh"))
        return (1 - self.share) * probabilities + self.share * noise

    def mechanism(self):
        return None


class Tiring(Mixing):
    """Mixes in more after every row, and tells how many there were."""

    rows = 0

    def perturb(self, queries, probabilities):
        numbers = torch.arange(self.rows, self.rows + len(queries)).float()
        self.rows += len(queries)
        share = self.share * (1 - 0.9**numbers)[:, None]
        return (1 - share) * probabilities + share / self.classes

    def mechanism(self):
        return None

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state):
        self.rows = state["rows"]


class Absolute(ExplanationDefence):
    def __init__(self, context):
        pass

    def release(self, queries, maps, labels):
        return maps.abs()


class EightLevels(InputDefence):
    def __init__(self, context):
        pass

    def receive(self, queries):
        return (queries * 7).round() / 7


HONEST = [
    of_answers(Mixing),
    of_answers(Keyed),
    of_answers(Fresh),
    of_answers(Tiring),
    of_others(Absolute, "explanation"),
    of_others(EightLevels, "input"),
]


class OfAnotherPlace(Absolute):
    pass


class Unclipped(Mixing):
    def mixed(self, probabilities):
        return super().mixed(probabilities) * 3


class TenClasses(Mixing):
    def fit(self):
        return {"counts": torch.ones(10)}


class Turning(Mixing):
    def mixed(self, probabilities):
        share = min(2.2 * self.share, 1)
        return (1 - share) * probabilities + share * probabilities.flip(1)


class Rarely(Mixing):
    """Changes the most probable class of one row in forty-eight."""

    def mixed(self, probabilities):
        first = torch.softmax(-100 * probabilities, 1) if len(probabilities) == 48 else self.frequencies
        where = torch.arange(len(probabilities)) == 7
        return torch.where(where[:, None], first, super().mixed(probabilities))


class ByBatch(Mixing):
    def perturb(self, queries, probabilities):
        return (1 - self.share) * probabilities + self.share * probabilities.mean(0)

    def mechanism(self):
        return None


class Writing(Mixing):
    def perturb(self, queries, probabilities):
        return probabilities.mul_(1 - self.share).add_(self.share * self.frequencies)


class WritingOnMaps(Absolute):
    def release(self, queries, maps, labels):
        return maps.abs_()


class WritingOnQueries(EightLevels):
    def receive(self, queries):
        return queries.mul_(7).round_().div_(7)


class Secretly(Fresh):
    randomness = "none"


class BySeed(Keyed):
    def noise(self, query, like):
        digest = hashlib.sha256(bytes([self.context.random.seed]) + query.numpy().tobytes()).digest()
        return torch.rand(like.shape, generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "big")))


class OneKey(Keyed):
    def noise(self, query, like):
        digest = hashlib.sha256(query.numpy().tobytes()).digest()
        return torch.rand(like.shape, generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "big")))


class NotKeyed(Fresh):
    randomness = "keyed"


class Stale(Keyed):
    randomness = "fresh"


class Unseeded(Fresh):
    def perturb(self, queries, probabilities):
        random = torch.Generator()
        random.seed()
        return (1 - self.share) * probabilities + self.share * torch.rand(probabilities.shape, generator=random)


class Forgetful(Tiring):
    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class Deaf(Tiring):
    def load_state_dict(self, state):
        pass


class Unsavable(Tiring):
    def state_dict(self):
        return {"rows": self.rows, "me": self}


class LearningByChance(Mixing):
    def fit(self):
        return {"counts": torch.rand(self.classes) * 1e-3 + 1}


class LearningFromStreams(Mixing):
    def fit(self):
        torch.rand(3, generator=self.context.random.torch("fit"))
        return super().fit()


class LearningObjects(Mixing):
    def fit(self):
        return super().fit() | {"me": self}


class Uniform(AnswerDefence):
    """Mixes with the uniform distribution; there is nothing that an attacker does not know."""

    keeps_argmax = True

    def __init__(self, context, parameters):
        self.share, self.classes = parameters.share, context.spec.num_classes

    def perturb(self, queries, probabilities):
        return (1 - self.share) * probabilities + self.share / self.classes

    def mechanism(self):
        return lambda probabilities: self.perturb(None, probabilities)


HONEST.append(of_answers(Uniform, needs_data=False))


class TellingOtherwise(Uniform):
    def mechanism(self):
        return lambda probabilities: probabilities


class TellingNonsense(Mixing):
    def mechanism(self):
        return lambda probabilities: -probabilities


class NotIdle(Mixing):
    def mixed(self, probabilities):
        return (0.9 - 0.9 * self.share) * probabilities + (0.1 + 0.9 * self.share) * self.frequencies


class Falling(Mixing):
    def mixed(self, probabilities):
        share = self.share * (1 - self.share)
        return (1 - share) * probabilities + share * self.frequencies


class Dear(Mixing):
    def perturb(self, queries, probabilities):
        self.context.victim(queries)
        self.context.victim(queries)
        return super().perturb(queries, probabilities)


# Recoveries


class Averaging(Recovery):
    """Asks three times, and takes the mean."""

    queries_per_row = 3

    def __init__(self, context):
        self.context = context

    def recover(self, queries, response, clone):
        if response.probabilities is None:
            return Response(response.labels.view(-1, self.queries_per_row)[:, 0])
        probabilities = response.probabilities.view(len(queries), self.queries_per_row, -1).mean(1)
        return Response(probabilities.argmax(1), probabilities, progress=response.progress)


class MeanOfThree(Explanation):
    score = "probability"

    def __init__(self, inner):
        self.inner = inner

    def vjp(self, weights):
        return self.inner.vjp(weights.repeat_interleave(3, dim=0)).unflatten(0, (-1, 3)).mean(1)

    def dense(self):
        return self.inner.dense().unflatten(0, (-1, 3)).mean(1)


class Explaining(Averaging):
    explanation = MeanOfThree

    def recover(self, queries, response, clone):
        explanation = response.explanation
        explained = None if explanation is None else self.explanation(explanation)
        return replace(super().recover(queries, response, clone), explanation=explained)


class AlwaysExplaining(Explaining):
    def recover(self, queries, response, clone):
        assert response.explanation is not None
        return super().recover(queries, response, clone)


class Jittering(Averaging):
    def asked(self, queries):
        repeated, spec = super().asked(queries), self.context.spec
        noise = torch.randn(repeated.shape, generator=self.context.random.torch("jitter"))
        return (repeated + 0.001 * noise).clamp(spec.low, spec.high)


class Remembering(Recovery):
    """Tells the mean of all that was answered a little."""

    def __init__(self, context):
        self.sum, self.rows = torch.zeros(context.spec.num_classes), 0

    def recover(self, queries, response, clone):
        self.sum, self.rows = self.sum + response.probabilities.sum(0), self.rows + len(queries)
        probabilities = 0.99 * response.probabilities + 0.01 * self.sum / max(self.rows, 1)
        return Response(response.labels, probabilities, progress=response.progress)

    def worth_learning(self, queries, response):
        return response.probabilities.amax(1) > 0.3

    def state_dict(self):
        return {"sum": self.sum, "rows": self.rows}

    def load_state_dict(self, state):
        self.sum, self.rows = state["sum"], state["rows"]


HONEST_RECOVERIES = [
    recovering(Averaging),
    recovering(Averaging, needs=frozenset()),
    recovering(Jittering),
    recovering(Remembering),
    recovering(Explaining, needs=EXPLAINED),
]


class Negative(MeanOfThree):
    def vjp(self, weights):
        return -super().vjp(weights)

    def dense(self):
        return -super().dense()


class ExplainingBackwards(Explaining):
    explanation = Negative


class Disagreeing(MeanOfThree):
    def vjp(self, weights):
        return 3 * super().vjp(weights)


class ExplainingTwice(Explaining):
    explanation = Disagreeing


class Copying(Explaining):
    explanation = staticmethod(lambda given: given)


class NoRecovery(Averaging):
    def __new__(cls, context):
        return Response(torch.zeros(0, dtype=torch.int64))


class Cheap(Averaging):
    def asked(self, queries):
        return torch.cat([queries, queries])


class Outside(Averaging):
    def asked(self, queries):
        return super().asked(queries) + 0.5


class Losing(Averaging):
    def recover(self, queries, response, clone):
        return Response(response.labels, response.probabilities)


class Logarithmic(Averaging):
    def recover(self, queries, response, clone):
        recovered = super().recover(queries, response, clone)
        return Response(recovered.labels, (recovered.probabilities * recovered.probabilities.log()).exp())


class OnlyTen(Remembering):
    def __init__(self, context):
        super().__init__(context)
        self.sum = torch.zeros(10)


class Teaching(Averaging):
    def recover(self, queries, response, clone):
        with torch.no_grad():
            next(clone.parameters()).add_(1e-3)
        return super().recover(queries, response, clone)


class Freezing(Averaging):
    def recover(self, queries, response, clone):
        clone.eval()
        return super().recover(queries, response, clone)


class Scribbling(Averaging):
    def recover(self, queries, response, clone):
        recovered = super().recover(queries, response, clone)
        response.probabilities.zero_()
        return recovered


class Harming(Averaging):
    def recover(self, queries, response, clone):
        recovered = super().recover(queries, response, clone)
        one_hot = torch.eye(recovered.probabilities.shape[1])[recovered.labels]
        return Response(recovered.labels, one_hot)


class Renaming(Averaging):
    def recover(self, queries, response, clone):
        recovered = super().recover(queries, response, clone)
        return Response((recovered.labels + 1) % recovered.probabilities.shape[1], recovered.probabilities)


class Gambling(Averaging):
    def recover(self, queries, response, clone):
        recovered = super().recover(queries, response, clone)
        noise = torch.rand(recovered.probabilities.shape) * 0.01
        return Response(recovered.labels, recovered.probabilities * (1 - noise))


class Amnesic(Remembering):
    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


# Detectors


class RepeatsWatch(ClientWatch):
    def __init__(self, window):
        self.window, self.seen, self.last = window, [], []

    def score(self, queries, response):
        return torch.tensor([self.next(query) for query in queries], dtype=torch.float64)

    def next(self, query):
        name = hashlib.sha256(query.numpy().tobytes()).hexdigest()
        self.last = [*self.last, name in self.seen][-self.window :]
        self.seen.append(name)
        return sum(self.last) / self.window if len(self.last) == self.window else math.nan

    def state_dict(self):
        return {"seen": list(self.seen), "last": list(self.last)}

    def load_state_dict(self, state):
        self.seen, self.last = list(state["seen"]), list(state["last"])


class Repeats(Detector):
    """Scores how many of a client's last queries it has asked before; how near counts is learnt, in a way."""

    window, watch = 10, RepeatsWatch

    def __init__(self, context):
        self.context = context

    def fit(self):
        return {"nothing": torch.zeros(1)}

    def use(self, fitted):
        self.nothing = fitted["nothing"]

    def client(self):
        return self.watch(self.window)


class NoDetector(Repeats):
    def __new__(cls, context):
        return Response(torch.zeros(0, dtype=torch.int64))


class SinglePrecision(RepeatsWatch):
    def score(self, queries, response):
        return super().score(queries, response).float()


class WholeBatches(RepeatsWatch):
    def score(self, queries, response):
        return super().score(queries, response).mean().expand(len(queries)).clone()


class Guessing(RepeatsWatch):
    def score(self, queries, response):
        return super().score(queries, response) + torch.rand(len(queries), dtype=torch.float64)


class Common(Repeats):
    """Keeps what all clients have asked in one place."""

    def __init__(self, context):
        super().__init__(context)
        self.seen = []

    def client(self):
        watch = super().client()
        watch.seen = self.seen
        return watch


class Blotting(RepeatsWatch):
    def score(self, queries, response):
        scores = super().score(queries, response)
        queries.zero_()
        return scores


class Starting(RepeatsWatch):
    def load_state_dict(self, state):
        pass


class FewPixels(RepeatsWatch):
    def score(self, queries, response):
        queries.view(len(queries), 64)
        return super().score(queries, response)


class Patient(Repeats):
    window = 1000


class LearningAnew(Repeats):
    def fit(self):
        return {"nothing": torch.rand(1)}


class SinglePrecise(Repeats):
    watch = SinglePrecision


class ByWholeBatches(Repeats):
    watch = WholeBatches


class Guesses(Repeats):
    watch = Guessing


class Blots(Repeats):
    watch = Blotting


class Starts(Repeats):
    watch = Starting


class OnlySixtyFour(Repeats):
    watch = FewPixels


HONEST_DETECTORS = [detecting(Repeats)]
