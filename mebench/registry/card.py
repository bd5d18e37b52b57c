"""One number of results: its name, its direction, and the card that says how it is read, written and compared.

Tables, comparisons, curves, reports and exports know of a number what stands here, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Better = Literal["higher", "lower", "neither"]
"""The direction in which the attack is stronger."""
FRACTION_TOLERANCE, OTHER_TOLERANCE = 0.05, 0.1
"""What comparisons let pass where a card does not say it: a difference of fractions, and a share of other numbers."""


@dataclass(frozen=True)
class MetricCard:
    """What is to be known of a number. All of it may be left out.

    Attributes:
        title: its heading in tables; its name where this is empty.
        formula: in words or symbols; N test inputs, c classes, v the victim, f the clone.
        range: of its values, in words.
        misleads: when it says less than it seems to.
        unit: ``fraction`` (people read it in percent), ``queries``, ``rows``, ``nats``, ``seconds``, or any word.
        form: how it is written: ``percent``; ``digits``, three of them; or a format of Python's such as ``.2f``. Where
            it is empty, fractions are written in percent, other numbers with three digits.
        interval: whether rows hold its 95 % interval over seeds, and tables show it.
        detail: whether only a wide table shows it.
        tolerance: the change that a comparison lets pass; None for 0.05 of fractions, a tenth of other numbers.
        relative: whether ``tolerance`` is a share of the base's value, not a difference.
        minimum, maximum: a result with a value outside is invalid. Fractions are from 0 to 1.
        long_title: its heading where there is room for it; ``title`` where this is empty.
        about: a clause for the list of columns of the report; the summary where this is empty.
    """

    title: str = ""
    formula: str = ""
    range: str = ""
    misleads: str = ""
    unit: str = ""
    form: str = ""
    interval: bool = True
    detail: bool = False
    tolerance: float | None = None
    relative: bool = False
    minimum: float | None = None
    maximum: float | None = None
    long_title: str = ""
    about: str = ""


NO_CARD = MetricCard()
"""Of a number of which nothing is said."""


@dataclass(frozen=True)
class Number:
    """One number of results.

    Attributes:
        name: its key in results.
        summary: one sentence.
        better: the direction in which the attack is stronger.
        card: how it is read, written and compared.
    """

    name: str
    summary: str = ""
    better: Better = "higher"
    card: MetricCard = NO_CARD

    @property
    def title(self) -> str:
        """Its heading in tables."""
        return self.card.title or self.name

    @property
    def is_fraction(self) -> bool:
        """Whether it is from 0 to 1, and a paper prints it in percent."""
        return self.card.unit == "fraction"

    @property
    def in_percent(self) -> bool:
        """Whether tables write it in percent."""
        return self.card.form == "percent" or (self.is_fraction and not self.card.form)

    @property
    def format(self) -> str:
        """The format of Python's that its card gives; empty if it gives none."""
        return "" if self.card.form in ("percent", "digits") else self.card.form

    @property
    def tolerance(self) -> tuple[float, bool]:
        """The change that a comparison lets pass, and whether that is a share of the base's value."""
        if self.card.tolerance is not None:
            return self.card.tolerance, self.card.relative
        return (FRACTION_TOLERANCE, False) if self.is_fraction else (OTHER_TOLERANCE, True)

    def facts(self) -> dict[str, str]:
        """What is to be known of it, by what each line says."""
        card = self.card
        known = {"formula": card.formula, "range": card.range, "unit": card.unit}
        lines = {"in tables": self.title, **known, "better": self.better, "misleads when": card.misleads}
        return {key: value for key, value in lines.items() if value}


def problem(number: Number) -> str:
    """Say what is wrong with a number that a plugin declares, besides its name; empty if nothing is."""
    card: Any = number.card
    if number.better not in get_args(Better):
        return f"better must be one of {', '.join(get_args(Better))}"
    if not isinstance(card, MetricCard):
        return f"card must be a MetricCard, not a {type(card).__name__}"
    for name in ("title", "formula", "range", "misleads", "unit", "form", "long_title", "about"):
        if not isinstance(getattr(card, name), str):
            return f"card: {name} must be a text, not a {type(getattr(card, name)).__name__}"
    for name in ("interval", "detail", "relative"):
        if not isinstance(getattr(card, name), bool):
            return f"card: {name} must be true or false, not a {type(getattr(card, name)).__name__}"
    for name in ("tolerance", "minimum", "maximum"):
        value = getattr(card, name)
        if value is not None and not (isinstance(value, (int, float)) and abs(value) < float("inf")):
            return f"card: {name} must be a finite number, or None"
    if card.tolerance is not None and card.tolerance < 0:
        return "card: tolerance must be at least 0"
    return "" if _can_be_written(number) else f"card: form must be percent, digits or a format, not {card.form!r:.60}"


def _can_be_written(number: Number) -> bool:
    try:
        format(0.5, number.format)
    except ValueError:
        return False
    return True
