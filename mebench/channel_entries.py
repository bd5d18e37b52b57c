"""Metadata of the response channels; imports no torch."""

from __future__ import annotations

from mebench.registry import ChannelEntry, Parameter

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
        "mebench.channels:LabelChannel",
        gives=frozenset({"label"}),
    ),
    ChannelEntry(
        "probability",
        "The probability of every class, optionally truncated to the largest or rounded.",
        "mebench.channels:ProbabilityChannel",
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
        "mebench.explanations:VanillaGradientChannel",
        (SCORE, CLASSES),
        gives=frozenset({"label", "probability", "explanation"}),
    ),
)
