"""The white box: everything, for rows that are a ceiling and no attack."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.oracle.channels.explanations.vanilla import GradientExplanation


class WhiteBoxChannel(ResponseChannel):
    """Logits, probabilities and the exact gradient of every logit: what no service would give.

    Rows on this channel say how good an attack could be at most; the trial flags them ``white-box``.
    """

    name = "white-box"
    gives = frozenset({"label", "probability", "logit", "explanation", "gradient"})

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return labels (B,), logits (B, c), probabilities (B, c) and, if asked for, the gradients of the logits."""
        inputs = inputs.detach().requires_grad_(explain)
        with torch.set_grad_enabled(explain):
            logits = victim(inputs)
        explanation = GradientExplanation(logits, inputs, score="logit") if explain else None
        logits = logits.detach().clone()  # whoever gets them may write into them
        return Response(logits.argmax(1), torch.softmax(logits, dim=1), explanation, logits=logits)
