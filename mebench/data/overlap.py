"""What the pools of a benchmark have in common with what its victims were trained on and are scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component, TrialSpec, VictimSpec
from mebench.data.datasets import Split, load_dataset, load_pool
from mebench.data.nearness import Pair, near_duplicates
from mebench.data.pools import DatasetPool
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry

_AT_ONCE = 4096


@dataclass(frozen=True)
class Side:
    """One of two sets that are compared.

    Attributes:
        name: of the data set with its parameters, or of victim and split.
        inputs: how many it holds.
        distinct: how many of them differ.
        exact: how many are also in the other, byte by byte at the victim's size; of texts, word by word.
        near: how many others have a near duplicate there; None for texts.
    """

    name: str
    inputs: int
    distinct: int
    exact: int
    near: int | None

    @property
    def affected(self) -> int:
        """How many have an exact or a near duplicate."""
        return self.exact + (self.near or 0)


@dataclass(frozen=True)
class Overlap:
    """A pool and one split of a victim's data.

    Attributes:
        pool, victim: the two.
        split: of the victim's data, ``train`` or ``test``.
        closest: the pairs of images that are nearest, as rows of the two; none for texts.
        pictures: (P, 2, C, H, W) uint8, those images; or none.
    """

    pool: Side
    victim: Side
    split: Split
    closest: Sequence[Pair]
    pictures: Tensor


def overlaps(trials: Sequence[TrialSpec], threshold: float) -> Iterator[Overlap]:
    """Compare every pool with the training and the test split of each victim that it is asked of.

    Args:
        trials: of a plan.
        threshold: correlation from which on images are near duplicates; see `mebench.data.nearness`.

    Raises:
        ConfigurationError: no trial has a pool, or pool and victim do not fit.
        DataUnavailableError: data is nowhere.
    """
    groups = _groups(trials)
    if not groups:
        raise ConfigurationError("no attack of this profile asks a pool: there is nothing to compare")
    for trial, victims in groups:
        assert trial.pool is not None
        name = _label(trial.pool)
        for component, split, names in _data_of(victims):
            size = trial.victim.image_size
            theirs = DatasetPool(load_dataset(component, split, size), size)
            pool = load_pool(trial, theirs.spec)
            assert pool is not None
            who = f"{', '.join(names)}: {component.name}"
            if theirs.shape != pool.shape:
                problem = f"the inputs of the pool {name} have the shape {pool.shape}, those of {who} {theirs.shape}"
                raise ConfigurationError(problem)
            yield compare(_as_asked(pool), _as_asked(theirs), threshold, (name, who), split)


def compare(
    pool: Tensor, theirs: Tensor, threshold: float, names: tuple[str, str] = ("pool", "victim"), split: Split = "train"
) -> Overlap:
    """Compare two sets of images (N, C, H, W) uint8, or of ids of words (N, L)."""
    seen = digests(pool), digests(theirs)
    sets = set(seen[0]), set(seen[1])
    exact = [torch.tensor([one in other for one in own]) for own, other in zip(seen, reversed(sets), strict=True)]
    near: list[int | None] = [None, None]
    closest: list[Pair] = []
    if pool.ndim == 4:
        found = near_duplicates(pool, theirs, threshold, name=names[0])
        near = [int((one & ~same).sum()) for one, same in zip((found.first, found.second), exact, strict=True)]
        closest = found.closest
    sides = [
        Side(name, len(own), len(distinct), int(same.sum()), other)
        for name, own, distinct, same, other in zip(names, seen, sets, exact, near, strict=True)
    ]
    pictures = [torch.stack([pool[one.first], theirs[one.second]]) for one in closest]
    return Overlap(sides[0], sides[1], split, closest, torch.stack(pictures) if pictures else torch.empty(0))


def _groups(trials: Sequence[TrialSpec]) -> list[tuple[TrialSpec, list[VictimSpec]]]:
    """One trial for each pool as its victims take it, and those victims."""
    groups: dict[str, tuple[TrialSpec, list[VictimSpec]]] = {}
    for trial in trials:
        if trial.pool is not None:
            codec = [trial.victim.data.parameters.get(key) for key in ("length", "words")]
            victims = groups.setdefault(repr((trial.pool, trial.victim.image_size, codec)), (trial, []))[1]
            if trial.victim not in victims:
                victims.append(trial.victim)
    return list(groups.values())


def _data_of(victims: Sequence[VictimSpec]) -> list[tuple[Component, Split, list[str]]]:
    """The splits of victims, each once; what somebody's own victim was trained on is not known."""
    found: dict[str, tuple[Component, Split, list[str]]] = {}
    for victim in victims:
        whole = Component(victim.data.name, {**victim.data.parameters, "rows": None})
        splits: list[tuple[Component, Split]] = [(victim.data, "train")] if victim.training is not None else []
        for component, split in (*splits, (whole, "test")):
            found.setdefault(repr((component, split)), (component, split, []))[2].append(victim.name)
    return list(found.values())


def _label(component: Component) -> str:
    return registry().get(DatasetEntry, component.name).label(component.parameters)


def _as_asked(pool: DatasetPool) -> Tensor:
    """All inputs as a victim takes them: images as bytes, words as ids."""
    parts = (pool.inputs(rows) for rows in torch.arange(len(pool)).split(_AT_ONCE))
    return torch.cat([(255 * one).round().byte() if one.is_floating_point() else one for one in parts])


def digests(rows: Tensor) -> list[bytes]:
    """A digest of the bytes of every row; equal ones are of equal rows."""
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows.contiguous().numpy()]
