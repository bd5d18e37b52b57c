"""When each detector was alarmed of each attack: a panel an attack, a step curve a detector (Kaplan and Meier)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mebench.report.figures.styles import COLOURS
from mebench.results.detection import kaplan_meier
from mebench.results.matrix.detectors import Noticed, Watch, short_attacks, short_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
FONT = 8.0
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT, LEFT, GAP, TOP, BOTTOM, KEY = 3, 2.3, 1.3, 0.55, 0.35, 0.5, 0.5, 0.2
"""Panels in a row; inches: of a panel, beside and around it, and of a line of the key below all of them."""
TITLE = 44
"""Letters of a line of a panel's title."""
APART = 1.3
"""Percent by which each detector's curve lies below the one before: many would hide each other otherwise."""
HINT = "Each detector's curve is drawn a little below the one before it, for many coincide."


def draw_watches(watch: Watch) -> Figure:
    """Draw all attacks; what lies on 100 % is never noticed."""
    from matplotlib.figure import Figure

    count = len(watch.noticed)
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    key = KEY * (len(watch.detectors) + 2)
    width = columns * (LEFT + PANEL_WIDTH + GAP)
    height = rows * (TOP + PANEL_HEIGHT + BOTTOM) + key
    figure = Figure(figsize=(width, height))
    styles = {name: _style(place) for place, name in enumerate(watch.detectors)}
    names = short_attacks(watch.noticed)
    for place, (attack, found) in enumerate(watch.noticed.items()):
        row, column = divmod(place, columns)
        left = column * (LEFT + PANEL_WIDTH + GAP) + LEFT
        bottom = height - row * (TOP + PANEL_HEIGHT + BOTTOM) - TOP - PANEL_HEIGHT
        axes = figure.add_axes((left / width, bottom / height, PANEL_WIDTH / width, PANEL_HEIGHT / height))
        _draw(axes, attack.budget, found, styles)
        axes.set_title("\n".join(textwrap.wrap(names[attack], TITLE)[:2]), fontsize=FONT - 1.5, color=INK, loc="left")
    for place, (name, short) in enumerate(short_names(watch.detectors).items()):
        at = (key - KEY * (place + 0.7)) / height
        line = "—" if styles[name]["linestyle"] == "-" else "--"
        text = f"{line} {short}"
        figure.text(LEFT / width, at, text, color=styles[name]["color"], fontsize=FONT, va="center", parse_math=False)
    figure.text(LEFT / width, KEY * 0.8 / height, HINT, color=INK, fontsize=FONT - 1.5, va="center")
    return figure


def _style(place: int) -> dict[str, Any]:
    """Colour and kind of line of a detector; there are more detectors than colours."""
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": "-" if place < len(COLOURS) else "--"}


def _draw(axes: Axes, budget: int, found: Mapping[str, Noticed], styles: Mapping[str, dict[str, Any]]) -> None:
    places = {name: place for place, name in enumerate(styles)}
    for name, noticed in found.items():
        curve = kaplan_meier(noticed.alarms, noticed.lengths)
        queries, silent = [0, *curve.queries, budget], [1.0, *curve.silent]
        silent.append(silent[-1])
        shares = [100 * one - APART * places[name] for one in silent]
        axes.step(queries, shares, where="post", linewidth=1.1, alpha=0.9, label=name, **styles[name])
    axes.set_ylim(-4 - APART * len(styles), 104)
    axes.set_xlim(0, budget)
    axes.set_xlabel("queries of the attack", fontsize=FONT - 1, color=INK)
    axes.set_ylabel("without an alarm (%)", fontsize=FONT - 1, color=INK)
    axes.tick_params(labelsize=FONT - 1.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
