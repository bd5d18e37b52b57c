"""Made-up texts: a topic is a handful of words of its own among those that all topics share; for tests and tries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from random import Random
from typing import TypeVar

from mebench.api.errors import ConfigurationError
from mebench.data.datasets import Split
from mebench.data.text.dataset import TextDataset
from mebench.data.text.entries import MadeUpParameters
from mebench.data.text.reading import Example, made_dataset
from mebench.data.text.words import word_list

One = TypeVar("One")

TEXTS = {"train": 8_000, "test": 1_000}
COMMON, PER_TOPIC = 300, 40
OWN, STRANGE = 0.2, 0.15
"""How often a word is one of the text's topic, and of any topic at all; the others are common words."""
SHORTEST, LONGEST = 8, 24
MADE = "made by mebench"
_FIRST_WORD = 2_114
"""The place on the embedded list after marks and numbers."""


def made_up_topics(split: Split, parameters: MadeUpParameters) -> TextDataset:
    """Texts of the topics [start, stop), each a class; drawn by Python's generator from the list that ships.

    Raises:
        ConfigurationError: the topics are more than the list has words for.
    """
    most = (len(word_list().words) - _FIRST_WORD - COMMON) // PER_TOPIC
    start, stop = parameters.topics
    if stop > most:
        raise ConfigurationError(
            f"data set 'made-up-topics': topics must be [start, stop] with 0 <= start < stop <= {most}, "
            f"not {[start, stop]}"
        )
    return made_dataset("made-up-topics", _examples(split, start, stop), stop - start, MADE, split, parameters)


@lru_cache(maxsize=4)
def _examples(split: Split, start: int, stop: int) -> Sequence[Example]:
    """All texts; a trial asks for the same ones many times."""
    return tuple(_texts(split, start, stop))


def _texts(split: Split, start: int, stop: int) -> Iterator[Example]:
    common, own = _vocabulary()
    random = Random(f"made-up topics, {split}, {start} to {stop}")
    for number in range(TEXTS[split]):
        label = number % (stop - start)
        count = SHORTEST + int(random.random() * (LONGEST - SHORTEST + 1))
        yield " ".join(_word(random, common, own, start + label) for _ in range(count)), label


def _word(random: Random, common: Sequence[str], own: Sequence[Sequence[str]], topic: int) -> str:
    kind = random.random()
    if kind < OWN:
        return _pick(random, own[topic])
    if kind < OWN + STRANGE:
        return _pick(random, _pick(random, own))
    return _pick(random, common)


@cache
def _vocabulary() -> tuple[list[str], list[list[str]]]:
    """Common words, and those of every topic; a fixed shuffle of the list."""
    words = word_list().words[_FIRST_WORD:]
    random = Random("made-up vocabulary")
    order = sorted(range(len(words)), key=lambda _: random.random())
    mixed = [words[place] for place in order]
    rest = mixed[COMMON:]
    return mixed[:COMMON], [rest[at : at + PER_TOPIC] for at in range(0, len(rest) - PER_TOPIC + 1, PER_TOPIC)]


def _pick(random: Random, among: Sequence[One]) -> One:
    return among[int(random.random() * len(among))]
