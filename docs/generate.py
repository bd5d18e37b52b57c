"""Write docs/metrics.md and the pages of docs/reference: from registry, public names, command line and checks.

    python docs/generate.py

A test fails when what is committed is not what this makes.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mebench.api.shortened import bound
from mebench.cli import COMMANDS, cli
from mebench.cli.sections import Sectioned, sections
from mebench.plan.file.schema import Benchmark
from mebench.registry.catalogue import registry
from mebench.registry.entries import (
    AttackEntry,
    ChannelEntry,
    DatasetEntry,
    DefenceEntry,
    DetectorEntry,
    LearnerEntry,
    LoggerEntry,
    MetricEntry,
    NetworkEntry,
    RecoveryEntry,
    StrategyEntry,
)
from mebench.registry.entry import Entry
from mebench.results.numbers import numbers
from mebench.testing.checks import KITS

Named = TypeVar("Named", bound=Entry)
HERE = Path(__file__).resolve().parent
GROUPS_OF_MEBENCH = {
    "mebench.api.contract": "The contract",
    "mebench.api.defence": "Defences, recoveries and detectors",
    "mebench.registry": "What a plugin registers",
    "mebench.api.errors": "Errors",
    "mebench.api.run_events": "The life of a run",
    "mebench.data": "Data",
    "mebench.trial.metrics": "What metrics see",
    "mebench.report.notebook": "From Python",
    "mebench.report": "Results",
    "mebench.results": "Results",
    "mebench.toolkit": "From the toolkit",
    "": "Randomness, account and version",
}
"""Titles of the reference, and the modules whose names stand under each; the first that fits is taken."""
GROUPS_OF_TOOLKIT = {
    "mebench.toolkit.strategies": "Strategies",
    "mebench.toolkit.learners": "Learners",
    "mebench.toolkit.losses": "Losses",
    "mebench.toolkit.schedules": "Learning rates",
    "mebench.toolkit.adversarial": "Adversarial examples",
    "mebench.toolkit.boundary": "Adversarial examples",
    "mebench.toolkit.reservoir": "Memory",
    "mebench.toolkit.noise": "Inputs that nobody chose",
    "mebench.toolkit.streams": "Honest clients",
    "mebench.toolkit.transforms": "Honest clients",
    "mebench.toolkit.gradients": "Gradients and explanations",
    "mebench.toolkit.explanations": "Gradients and explanations",
    "mebench.toolkit.hidden_layer": "Networks that are read off",
    "mebench.toolkit.segments": "Networks that are read off",
    "mebench.toolkit.keyed": "Keyed randomness",
    "mebench.toolkit.twins": "Learners",
    "mebench.oracle": "Answers cut short",
    "mebench.toolkit": "Parameters",
    "": "Networks, devices and signs of life",
}
MANY = 8
"""Entries of a page that begins with a table of them if there are more."""
MADE = "<!-- Made by docs/generate.py: do not change it here. -->\n\n"


def pages() -> dict[str, str]:
    """Every page's text by its name below docs/reference; `metrics_page` is beside that folder."""
    made = {
        **_attacks(),
        **_public_names("mebench", "api", GROUPS_OF_MEBENCH),
        **_public_names("mebench.toolkit", "toolkit", GROUPS_OF_TOOLKIT),
        "testing.md": _directives("`mebench.testing`", _grouped("mebench.testing", {"": "The kit"})["The kit"]),
        "channels.md": _listed("Channels", ChannelEntry),
        "networks.md": _listed("Networks", NetworkEntry),
        "data-sets.md": _listed("Data sets", DatasetEntry),
        "strategies.md": _listed("Strategies", StrategyEntry),
        "learners.md": _listed("Learners", LearnerEntry),
        "defences.md": _listed("Defences", DefenceEntry),
        "recoveries.md": _listed("Recoveries", RecoveryEntry),
        "loggers.md": _listed("Loggers", LoggerEntry),
        "detectors.md": _listed("Detectors", DetectorEntry),
        "metrics.md": _listed("Metrics", MetricEntry),
        "commands.md": _commands(),
        "checks.md": _checks(),
        "benchmark-keys.md": _benchmark_keys(),
    }
    return {name: re.sub(r"\n{3,}", "\n\n", MADE + text).rstrip() + "\n" for name, text in made.items()}


