import torch

from mebench.api.contract import InputSpec
from mebench.toolkit import corner_inputs

SPEC = InputSpec((3, 6, 10), 10, low=-1.0, high=3.0)


def drawn(rows=200, spec=SPEC, **given):
    return corner_inputs(spec, rows, torch.Generator().manual_seed(0), **given)


def test_corners_are_of_the_box_and_made_of_square_cells():
    corners = drawn()
    assert corners.shape == (200, *SPEC.shape)
    assert corners.unique().tolist() == [-1.0, 3.0]
    across = (corners[..., 1:] != corners[..., :-1]).any(1).any(1)  # (200, 9): where a cell may end
    sides = {tuple((row.nonzero().view(-1) + 1).tolist()) for row in across}
    assert all(any(all(end % side == 0 for end in ends) for side in (1, 2, 4)) for ends in sides)
    assert any(ends and all(end % 4 == 0 for end in ends) for ends in sides)


def test_shares_of_bright_cells_are_of_all_sizes():
    shares = (drawn() > 0).flatten(1).float().mean(1)
    assert shares.quantile(0.1) < 0.25
    assert shares.quantile(0.9) > 0.75


def test_nearer_corners_lie_on_the_way_to_the_middle():
    torch.testing.assert_close(drawn(reach=0.25) - 1.0, 0.25 * (drawn() - 1.0))


def test_inputs_without_sides_have_independent_values():
    corners = drawn(50, InputSpec((20,), 2))
    assert corners.shape == (50, 20)
    assert corners.unique().tolist() == [0.0, 1.0]
