"""The strategy, the learner, and `build`, which puts them together."""

import torch
from torch.nn import functional

from mebench import Attack, Learner, QueryStrategy


class CornerStrategy(QueryStrategy):
    """Ask images whose every pixel is at one end of the input range."""

    def __init__(self, context, batch_size, white):
        self._spec = context.spec
        self._device = context.device
        self._random = context.random.torch("corners")  # saved and restored with the trial
        self._batch_size = batch_size
        self._white = white

    def propose(self, oracle, clone):
        size = min(self._batch_size, oracle.remaining)
        noise = torch.rand(size, *self._spec.shape, generator=self._random, device=self._device)
        return torch.where(noise < self._white, self._spec.high, self._spec.low)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class LabelLearner(Learner):
    """One step of SGD on the victim's labels per answer."""

    def __init__(self, context, learning_rate):
        self.clone = context.clone
        self._optimizer = torch.optim.SGD(self.clone.parameters(), lr=learning_rate, momentum=0.9)

    def learn(self, queries, response):
        self.clone.train()
        self._optimizer.zero_grad()
        functional.cross_entropy(self.clone(queries), response.labels).backward()
        self._optimizer.step()

    def state_dict(self):
        return {"clone": self.clone.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state):
        self.clone.load_state_dict(state["clone"])
        self._optimizer.load_state_dict(state["optimizer"])


def build(context, batch_size, learning_rate, white):
    return Attack(CornerStrategy(context, batch_size, white), LabelLearner(context, learning_rate))