def metrics_page() -> str:
    """docs/metrics.md: the card of every number that mebench itself measures or derives."""
    parts = [
        "# Metrics",
        MADE.rstrip(),
        "`mebench info METRIC` shows one card. All metrics are of the **last** clone at the end of the budget, on the "
        "test set, against the victim itself: what its channel rounds or withholds from the attack is not withheld "
        'here, and evaluation is never counted as queries. "Better" is the attacker\'s view. Rows hold means over '
        "seeds.",
    ]
    measured = registry().measured()
    theirs = {key for key, (entry, _) in measured.items() if not registry().ships(MetricEntry, entry.name)}
    for number in numbers().values():
        if number.name not in theirs:
            lines = "".join(f"- {key}: {value}\n" for key, value in number.facts().items())
            parts.append(f"## `{number.name}`\n\n{lines}".rstrip())
    return "\n\n".join(parts) + "\n"


def _shipped(kind: type[Named]) -> list[Named]:
    """What comes with mebench, whatever else is installed where the pages are made."""
    known = registry()
    return [one for one in known.entries(kind) if known.ships(kind, one.name)]


def _attacks() -> dict[str, str]:
    """A page for each plugin that has attacks, and a table of all attacks."""
    plugins: dict[str, list[AttackEntry]] = {}
    rows = []
    for one in _shipped(AttackEntry):
        plugin = one.target.partition(".")[0].removeprefix("mebench_")
        plugins.setdefault(plugin, []).append(one)
        known = _ShippedOnly()
        channels = known.channels_for(one.needs)
        fitting = "any" if channels == known.names(ChannelEntry) else ", ".join(channels)
        facts = (one.family, fitting, one.paper)
        rows.append((f"[`{one.name}`]({plugin}.md#{one.name})", one.summary, *facts))
    text = "# Attacks\n\nWhat ships with mebench; each page has the parameters and the plugin's card.\n\n"
    made = {"attacks/index.md": text + _table(("attack", "what it does", "family", "channels", "paper"), rows)}
    return made | {f"attacks/{plugin}.md": _plugin(plugin, entries) for plugin, entries in sorted(plugins.items())}


def _plugin(name: str, entries: Sequence[AttackEntry]) -> str:
    """What `mebench info` says of a plugin's attacks, and its card with headings one level further down."""
    spec = importlib.util.find_spec(f"mebench_{name}")
    assert spec is not None
    assert spec.origin is not None
    card = (Path(spec.origin).parent / "README.md").read_text(encoding="utf-8")
    title, _, rest = card.partition("\n")
    rest = re.sub(r"^(#+) ", r"#\1 ", rest, flags=re.M).replace("](../../docs/", "](../../")
    rest = re.sub(r"\[([^\]]*)\]\(\.\./\.\./(?:results|benchmarks)[^)]*\)", r"\1", rest)  # no pages of the site
    return f"{title}\n" + "".join(map(_entry, entries)) + f"\n## Card\n{rest}\n"


def _listed(title: str, kind: type[Entry]) -> str:
    shipped = _shipped(kind)
    text = f"# {title}\n\nWhat `mebench info NAME` says of each.\n"
    if len(shipped) > MANY:
        rows = [(f"[`{one.name}`](#{one.name})", one.summary) for one in shipped]
        text += "\n" + _table(("name", "what it is"), rows)
    return text + "".join(map(_entry, shipped))


def _entry(entry: Entry) -> str:
    facts = {key: value for key, value in _facts(entry).items() if value}
    text = f"\n## `{entry.name}`\n\n{entry.summary}\n\n"
    text += "".join(f"- {key}: {value}\n" for key, value in facts.items())
    if not entry.declared:
        return text + "\nIt has no parameters.\n"
    rows = []
    for one in entry.declared:
        default = one.default if isinstance(one.default, str) else json.dumps(one.default)
        rows.append((f"`{one.name}`", one.type, f"`{default}`", _range(one), one.help))
    return text + "\n" + _table(("parameter", "type", "default", "range", "what it is"), rows)


