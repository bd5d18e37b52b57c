"""Metadata of the response channels; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.registry.entries import ChannelEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Parameter

SCORE = Parameter(
    "score",
    "str",
    "probability",
    "Which class score is explained: `probability`, as the papers do, or `logit`.",
    choices=("probability", "logit"),
    in_variant="changed",
)
CLASSES = Parameter(
    "classes",
    "str",
    "all",
    "Which classes are explained: `all`, as the papers assume, or `top-1`, as most services do.",
    choices=("all", "top-1"),
    in_variant="changed",
)

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
        (
            Parameter(
                "top_k",
                "int",
                None,
                "Give only the k largest probabilities; the others are returned as 0.",
                minimum=1,
                in_variant="changed",
            ),
            Parameter(
                "decimals",
                "int",
                None,
                "Round probabilities to this many decimals.",
                minimum=1,
                maximum=12,
                in_variant="changed",
            ),
        ),
        gives=frozenset({"label", "probability"}),
    ),
    ChannelEntry(
        "vg",
        "All probabilities and, where asked for, the vanilla gradient of the class scores (Simonyan et al. 2013).",
        "mebench.oracle.channels.explanations:VanillaGradientChannel",
        (SCORE, CLASSES),
        gives=frozenset({"label", "probability", "explanation"}),
    ),
    ChannelEntry(
        "sg",
        "All probabilities and, where asked for, SmoothGrad: the mean gradient of noisy copies (Smilkov et al. 2017).",
        "mebench.oracle.channels.explanations:SmoothGradChannel",
        (
            Parameter(
                "samples", "int", 25, "Noisy copies of each input, m.", minimum=1, maximum=10_000, in_variant="always"
            ),
            Parameter(
                "sigma",
                "float",
                0.1,
                "Standard deviation of the noise, as a fraction of the input range; noisy copies are not clipped.",
                minimum=0,
                in_variant="changed",
            ),
            SCORE,
            CLASSES,
        ),
        gives=frozenset({"label", "probability", "explanation"}),
    ),
    ChannelEntry(
        "ig",
        "All probabilities and, where asked for, Integrated Gradients from a baseline (Sundararajan et al. 2017).",
        "mebench.oracle.channels.explanations:IntegratedGradientsChannel",
        (
            Parameter("steps", "int", 50, "Points on the way, m.", minimum=1, maximum=10_000, in_variant="always"),
            Parameter(
                "baseline",
                "float",
                0.0,
                "Value of every pixel where the way begins, in input units: 0 is black, 0.5 the papers' mid-grey.",
                minimum=-1000,
                maximum=1000,
                in_variant="changed",
            ),
            Parameter(
                "rule",
                "str",
                "right",
                "Points at k/m, the `right` Riemann sum that the paper prints (eq. 2), or at (k - 1/2)/m, `midpoint`.",
                choices=("right", "midpoint"),
                in_variant="changed",
            ),
            SCORE,
            CLASSES,
        ),
        gives=frozenset({"label", "probability", "explanation", "integrated"}),
    ),
    ChannelEntry(
        "white-box",
        "Logits and exact gradients, as no service gives them: for a ceiling (`default-grad`), not an attack.",
        "mebench.oracle.channels.explanations:WhiteBoxChannel",
        gives=frozenset({"label", "probability", "logit", "explanation"}),
    ),
)


@hookimpl
def mebench_channels() -> Sequence[ChannelEntry]:
    """Label, probability and explanation channels."""
    return CHANNELS
