import random

import numpy as np
import torch

from mebench.api.random_streams import RandomStreams, derive_seed, seeded_globals

CPU = torch.device("cpu")


def draws(streams):
    return [
        torch.rand(3, generator=streams.torch("a")).tolist(),
        torch.rand(3, generator=streams.torch("b")).tolist(),
        torch.rand(3).tolist(),
        np.random.rand(3).tolist(),
        random.random(),
        random.gauss(0, 1),
        np.random.randn(),
    ]


def test_streams_depend_on_seed_and_name_only():
    first, second = RandomStreams(0, CPU), RandomStreams(0, CPU)
    torch.rand(5, generator=second.torch("other"))
    assert torch.equal(torch.rand(4, generator=first.torch("a")), torch.rand(4, generator=second.torch("a")))
    assert not torch.equal(torch.rand(4, generator=first.torch("a")), torch.rand(4, generator=first.torch("b")))
    assert not torch.equal(
        torch.rand(4, generator=RandomStreams(1, CPU).torch("x")),
        torch.rand(4, generator=RandomStreams(0, CPU).torch("x")),
    )


def test_all_generators_go_on_from_a_state():
    streams = RandomStreams(3, CPU)
    streams.seed_globals()
    draws(streams)
    state = streams.state_dict()
    expected = draws(streams)
    other = RandomStreams(99, CPU)
    held = other.torch("a")
    other.load_state_dict(state)
    assert draws(other) == expected
    assert other.torch("a") is held


def test_globals_are_seeded_as_torch_seeds_them_and_no_gpu_is_looked_for_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", None)
    RandomStreams(3, CPU).seed_globals()
    found = torch.rand(4)
    with seeded_globals(5):
        again = torch.rand(4)
    after = torch.rand(4)
    monkeypatch.undo()
    torch.manual_seed(derive_seed(3, "global"))
    assert torch.equal(found, torch.rand(4))
    assert torch.equal(after, torch.rand(4))
    torch.manual_seed(5)
    assert torch.equal(again, torch.rand(4))
