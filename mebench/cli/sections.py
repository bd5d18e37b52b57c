"""Help texts of commands with many options: in sections, and one option in the same section wherever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

SECTIONS: dict[str, tuple[str, ...]] = {
    "Which trials": ("profile", "only", "overrides", "seeds", "shard", "failed", "fresh", "keep_other_code"),
    "Where they run": (
        *("workers", "threads", "device", "engine", "scheduler", "cluster", "cluster_options", "per_gpu"),
    ),
    "Limits": ("timeout", "stall", "retries", "max_failures"),
    "What counts": ("metrics", "tolerances", "allow_missing", "strict"),
    "The baseline": ("update", "prune"),
    "Results": ("out", "place", "measure", "style", "output", "as_json"),
    "Watching": ("quiet", "loggers", "logger_settings"),
}
"""Headings in their order, and the names of the options below each, in theirs."""
OTHERS = "Others"


class Sectioned(click.Command):
    """A command whose help has its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        for title, options in sections(self.get_params(ctx)):
            with formatter.section(title):
                formatter.write_dl([record for one in options if (record := one.get_help_record(ctx))])


def sections(parameters: Sequence[click.Parameter]) -> Iterator[tuple[str, list[click.Option]]]:
    """The options among parameters, by section; those that none names come last."""
    options = {one.name: one for one in parameters if isinstance(one, click.Option) and not one.hidden}
    for title, names in SECTIONS.items():
        if found := [options.pop(name) for name in names if name in options]:
            yield title, found
    if options:
        yield OTHERS, list(options.values())
