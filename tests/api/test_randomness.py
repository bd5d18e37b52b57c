import random

import numpy as np
import torch

from mebench.api.random_streams import RandomStreams

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
