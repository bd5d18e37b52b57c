"""Kim's (2014) convolutional network for the classification of sentences, arXiv:1408.5882."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.data.text.vectors import vectors_of
from mebench.data.text.words import FIRST, PADDING, UNKNOWN, Lexicon
from mebench.models.networks.entries import KimCnnParameters

SPREAD = 0.25
"""Random word vectors are uniform between minus this and this, as Kim has them."""


class KimCNN(nn.Module):
    """Word vectors, filters over a few words each, the maximum over time, dropout, and a linear layer.

    It has a vocabulary of its own: words of the public list that are not in it share one vector. Texts shorter than the
    widest filter are padded.

    Args:
        own: (V,) int32, the own id of every public id: 0 for padding, 1 for unknown.
        vectors: (own words, d) initial word vectors; the first, of padding, is 0 and stays so.
        num_classes: number of logits.
        parameters: of the network. What dropout leaves out is drawn from torch's global generator, which a trial seeds
            and saves.
    """

    own: Tensor

    def __init__(self, own: Tensor, vectors: Tensor, num_classes: int, parameters: KimCnnParameters) -> None:
        super().__init__()
        widths, maps = parameters.widths, parameters.maps
        self.register_buffer("own", own)
        self.vectors = nn.Embedding.from_pretrained(vectors, freeze=parameters.static, padding_idx=PADDING)
        self.filters = nn.ModuleList(nn.Conv1d(vectors.shape[1], maps, width) for width in widths)
        self.dropout = nn.Dropout(parameters.dropout)
        self.classes = nn.Linear(maps * len(widths), num_classes)
        self._least = max(widths)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c) of texts (B, L), int64 ids over the public word list."""
        missing = max(0, self._least - inputs.shape[1])
        words = self.vectors(self.own[F.pad(inputs, (0, missing), value=PADDING)])  # (B, L, d)
        time = words.transpose(1, 2)
        features = torch.cat([F.relu(one(time)).amax(2) for one in self.filters], 1)  # (B, maps * widths)
        logits: Tensor = self.classes(self.dropout(features))
        return logits


def kim_cnn(spec: InputSpec, lexicon: Lexicon | None, parameters: KimCnnParameters) -> nn.Module:
    """Build the network with the vocabulary of a lexicon; see ``mebench info kim-cnn``.

    Raises:
        ConfigurationError: there is no lexicon over the inputs' word list, no filter, or the vectors have another size.
        DataUnavailableError: the file of vectors cannot be read.
    """
    if lexicon is None or len(lexicon.counts) != spec.high + 1:
        raise ConfigurationError("network 'kim-cnn' must be told which words of the public list its owner has seen")
    if not parameters.widths:
        raise ConfigurationError("network 'kim-cnn' needs at least one filter width")
    own, words = vocabulary(lexicon, parameters.least)
    initial = torch.empty(FIRST + len(words), parameters.size).uniform_(-SPREAD, SPREAD)
    initial[PADDING] = 0
    if parameters.vectors is not None:
        for row, vector in vectors_of(words, parameters.vectors, parameters.size):
            initial[FIRST + row] = vector
    return KimCNN(own, initial, spec.num_classes, parameters)


def vocabulary(lexicon: Lexicon, least: int) -> tuple[Tensor, list[str]]:
    """Return the own id (V,) int32 of every public id, and the own words from id 2 on.

    Args:
        lexicon: the words seen.
        least: a word that occurs less often is unknown.
    """
    known = lexicon.counts >= least
    known[:FIRST] = False
    own = torch.full(known.shape, UNKNOWN, dtype=torch.int32)
    own[PADDING] = PADDING
    own[known] = torch.arange(FIRST, FIRST + int(known.sum()), dtype=torch.int32)
    return own, [lexicon.words.words[one - FIRST] for one in known.nonzero().flatten().tolist()]
