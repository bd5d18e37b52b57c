"""``mebench explain``: what explanations of a victim look like."""

from __future__ import annotations

from pathlib import Path

import click

from mebench.api.errors import ConfigurationError
from mebench.cli.output import OutputFile, say
from mebench.cli.selection import PROFILE, takes_benchmark


@click.command()
@takes_benchmark("benchmark")
@PROFILE
@click.option("--victim", metavar="NAME", help="One of the profile's victims; the first without it.")
@click.option("--images", default=8, show_default=True, type=click.IntRange(1, 50), help="Test images to show.")
@click.option(
    *("-o", "--output"),
    type=OutputFile(),
    default=Path("explanations.png"),
    show_default=True,
    help="A .png, .svg or .pdf file.",
)
@click.option("--device", default="cpu", show_default=True, help="Where to run: cpu or cuda.")
def explain(benchmark: Path, profile: str | None, victim: str | None, images: int, output: Path, device: str) -> None:
    """Draw test images and how a victim of a BENCHMARK file explains its answers to them.

    From top to bottom: the image, vanilla gradient, SmoothGrad of 10 and of 25 samples, Integrated Gradients. A victim
    that is not in the cache is trained first.

    \b
    Example:
      mebench explain megex_sg_ig -o explanations.png
    """
    import torch

    from mebench.api.suggestions import did_you_mean
    from mebench.models.victims.loading import prepare_victim
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import make_plan
    from mebench.report.figures.explained import save_explanations
    from mebench.report.figures.files import check_suffix

    check_suffix(output)
    plan = make_plan(load_benchmark(benchmark, profile=profile), profile)
    specs = {spec.name: spec for spec in plan.victims()}
    name = victim or next(iter(specs))
    if name not in specs:
        raise ConfigurationError(f"{benchmark}: the profile has no victim {name!r}{did_you_mean(name, specs)}")
    torch.set_num_threads(1)
    prepared = prepare_victim(specs[name], device=device)
    if why := prepared.behaviour.no_gradient:
        raise ConfigurationError(f"victim {name!r}: {why}: nothing explains it")
    save_explanations(prepared, output, images, plan.class_names(specs[name]))
    say(f"wrote {output}")