class _ShippedOnly:
    """The registry, as far as entries ask it, without what else is installed."""

    def names(self, kind: type[Entry]) -> list[str]:
        return [one.name for one in _shipped(kind)]

    def channels_for(self, needs: frozenset[str]) -> list[str]:
        return [one.name for one in _shipped(ChannelEntry) if needs <= one.gives]


def _facts(entry: Entry) -> dict[str, str]:
    if not isinstance(entry, MetricEntry):
        return entry.facts(_ShippedOnly())
    asked = f"where asked for, at {'the end' if entry.when == 'end' else 'evaluations'}"
    names = ", ".join(f"[`{one.name}`](../metrics.md#{one.name})" for one in entry.numbers)
    return {"measured in": "every trial" if entry.always else asked, "numbers": names}


def _range(parameter: Any) -> str:
    if parameter.choices:
        return ", ".join(f"`{one}`" for one in parameter.choices)
    low, high = parameter.minimum, parameter.maximum
    words = [f"at least {bound(low)}" if low is not None else "", f"at most {bound(high)}" if high is not None else ""]
    return ", ".join(word for word in words if word)


def _public_names(package: str, folder: str, groups: dict[str, str]) -> dict[str, str]:
    """A page for each group of the names that a package promises, and a table of all of them."""
    made = {title: names for title, names in _grouped(package, groups).items() if names}
    said = (importlib.import_module(package).__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    index = f"# `{package}`\n\n{said}\n"
    pages = {}
    for title, names in made.items():
        page = f"{re.sub(r'[^a-z]+', '-', title.lower())}.md"
        rows = [(f"[`{name}`][{place}.{name}]", _first_line(name, place)) for name, place in names.items()]
        elsewhere = package == "mebench" and all(place.startswith("mebench.toolkit") for place in names.values())
        heading = title if elsewhere else f"[{title}]({page})"
        index += f"\n## {heading}\n\n" + _table(("name", "what it is"), rows)
        if not elsewhere:  # the toolkit's pages have them
            pages[f"{folder}/{page}"] = _directives(title, names)
    return {f"{folder}/index.md": index, **pages}


def _directives(title: str, names: Mapping[str, str]) -> str:
    """A page with a directive of mkdocstrings for every name."""
    shown = [
        f"::: {place}.{name}\n    options:\n      heading: {name}\n      toc_label: {name}\n"
        for name, place in names.items()
    ]
    return f"# {title}\n\n" + "\n".join(shown)


def _grouped(package: str, groups: dict[str, str]) -> dict[str, dict[str, str]]:
    """The names that a package promises with the modules that they come from, by the title that each module has."""
    made: dict[str, dict[str, str]] = {title: {} for title in groups.values()}
    for name, place in sorted(_imported(importlib.import_module(package)).items(), key=lambda one: one[0].lower()):
        made[next(title for start, title in groups.items() if place.startswith(start))][name] = place
    return made


def _first_line(name: str, place: str) -> str:
    """The first sentence of what is said of a class, a function or another public name."""
    named = getattr(importlib.import_module(place), name, None)  # some names of a package are modules' as well
    own = inspect.isclass(named) or inspect.isfunction(named)
    said = inspect.getdoc(named) if own else _said_below(importlib.import_module(place), name)
    paragraph = " ".join((said or "").partition("\n\n")[0].split())
    return f"{paragraph.partition('. ')[0].rstrip('.')}." if paragraph else ""


def _said_below(module: Any, name: str) -> str:
    """The string that stands below the assignment of a name."""
    body = ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body
    for line, below in itertools.pairwise(body):
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return str(below.value.value)
    return ""


def _imported(module: Any) -> dict[str, str]:
    """The module that each public name of a package comes from."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.name: str(node.module) for node in imports for name in node.names if name.name in module.__all__}


def _commands() -> str:
    text = "# Commands\n\nWhat `mebench COMMAND --help` says.\n"
    context = click.Context(cli, info_name="mebench")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        text += "".join(_command(path, one) for path, one in _tree(f"mebench {name}", command))
    return text


def _tree(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _tree(f"{path} {name}", command.commands[name])


def _command(path: str, command: click.Command) -> str:
    arguments = " ".join(_argument(one) for one in command.params if isinstance(one, click.Argument))
    usage = " ".join(filter(None, (path, arguments)))
    text = f"\n## `{usage}`\n\n{_paragraphs(command.help or '')}\n\n"
    if isinstance(command, Sectioned):
        return text + "\n".join(f"{title}:\n\n{_options(found)}" for title, found in sections(command.params))
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    return text + (_options(options) if options else "")


def _options(options: Sequence[click.Option]) -> str:
    rows = [(_option(one), (one.help or "").replace("\n", " ")) for one in options]
    return _table(("option", "what it does"), rows)


def _argument(argument: click.Argument) -> str:
    name = (argument.metavar or (argument.name or "").upper()).removesuffix("...") + (
        "..." if argument.nargs == -1 else ""
    )
    return name if argument.required else f"[{name}]"


def _option(option: click.Option) -> str:
    value = ""
    if not option.is_flag and not option.count:
        choices = "|".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else ""
        value = f" {option.metavar or choices or option.type.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _paragraphs(text: str) -> str:
    """A docstring as Markdown: what click must not wrap becomes a block."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.lstrip().startswith("\b"):
            first, *lines = [line.strip() for line in block.split("\n")[1:]]
            head, rest = (f"{first}\n\n", lines) if first.endswith(":") else ("", [first, *lines])
            blocks.append(head + "```text\n" + "\n".join(rest) + "\n```")
        else:
            blocks.append(" ".join(block.split()))
    return "\n\n".join(blocks)


def _checks() -> str:
    text = "# Checks\n\nThe [conformance kit](../conformance.md), check by check.\n"
    told: set[str] = set()
    for kit in KITS:
        text += f"\n## Of {kit.kind.plural}\n"
        if before := [f"`{check.__name__}`" for check in kit.checks if check.__name__ in told]:
            text += f"\nAs above: {', '.join(before)}.\n"
        for check in kit.checks:
            if check.__name__ not in told:
                lines = [line.strip() for line in (check.__doc__ or "").strip().splitlines()]
                text += f"\n### `{check.__name__}`\n\n" + "\n".join(lines) + "\n"
        told |= {check.__name__ for check in kit.checks}
    return text


def _benchmark_keys() -> str:
    schema = Benchmark.model_json_schema()
    text = "# Keys of a benchmark file\n\n[Benchmark files](../benchmark-files.md) explains them.\n"
    return text + "".join(_section(title, part) for title, part in _sections(schema))


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "the file", schema
    for title, part in sorted(schema.get("$defs", {}).items()):
        if part.get("properties"):
            yield title, part


def _section(title: str, part: dict[str, Any]) -> str:
    required = set(part.get("required", ()))
    rows = [
        (f"`{key}`", "yes" if key in required else "", _type(one), one.get("description", ""))
        for key, one in part["properties"].items()
    ]
    about = " ".join(part.get("description", "").split())
    return f"\n## {title}\n\n{about}\n\n" + _table(("key", "required", "type", "what it is"), rows)


def _type(part: dict[str, Any]) -> str:
    if "enum" in part:
        return "a registered name" if len(part["enum"]) > 5 else ", ".join(f"`{one}`" for one in part["enum"])
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in part:
            return " or ".join(dict.fromkeys(_type(one) for one in part[key]))
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}))}"
    return str(part.get("type", "any"))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> None:
    """Write the pages."""
    folder, made = HERE / "reference", pages()
    for old in {file.relative_to(folder).as_posix() for file in folder.rglob("*.md")} - made.keys():
        (folder / old).unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (HERE / "metrics.md").write_text(metrics_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
