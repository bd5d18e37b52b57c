"""Explanation images beside the input."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
import torch
from toys import SPEC, perceptron

from mebench.api.contract import InputSpec, Victim
from mebench.api.errors import ConfigurationError
from mebench.cli import main
from mebench.report.figures.class_labels import ClassLabels
from mebench.report.figures.explained import draw_explanations, explain, one_of_each_class, save_explanations


def prepared(spec: InputSpec = SPEC, count: int = 12) -> SimpleNamespace:
    generator = torch.Generator().manual_seed(0)
    return SimpleNamespace(
        victim=Victim(perceptron(spec), spec, "toy"),
        spec=spec,
        test_inputs=torch.rand((count, *spec.shape), generator=generator),
        test_labels=torch.arange(count) % spec.num_classes,
    )


def test_images_are_one_of_each_class_and_then_a_second():
    labels = torch.tensor([2, 0, 2, 1, 0, 1])
    assert one_of_each_class(labels, 5).tolist() == [1, 3, 0, 4, 5]


@pytest.mark.parametrize("spec", [SPEC, InputSpec((3, 8, 8), 4)], ids=["grey", "colour"])
def test_the_first_map_is_the_gradient_of_the_predicted_class(spec):
    victim = prepared(spec)
    images = victim.test_inputs[:3].clone().requires_grad_()
    top = torch.softmax(victim.victim(images), 1).max(1)
    (gradient,) = torch.autograd.grad(top.values.sum(), images)
    explained = explain(victim.victim, images.detach())
    assert list(explained.maps) == ["vg", "sg(samples=10)", "sg(samples=25)", "ig(steps=50)"]
    torch.testing.assert_close(explained.maps["vg"], gradient.sum(1))
    assert explained.titles[0] == f"class {int(top.indices[0])}\n{top.values[0].item():.2f}"


def test_there_is_a_picture_for_every_image_and_map_and_none_covers_another():
    figure = draw_explanations(explain(prepared().victim, prepared().test_inputs[:4]), "toy")
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 4 * 5
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])
    assert all(box.x0 >= 0 and box.y0 > 0 and box.x1 <= 1 and box.y1 < 1 for box in boxes)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_victim_gives_the_same_file_twice(tmp_path, suffix):
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for file in files:
        save_explanations(prepared(), file, images=2)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_inputs_that_are_no_images_cannot_be_drawn(tmp_path):
    with pytest.raises(ConfigurationError, match="no images"):
        save_explanations(prepared(InputSpec((7,), 3)), tmp_path / "e.png")


def test_a_victim_that_the_profile_does_not_have_is_named_before_any_training(tmp_path, repository, capsys):
    file = str(repository / "benchmarks" / "table1.yaml")
    assert main(["explain", file, "--victim", "fmnist-lenet", "-o", str(tmp_path / "e.png")]) == 2
    assert "no victim 'fmnist-lenet'. Did you mean 'fmnist-lenet5'?" in capsys.readouterr().err
    assert main(["explain", file, "-o", str(tmp_path / "e.gif")]) == 2
    assert "ends in .png" in capsys.readouterr().err


def test_the_command_draws_a_victim_of_a_benchmark_file(tmp_path):
    file, target = tmp_path / "b.yaml", tmp_path / "e.png"
    file.write_text(
        """
name: tiny
victims:
  tiny:
    data: {name: fashion-mnist-10k, rows: [0, 600]}
    image_size: [8, 8]
    network: mlp
    training: {epochs: 12, batch_size: 32, learning_rate: 3e-3}
profiles:
  only:
    scale: reduced
    runs:
      - {victims: [tiny], clone: mlp, budgets: [1000], attacks: [{attack: megex, channel: vg}]}
"""
    )
    assert main(["explain", str(file), "--images", "3", "-o", str(target)]) == 0
    assert target.stat().st_size > 5000


def test_a_class_that_has_a_name_is_called_by_number_and_name():
    victim = prepared()
    names = tuple(f"kind ${letter}" for letter in "abcdefghijklmnopqrstuvwxyz"[: SPEC.num_classes])
    explained = explain(victim.victim, victim.test_inputs[:2], ClassLabels(names))
    label = int(victim.victim(victim.test_inputs[:1]).argmax())
    assert explained.titles[0].startswith(f"{label} kind $")
    draw_explanations(explained, "toy").savefig(io.BytesIO())
