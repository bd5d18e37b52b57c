"""Metadata of the response channels; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench.registry.entries import ChannelEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param

Score = Literal["probability", "logit"]
Classes = Literal["all", "top-1"]
Rule = Literal["right", "midpoint"]


@dataclass(frozen=True)
class ProbabilityParameters:
    """How much of the probabilities is told."""

    top_k: Annotated[
        int | None,
        Param("Give only the k largest probabilities; the others are returned as 0.", minimum=1, in_variant="changed"),
    ] = None
    decimals: Annotated[
        int | None,
        Param("Round probabilities to this many decimals.", minimum=1, maximum=12, in_variant="changed"),
    ] = None


@dataclass(frozen=True)
class ExplainedParameters:
    """What is explained; every channel with explanations has these."""

    score: Annotated[
        Score,
        Param("Which class score is explained: `probability`, as the papers do, or `logit`.", in_variant="changed"),
    ] = "probability"
    classes: Annotated[
        Classes,
        Param(
            "Which classes are explained: `all`, as the papers assume, or `top-1`, as most services do.",
            in_variant="changed",
        ),
    ] = "all"


@dataclass(frozen=True)
class NoisyCopies:
    """At which points SmoothGrad takes gradients."""

    samples: Annotated[int, Param("Noisy copies of each input, m.", minimum=1, maximum=10_000, in_variant="always")] = (
        25
    )
    sigma: Annotated[
        float,
        Param(
            "Standard deviation of the noise, as a fraction of the input range; noisy copies are not clipped.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0.1


@dataclass(frozen=True)
class SmoothGradParameters(ExplainedParameters, NoisyCopies):
    """What can be set of the channel ``sg``."""


@dataclass(frozen=True)
class WayFromBaseline:
    """At which points Integrated Gradients takes gradients."""

    steps: Annotated[int, Param("Points on the way, m.", minimum=1, maximum=10_000, in_variant="always")] = 50
    baseline: Annotated[
        float,
        Param(
            "Value of every pixel where the way begins, in input units: 0 is black, 0.5 the papers' mid-grey.",
            minimum=-1000,
            maximum=1000,
            in_variant="changed",
        ),
    ] = 0.0
    rule: Annotated[
        Rule,
        Param(
            "Points at k/m, the `right` Riemann sum that the paper prints (eq. 2), or at (k - 1/2)/m, `midpoint`.",
            in_variant="changed",
        ),
    ] = "right"


@dataclass(frozen=True)
class IntegratedGradientsParameters(ExplainedParameters, WayFromBaseline):
    """What can be set of the channel ``ig``."""


CHANNELS = (
    ChannelEntry(
        "label",
        "The most probable class and nothing else.",
        "mebench.oracle.channels.answers:LabelChannel",
        gives=frozenset({"label"}),
    ),
    ChannelEntry(
        "probability",
        "The probability of every class, optionally truncated to the largest or rounded.",
        "mebench.oracle.channels.answers:ProbabilityChannel",
        ProbabilityParameters,
        gives=frozenset({"label", "probability"}),
    ),
    ChannelEntry(
        "vg",
        "All probabilities and, where asked for, the vanilla gradient of the class scores (Simonyan et al. 2013).",
        "mebench.oracle.channels.explanations:VanillaGradientChannel",
        ExplainedParameters,
        gives=frozenset({"label", "probability", "explanation", "gradient"}),
    ),
    ChannelEntry(
        "sg",
        "All probabilities and, where asked for, SmoothGrad: the mean gradient of noisy copies (Smilkov et al. 2017).",
        "mebench.oracle.channels.explanations:SmoothGradChannel",
        SmoothGradParameters,
        gives=frozenset({"label", "probability", "explanation"}),
    ),
    ChannelEntry(
        "ig",
        "All probabilities and, where asked for, Integrated Gradients from a baseline (Sundararajan et al. 2017).",
        "mebench.oracle.channels.explanations:IntegratedGradientsChannel",
        IntegratedGradientsParameters,
        gives=frozenset({"label", "probability", "explanation", "integrated"}),
    ),
    ChannelEntry(
        "white-box",
        "Logits and exact gradients, as no service gives them: for a ceiling (`default-grad`), not an attack.",
        "mebench.oracle.channels.explanations:WhiteBoxChannel",
        gives=frozenset({"label", "probability", "logit", "explanation", "gradient"}),
    ),
)


@hookimpl
def mebench_channels() -> Sequence[ChannelEntry]:
    """Label, probability and explanation channels."""
    return CHANNELS
