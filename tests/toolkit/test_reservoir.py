import copy

import pytest
import torch

from mebench.toolkit.reservoir import Reservoir


def filled(size, rows, seed=0, batch=7):
    store = Reservoir(size, torch.Generator().manual_seed(seed))
    for part in torch.arange(rows).split(batch):
        store.add(part.float(), part)
    return store


def test_everything_is_kept_in_order_until_the_reservoir_is_full():
    store = filled(20, 20)
    assert store.state_dict()["rows"][1].tolist() == list(range(20))
    assert len(filled(20, 13)) == 13
    assert len(filled(20, 500)) == 20


def test_columns_of_a_row_stay_together():
    numbers, twins = filled(20, 500).draw(200)
    assert torch.equal(numbers, twins.float())


@pytest.mark.parametrize("batch", [1, 50, 500])
def test_every_row_is_kept_with_the_same_probability(batch):
    counts = torch.zeros(50)
    for seed in range(500):
        counts[filled(10, 50, seed, batch).state_dict()["rows"][1]] += 1
    assert counts.sum() == 5000
    # binomial: mean 100, standard deviation 9; five of them
    assert 55 < counts.min() <= counts.max() < 145


def test_draws_are_uniform_and_with_replacement():
    store = filled(4, 4)
    counts = store.draw(8000)[1].bincount()
    assert counts.min() > 1800
    assert len(store.draw(9)[1]) == 9


def test_no_more_rows_than_its_size_are_ever_held():
    store = Reservoir(3, torch.Generator())
    for _ in range(5):
        store.add(torch.rand(100, 2))
    assert store._rows[0].shape == (3, 2)
    assert store.state_dict()["rows"][0].shape == (3, 2)
    assert store.seen == 500


def test_it_goes_on_from_its_state():
    first, second = filled(10, 23), Reservoir(10, torch.Generator())
    second.load_state_dict(copy.deepcopy(first.state_dict()), torch.device("cpu"))
    second.random.set_state(first.random.get_state())
    for store in (first, second):
        store.add(torch.arange(30.0), torch.arange(30))
    assert torch.equal(first.draw(50)[0], second.draw(50)[0])


def test_an_empty_state_restores_an_empty_reservoir():
    store = Reservoir(10, torch.Generator())
    store.load_state_dict(Reservoir(10, torch.Generator()).state_dict(), torch.device("cpu"))
    assert len(store) == 0
    store.add(torch.ones(2, 3))
    assert store.draw(4)[0].shape == (4, 3)


def test_draws_by_class_come_equally_often_from_each_however_many_rows_it_has():
    store = Reservoir(20, torch.Generator().manual_seed(0))
    store.add(torch.arange(20.0), torch.tensor([3] * 18 + [5, 7]))
    numbers, labels = store.draw(9000, equally=1)
    counts = labels.bincount(minlength=8)
    assert counts[[3, 5, 7]].min() > 2800  # binomial: mean 3000, standard deviation 45
    assert counts.sum() == counts[[3, 5, 7]].sum()
    assert numbers.unique().numel() == 20
