import torch

from mebench.toolkit import in_turn, k_means


def test_centres_take_their_nearest_in_turn_and_nothing_twice():
    distances = torch.tensor([[0.0, 0.1], [1.0, 0.2], [2.0, 0.3], [3.0, 9.0]])
    assert in_turn(distances, 4).tolist() == [0, 1, 2, 3]
    assert in_turn(torch.tensor([[0.0, 5.0], [1.0, 0.0], [2.0, 1.0]]), 2).tolist() == [0, 1]
    assert in_turn(torch.tensor([[0.0, 5.0], [1.0, 3.0], [2.0, 1.0]]), 2).tolist() == [0, 2]


def test_a_small_cluster_is_taken_as_often_as_a_large_one():
    points = torch.cat([torch.linspace(0, 1, 37), torch.tensor([9.0, 9.1, 9.2])]).unsqueeze(1)
    centres = k_means(points, points[[0, 39]])
    assert sum(point >= 37 for point in in_turn(torch.cdist(points, centres), 4).tolist()) == 2
