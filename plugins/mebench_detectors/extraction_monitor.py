"""Extraction monitor: how good a model of the victim could a client have by now, beside one of the owner's?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mebench import ConfigurationError, Detector, OwnersContext
from mebench.toolkit import logits_of
from mebench_detectors import ExtractionMonitorParameters
from mebench_detectors.memory import Window
from mebench_detectors.watch import QueryByQuery, halves, owners_data

SIDE, REFERENCE = 8, 500
"""Trees see images at 8x8 pixels; and most inputs on which trees are compared."""


class ExtractionMonitor(Detector):
    """Teaches a decision tree what a client was told, and holds it against one that the owner has taught.

    Args:
        context: gives the victim and the owner's data.
        parameters: see ``mebench info extraction-monitor``.

    Raises:
        ConfigurationError: scikit-learn is not installed, or inputs are no images.
    """

    def __init__(self, context: OwnersContext, parameters: ExtractionMonitorParameters) -> None:
        try:
            import sklearn.tree  # noqa: F401
        except ImportError:
            raise ConfigurationError(
                "extraction-monitor: needs scikit-learn: pip install 'mebench[detectors]'"
            ) from None
        if len(context.spec.shape) != 3:
            raise ConfigurationError(f"extraction-monitor: looks at images, not at inputs of {context.spec.shape}")
        self._context, self._parameters = context, parameters

    def fit(self) -> dict[str, Any]:
        """Teach the owner's tree on one half of the data, and see how often it agrees with the victim on the other."""
        learnt, others = halves(owners_data(self._context, "extraction-monitor"))
        known, reference = reduced(learnt.inputs), reduced(others.inputs[:REFERENCE])
        labels = logits_of(self._context.victim, others.inputs[:REFERENCE]).argmax(1).cpu()
        agrees = agreement(known, logits_of(self._context.victim, learnt.inputs).argmax(1).cpu(), reference, labels)
        commonest = float(labels.bincount().amax()) / len(labels)
        return {"reference": reference, "labels": labels, "agrees": agrees, "commonest": commonest}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take what the trees are compared on, and how good the owner's is."""
        self._fitted = fitted

    def client(self) -> ExtractionMonitorWatch:
        """A client's watch."""
        return ExtractionMonitorWatch(self._fitted, self._parameters)


class ExtractionMonitorWatch(QueryByQuery):
    """The score is how far the client's tree is between always the same label, 0, and the owner's tree, 1."""

    def __init__(self, fitted: Mapping[str, Any], parameters: ExtractionMonitorParameters) -> None:
        self._fitted, self._every, self._score = fitted, parameters.every, math.nan
        self._queries = Window(parameters.memory, torch.zeros(fitted["reference"].shape[1]))
        self._labels = Window(parameters.memory, torch.zeros((), dtype=torch.int64))

    def next(self, query: Tensor, label: int) -> float:
        """Take note of one answer; from time to time teach the tree anew."""
        self._queries.add(reduced(query)[0])
        self._labels.add(torch.tensor(label))
        if self._labels.seen % self._every == 0:
            self._score = self._gain()
        return self._score

    def _gain(self) -> float:
        known = self._fitted
        kept = min(self._labels.seen, len(self._labels.values))
        told = self._queries.values[:kept], self._labels.values[:kept]
        agrees = agreement(*told, known["reference"], known["labels"])
        owners = max(known["agrees"] - known["commonest"], 1e-9)
        return float((agrees - known["commonest"]) / owners)

    def state_dict(self) -> dict[str, Any]:
        """What the client was told, and the latest score."""
        score = torch.tensor(self._score, dtype=torch.float64)
        return {"queries": self._queries.state_dict(), "labels": self._labels.state_dict(), "score": score}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._queries.load_state_dict(state["queries"])
        self._labels.load_state_dict(state["labels"])
        self._score = float(state["score"])


def reduced(images: Tensor) -> Tensor:
    """Images as trees see them, (B, C * 64) float32 on the CPU."""
    return F.adaptive_avg_pool2d(images.cpu(), SIDE).flatten(1)


def agreement(inputs: Tensor, labels: Tensor, reference: Tensor, expected: Tensor) -> float:
    """How often a tree that was taught ``labels`` of (N, f) inputs gives what is expected of (M, f), in [0, 1]."""
    from sklearn.tree import DecisionTreeClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few inputs of many classes look like a regression
        tree = DecisionTreeClassifier(random_state=0).fit(inputs.numpy(), labels.numpy())
    return float((tree.predict(reference.numpy()) == expected.numpy()).mean())
