"""Drawings that belong together: by name or by look, and never on both sides of the split."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from mebench.data.drawings import bare, families, split


def noise(count, seed=0):
    return torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("stem", "words"),
    [
        ("aiga_bar_small2_BW", "aiga bar"),
        ("people_juliane_krug_03a", "people juliane krug a"),
        ("redcar-blue", "redcar"),
        ("étoile_01", "étoile"),
        ("0042", ""),
    ],
)
def test_a_bare_name_has_no_numbers_sizes_and_colours(stem, words):
    assert bare(stem) == words


def test_one_name_but_for_numbers_is_one_family_and_names_without_words_say_nothing():
    assert families(["dog_1", "cat", "dog_2", "17", "18"], noise(5)) == [[0, 2], [1], [3], [4]]


@pytest.mark.parametrize("change", ["darker", "mirrored"])
def test_drawings_that_look_nearly_the_same_are_one_family_whatever_they_are_called(change):
    images = noise(3)
    images[2] = images[0].flip(2) if change == "mirrored" else images[0] // 2
    assert families(["a", "b", "c"], images) == [[0, 2], [1]]


def test_what_is_alike_through_a_third_is_one_family():
    images = noise(3)
    images[2] = images[0]
    assert families(["a", "b1", "b2"], images) == [[0, 1, 2]]


def test_no_family_is_on_both_sides_and_small_ones_fill_the_share_to_test():
    grouped = [[2 * row, 2 * row + 1] for row in range(50)]
    labels = [row // 50 for row in range(100)]
    train, test = split(grouped, [f"{row:03}" for row in range(100)], labels, most=100, test_share=0.2)
    assert sorted(train + test) == list(range(100))
    assert Counter(labels[row] for row in test) == {0: 10, 1: 10}
    assert not {row // 2 for row in train} & {row // 2 for row in test}


def test_a_large_family_is_trained_on():
    grouped = [list(range(5)), *([row] for row in range(5, 50))]
    for shift in range(10):  # other names, another order
        train, _ = split(grouped, [f"{shift}/{row}" for row in range(50)], [0] * 50, most=100, test_share=0.5)
        assert set(range(5)) <= set(train)


def test_a_family_of_two_classes_goes_where_both_have_room():
    train, test = split([[0, 1], [2], [3], [4], [5]], list("abcdef"), [0, 1, 0, 0, 0, 0], most=10, test_share=0.2)
    assert {0, 1} <= set(train)
    assert len(test) == 1


def test_of_a_large_class_no_more_than_the_most_are_kept_and_the_same_whatever_the_order():
    names = [f"{row:03}" for row in range(60)]
    train, test = split([[row] for row in range(60)], names, [0] * 60, most=40, test_share=0.25)
    assert (len(train), len(test)) == (30, 10)
    assert split([[row] for row in reversed(range(60))], names, [0] * 60, most=40, test_share=0.25) == (train, test)
