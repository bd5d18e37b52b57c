"""What the documentation of the gradient probe says holds."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from mebench.results.curves import PROBED, CurveMetric
from mebench.toolkit.strategies.generator import PROBED as IMAGES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_docs_name_every_key_and_the_number_of_images():
    text = (DOCS / "gradient-probe.md").read_text(encoding="utf-8")
    assert all(f"| `{key}` |" in text for key in PROBED)
    assert f"up to {IMAGES} images" in text


def test_the_docs_name_every_metric_that_can_be_drawn():
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    figures = text[text.index("## Figures") :]
    drawn = set(get_args(CurveMetric)) - {"accuracy", "fidelity"}  # drawn side by side without the option
    assert all(f"`{name}`" in figures or f"`--metric {name}`" in figures for name in drawn)
