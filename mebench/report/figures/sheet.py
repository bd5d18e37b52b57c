"""A figure that is written on in inches from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ResultsError
from mebench.api.files import open_regular, why

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sheet:
    """Words and square pictures on a figure whose size does not change any more."""

    figure: Figure

    def write(self, text: str, left: float, top: float, size: float, colour: str, align: Any = "left") -> None:
        """Write one line whose top is at ``top``; nothing in it is markup."""
        wide, high = self.figure.get_size_inches()
        place = (left / wide, 1 - top / high)
        self.figure.text(*place, text, fontsize=size, color=colour, ha=align, va="top", parse_math=False)

    def show(self, pixels: Any, left: float, top: float, side: float, **options: Any) -> None:
        """Put a picture of ``side`` inches, pixel by pixel; ``options`` are those of matplotlib's ``imshow``."""
        wide, high = self.figure.get_size_inches()
        axes = self.figure.add_axes((left / wide, 1 - (top + side) / high, side / wide, side / high))
        axes.imshow(pixels, interpolation="nearest", cmap="gray", **options)
        axes.set_axis_off()

    def show_file(self, path: Path, scale: int, left: float, top: float, side: float) -> None:
        """Put the PNG picture of a trial, of which every pixel was written ``scale`` times in height and width.

        Raises:
            ResultsError: it cannot be read.
        """
        from matplotlib.image import imread

        try:
            with open_regular(path) as file:
                pixels = imread(file, format="png")
        except (OSError, ValueError, SyntaxError) as error:
            what = why(error) if isinstance(error, (OSError, ValueError)) else str(error)
            raise ResultsError(
                f"{path}: cannot be read as a picture ({what}); without it the others are drawn"
            ) from error
        self.show(pixels[::scale, ::scale], left, top, side)
