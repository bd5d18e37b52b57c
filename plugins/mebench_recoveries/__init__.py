"""What an attacker makes of defended answers: recoveries, each a link of its own before any attack."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import RecoveryEntry, hookimpl
from mebench_recoveries.parameters import (
    BayesParameters,
    ConfidenceParameters,
    InverseParameters,
    JitterParameters,
    RepeatParameters,
    RestorerParameters,
    SignParameters,
)

MAD = "Orekondy, Schiele and Fritz, Prediction Poisoning, ICLR 2020, arXiv:1906.10908"
GUARD = "Tang et al., ModelGuard: Information-Theoretic Defense Against Model Extraction Attacks, USENIX Security 2024"
DDAE = "Chen et al., D-DAE: Defense-Penetrating Model Extraction Attacks, IEEE S&P 2023"

ANSWERS = (
    RecoveryEntry(
        "argmax",
        "Learns from the label that was answered: undoes every defence that keeps it.",
        "mebench_recoveries.answers:Argmax",
        paper=MAD,
    ),
    RecoveryEntry(
        "repeat-average",
        "Asks everything several times and learns from the mean: undoes noise that is drawn anew.",
        "mebench_recoveries.answers:RepeatAverage",
        RepeatParameters,
        needs=frozenset({"label"}),
        paper=MAD,
    ),
    RecoveryEntry(
        "jitter-average",
        "As repeat-average, with copies that differ a little: undoes keyed noise too.",
        "mebench_recoveries.answers:JitterAverage",
        JitterParameters,
        needs=frozenset({"label"}),
        texts=False,
        paper=GUARD,
    ),
    RecoveryEntry(
        "partial-bayes",
        "Learns from the mean of the answers that the defence would have turned into what was answered.",
        "mebench_recoveries.bayes:PartialBayes",
        BayesParameters,
        knows="mechanism",
        paper=GUARD,
    ),
    RecoveryEntry(
        "partial-bayes-oracle",
        "As partial-bayes, around the victim's undefended answers, as in the released program: an upper bound.",
        "mebench_recoveries.bayes:PartialBayesOracle",
        BayesParameters,
        knows="mechanism",
        oracle=True,
        paper=GUARD,
    ),
    RecoveryEntry(
        "restorer",
        "Learns from what a small network makes of answers, which was trained at home to undo the defence (D-DAE+).",
        "mebench_recoveries.restorer:Restorer",
        RestorerParameters,
        knows="mechanism",
        paper=f"{DDAE}; {GUARD}",
    ),
    RecoveryEntry(
        "inverse-reverse-sigmoid",
        "Solves the reverse sigmoid for the probabilities that it hides.",
        "mebench_recoveries.reverse_sigmoid:InverseReverseSigmoid",
        InverseParameters,
        knows="mechanism",
    ),
    RecoveryEntry(
        "confidence-filter",
        "Learns only from confident answers: what adaptive misinformation lies about is left out.",
        "mebench_recoveries.answers:ConfidenceFilter",
        ConfidenceParameters,
    ),
)
EXPLANATIONS = (
    RecoveryEntry(
        "sign-imputation",
        "Gives maps without signs those of the clone's own gradients.",
        "mebench_recoveries.explanations:SignImputation",
        SignParameters,
        needs=frozenset({"explanation"}),
        texts=False,
    ),
    RecoveryEntry(
        "top-1-completion",
        "Gives the classes that are not explained the share that they must have together.",
        "mebench_recoveries.explanations:TopOneCompletion",
        needs=frozenset({"explanation"}),
        texts=False,
    ),
)


@hookimpl
def mebench_api_version() -> tuple[int, int]:
    """The version that has recoveries."""
    return (1, 8)


@hookimpl
def mebench_recoveries() -> Sequence[RecoveryEntry]:
    """All of them."""
    return (*ANSWERS, *EXPLANATIONS)
