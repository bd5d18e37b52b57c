"""What `linked_plugin` registers."""

from __future__ import annotations

import torch

from mebench import AnswerDefence, ClientWatch, Detector, ExplanationDefence, InputDefence, Recovery, Response


class Mixing(AnswerDefence):
    """Mixes with the uniform distribution."""

    def __init__(self, context, parameters):
        self.share, self.classes = parameters.share, context.spec.num_classes

    def perturb(self, queries, probabilities):
        return (1 - self.share) * probabilities + self.share / self.classes

    def mechanism(self):
        return lambda probabilities: (1 - self.share) * probabilities + self.share / self.classes


class Counting(AnswerDefence):
    """Mixes in more of the uniform distribution after every row, and tells how many there were."""

    rows = 0

    def __init__(self, context):
        self.classes = context.spec.num_classes

    def perturb(self, queries, probabilities):
        numbers = torch.arange(self.rows, self.rows + len(queries)).float()
        self.rows += len(queries)
        share = (1 - 0.999**numbers)[:, None]
        return (1 - share) * probabilities + share / self.classes

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state):
        self.rows = state["rows"]


class Forgetting(Counting):
    """Does not tell."""

    def state_dict(self):
        return {}


class Swapping(AnswerDefence):
    """Says that it keeps the most probable class, and turns the row round."""

    keeps_argmax = True

    def __init__(self, context):
        pass

    def perturb(self, queries, probabilities):
        return probabilities.flip(1)


class Drawing(AnswerDefence):
    """Draws afresh from a stream of the trial's."""

    randomness = "fresh"

    def __init__(self, context):
        self.stream = context.random.torch("drawing")

    def perturb(self, queries, probabilities):
        noise = torch.rand(probabilities.shape, generator=self.stream)
        return (probabilities + noise) / (probabilities + noise).sum(1, keepdim=True)


class Learning(AnswerDefence):
    """Answers the classes' frequencies in the owner's data."""

    fits = 0

    def __init__(self, context):
        self.data, self.classes = context.data, context.spec.num_classes
        self.frequencies = None

    def fit(self):
        Learning.fits += 1
        return {"counts": torch.bincount(self.data.labels, minlength=self.classes)}

    def use(self, fitted):
        self.frequencies = fitted["counts"].float() / fitted["counts"].sum()

    def perturb(self, queries, probabilities):
        return self.frequencies.expand_as(probabilities).clone()


class LearntMixing(Mixing):
    """Learns something besides, whatever its knob is."""

    fits = 0

    def fit(self):
        LearntMixing.fits += 1
        return {}


class Grey(InputDefence):
    """Gives the victim a grey image."""

    def __init__(self, context):
        pass

    def receive(self, queries):
        return torch.full_like(queries, 0.5)


class AbsoluteMaps(ExplanationDefence):
    def __init__(self, context):
        pass

    def release(self, queries, maps, labels):
        return maps.abs()


class Broken(AnswerDefence):
    def __init__(self, context):
        pass

    def perturb(self, queries, probabilities):
        raise RuntimeError("no luck")


class NotANumber(AnswerDefence):
    def __init__(self, context):
        pass

    def perturb(self, queries, probabilities):
        return probabilities * float("nan")


class Twice(Recovery):
    """Asks twice, and takes the mean."""

    queries_per_row = 2

    def __init__(self, context):
        pass

    def recover(self, queries, response, clone):
        probabilities = response.probabilities.view(len(queries), 2, -1).mean(1)
        return Response(probabilities.argmax(1), probabilities, progress=response.progress)


class Unmixing(Recovery):
    """Undoes `Mixing`, whose share it finds with the mechanism."""

    def __init__(self, context):
        one = torch.eye(context.spec.num_classes)[:1]
        self.share = 0.0 if context.mechanism is None else 1 - float(context.mechanism(one).diff().abs().max())

    def recover(self, queries, response, clone):
        classes = response.probabilities.shape[1]
        probabilities = (response.probabilities - self.share / classes) / (1 - self.share)
        return Response(response.labels, probabilities.clamp(0, 1), progress=response.progress)


class Picky(Recovery):
    """Learns from the surest half of each answer; counts them."""

    def __init__(self, context):
        self.kept = 0

    def recover(self, queries, response, clone):
        return response

    def worth_learning(self, queries, response):
        sure = response.probabilities.amax(1)
        self.kept += int((sure >= sure.median()).sum())
        return sure >= sure.median()

    def state_dict(self):
        return {"kept": self.kept}

    def load_state_dict(self, state):
        self.kept = state["kept"]


class Short(Recovery):
    """Loses a row."""

    def __init__(self, context):
        pass

    def recover(self, queries, response, clone):
        return Response(response.labels[1:], response.probabilities[1:])


class Many(Detector):
    """Scores how much a client has asked."""

    def __init__(self, context):
        pass

    def client(self):
        return ManyWatch()


class ManyWatch(ClientWatch):
    def __init__(self):
        self.asked = 0

    def score(self, queries, response):
        scores = torch.arange(self.asked + 1, self.asked + 1 + len(queries)).double()
        self.asked += len(queries)
        return scores

    def state_dict(self):
        return {"asked": self.asked}

    def load_state_dict(self, state):
        self.asked = state["asked"]


class Unsure(Detector):
    """Scores the doubt of the last answer."""

    def __init__(self, context):
        pass

    def client(self):
        return UnsureWatch()


class UnsureWatch(ClientWatch):
    def score(self, queries, response):
        return 1 - response.probabilities.amax(1).double()

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass
