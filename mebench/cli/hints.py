"""What is said of options that there are not."""

from __future__ import annotations

import click

from mebench.api.suggestions import nearest


def no_such_option(error: click.NoSuchOption) -> click.UsageError:
    """The error with a better hint than click's: the nearest option, or how a key of the benchmark file is set."""
    if error.ctx is None:
        return error
    parameters = error.ctx.command.get_params(error.ctx)
    options = [name for one in parameters for name in (*one.opts, *one.secondary_opts) if name.startswith("--")]
    message = f"no option {error.option_name!r}"
    if near := nearest(error.option_name, options):
        return click.UsageError(f"{message}. Did you mean {near!r}?", error.ctx)
    if "--set" in options and any(one.name == "file" for one in parameters) and (key := _key(error.option_name)):
        hint = f"{key.rpartition('.')[2]!r} is a key of the file, which --set changes: --set '{key}=...'"
        return click.UsageError(f"{message}: {hint}", error.ctx)
    return click.UsageError(message, error.ctx)


def _key(option: str) -> str | None:
    """The key of a benchmark file that an option is named like, as ``--set`` takes it."""
    from mebench.plan.file.schema import Benchmark, Profile, Run

    sections = (("", Benchmark), ("", Profile), ("runs.*.", Run))
    keys = {name: before + name for before, section in sections for name in section.model_fields}
    near = nearest(option, keys)
    return None if near is None else keys[near]
