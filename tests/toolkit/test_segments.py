"""A search along lines for the steps of a function that is known."""

import copy

import torch

from mebench.toolkit import Segments

STEPS = torch.tensor([0.2, 0.21, 0.7])


def steps_before(points):
    """How many steps lie before each point of the diagonal, (B,)."""
    return (points[:, :1] > STEPS).sum(1).double()


def search(segments, shortest=1e-3):
    """Halve where the numbers at both ends differ; returns the short segments that are left, and the points asked."""
    found, asked = [], []
    while len(segments.wanted):
        asked.append(segments.wanted)
        points, values = segments.complete(steps_before(segments.wanted))
        several = []
        for row, (ends, told) in enumerate(zip(points, values, strict=True)):
            assert torch.equal(told, steps_before(ends))
            if told[0] != told[1]:
                if ends[1, 0] - ends[0, 0] < shortest:
                    found.append(ends[:, 0].tolist())
                else:
                    several.append(row)
        segments.halve(several)
    return sorted(found), torch.cat(asked)


def test_a_search_closes_in_on_every_step_of_a_line():
    segments = Segments()
    assert not len(segments.wanted)
    segments.begin(torch.stack([torch.zeros(4), torch.ones(4)]).double())
    found, asked = search(segments)
    assert len(found) == len(STEPS)
    assert all(low <= step <= high for step, (low, high) in zip(STEPS.tolist(), found, strict=True))
    assert len(asked.unique(dim=0)) == len(asked) < 2 + 3 * 10
    assert torch.equal(asked, asked.float().double())


def test_only_answers_to_what_is_wanted_are_taken():
    segments = Segments()
    line = torch.rand(2, 4).double()
    assert not segments.asks(torch.empty(0, 4))
    segments.begin(line)
    assert segments.asks(line.float())
    assert not segments.asks(line[:1])
    assert not segments.asks(line + 0.1)
    segments.drop()
    assert not len(segments.wanted)
    assert not segments.asks(line[:0])


def test_a_search_goes_on_from_a_state_to_the_same_points():
    first, second = Segments(), Segments()
    first.begin(torch.stack([torch.zeros(4), torch.ones(4)]).double())
    first.complete(steps_before(first.wanted))
    first.halve([0])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert torch.equal(search(first)[1], search(second)[1])
