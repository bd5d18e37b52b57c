"""Reading YAML so that every value keeps the place that it came from."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mebench.api.errors import ConfigurationError
from mebench.api.shortened import brief

Location = tuple[str | int, ...]
"""Keys and list indices that lead from the top of a file to a value."""

GIVEN = "benchmark"
"""What stands for the name of the file where a benchmark is given as a mapping."""
MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
_MOST_DIGITS = 4_300
"""Of a whole number; Python reads no longer ones."""
_DEEPEST = 1_000
"""Levels that libyaml's loader is trusted with; it counts none, and its stack is that of C."""
_DEEPEST_FLOW = 200
"""Brackets within each other that PyYAML's loader goes into: its work grows with their square, to seconds."""
_READ_OTHERWISE = re.compile(r"[^\n -~]|^[^#\n]*[?!]|[|>]#|:\s*[,}\]]", re.MULTILINE)
"""What libyaml takes, or places, otherwise than PyYAML's own loader; of comments, letters alone."""
_TAG = "tag:yaml.org,2002:"
_WORDS = {"true": True, "false": False, "null": None, "": None, "~": None}


@dataclass(frozen=True)
class Mark:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        location: where in the file's structure.
        text: what is wrong and what to do, as a clause that follows the location.
        at_key: whether the key is at fault rather than its value.
        mark: the place, where the location alone does not tell it.
    """

    location: Location
    text: str
    at_key: bool = False
    mark: Mark | None = None


@dataclass
class Document:
    """A YAML file as plain values, with the place of every key and value.

    Attributes:
        file: as the user wrote it.
        content: the top-level mapping.
        keys, values: places by location.
        problems: what YAML lets pass but a benchmark file does not, such as a key that is given twice;
            where ``at_key`` is false, the value was replaced by None.
        overridden: what was changed after reading, and by which option.
    """

    file: str
    content: dict[str, Any] = field(default_factory=dict)
    keys: dict[Location, Mark] = field(default_factory=dict)
    values: dict[Location, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    overridden: dict[Location, str] = field(default_factory=dict)

    def place(self, location: Location, at_key: bool = False) -> str:
        """Where a value comes from, in words: ``file:line:column``, or the option that set it, or the whole."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.overridden:
                return self.overridden[location[:length]]
        if not self.values:
            return self.file
        mark = self.mark(location, at_key)
        return f"{self.file}:{mark.line}:{mark.column}"

    def mark(self, location: Location, at_key: bool = False) -> Mark:
        """The place of a value or key, or of the nearest thing around it that is in the file."""
        if at_key and location in self.keys:
            return self.keys[location]
        for length in range(len(location), -1, -1):
            if location[:length] in self.values:
                return self.values[location[:length]]
        return Mark(1, 1)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars: `1e-3` is a number, `no` is a word, `010` and `1:30` are not numbers."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own way to replace them)

    def fetch_flow_collection_start(self, *arguments: Any) -> None:
        """Begin a list or mapping in brackets, as long as they are not too deep; Python itself gives up soon after."""
        if self.flow_level >= _DEEPEST_FLOW:
            raise RecursionError
        super().fetch_flow_collection_start(*arguments)


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, where PyYAML was built with it, in a fifth of the time."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


def read_document(
    path: Path,
    holds: str = "a mapping with the keys name, victims and profiles",
    page: str = "docs/benchmark-files.md",
) -> Document:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: of the file.
        holds: what it must be, in words.
        page: of the documentation, which says more.

    Raises:
        ConfigurationError: there is no such file, or it is not YAML; one line.
    """
    document = Document(str(path))
    node = _compose(_read_text(path), document.file)
    if node is None:
        raise ConfigurationError(f"{path}: the file is empty; see {page}")
    content = _Builder(document).build(node, ())
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}:1:1: must be {holds}")
    document.content = content
    return document


def given_document(content: Mapping[str, Any]) -> Document:
    """Take what a file would hold; paths may be `Path` objects, lists tuples.

    Raises:
        ConfigurationError: it holds what no file can.
    """
    try:
        plain = json.loads(json.dumps(dict(content), default=_plain))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{GIVEN}: {' '.join(str(error).split())}") from None
    return Document(GIVEN, plain)


def _plain(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()  # one number of NumPy's
    raise TypeError(f"a benchmark cannot hold a {type(value).__name__}")


def parse_value(text: str) -> Any:
    """Read one value as a benchmark file would.

    Raises:
        ConfigurationError: not YAML.
    """
    document = Document("the value")
    try:
        node = _compose(text, document.file)
    except ConfigurationError as error:
        raise ConfigurationError("".join(str(error).partition("not valid YAML")[1:])) from None
    value = None if node is None else _Builder(document).build(node, ())
    if document.problems:
        raise ConfigurationError(document.problems[0].text)
    return value


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: is a folder, not a benchmark file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"{path}: is larger than 1 MB, so it is not a benchmark file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def _compose(text: str, file: str) -> Node | None:
    """Parse to nodes; a syntax error becomes one line."""
    if _is_read_alike(text):
        with contextlib.suppress(yaml.YAMLError):  # in words of libyaml's
            return yaml.compose(text, _QuickLoader)
    try:
        return yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        problem = " ".join(str(error.problem or error.context).split())
        hint = " (indent with spaces, not tabs)" if r"'\t'" in problem else ""
        raise ConfigurationError(f"{place}: not valid YAML: {problem}{hint}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"{file}:{before.count(chr(10)) + 1}:{error.position - before.rfind(chr(10))}"
        raise ConfigurationError(f"{place}: not valid YAML: {error.reason}") from None
    except RecursionError:
        raise ConfigurationError(f"{file}: is nested too deeply") from None


def _is_read_alike(text: str) -> bool:
    """Whether libyaml reads a text as PyYAML's own loader does; marks included, unless it is wrong."""
    deepest = max(map(len, text.split("\n"))) + text.count("[") + text.count("{")
    return deepest <= _DEEPEST and not _READ_OTHERWISE.search(text)


class _Builder:
    """Turns nodes into values and notes where each came from."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: set[int] = set()
        self._duplicates: set[Mark] = set()
        self._steps = 0

    def build(self, node: Node, location: Location) -> Any:
        """The value of a node; what cannot be read is noted and becomes None."""
        self._count()
        self._document.values[location] = _mark(node)
        if id(node) in self._open:
            return self._refuse(node, location, "an anchor must not contain itself")
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode) and node.tag == _TAG + "map":
                return self._mapping(node, location)
            if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
                return [self.build(child, (*location, index)) for index, child in enumerate(node.value)]
            if isinstance(node, ScalarNode):
                return self._scalar(node, location)
            return self._refuse(node, location, f"the tag {node.tag} is not allowed")
        finally:
            self._open.discard(id(node))

    def _count(self) -> None:
        """Stop anchors that multiply without end."""
        self._steps += 1
        if self._steps > MAX_VALUES:
            raise ConfigurationError(f"{self._document.file}: holds more than {MAX_VALUES:,} values")

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        result = {}
        for key, (key_node, value_node) in self._pairs(node, location).items():
            self._document.keys[(*location, key)] = _mark(key_node)
            result[key] = self.build(value_node, (*location, key))
        return result

    def _pairs(self, node: MappingNode, location: Location) -> dict[str, tuple[Node, Node]]:
        """Keys with their nodes, ``<<`` resolved: what is written out wins, then what is merged first."""
        self._count()
        merged: dict[str, tuple[Node, Node]] = {}
        own: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for source in self._merged(value_node, location):
                    merged = {**self._pairs(source, location), **merged}
            elif key_node.tag != _TAG + "str":
                self._refuse(key_node, location, "a key must be a word; put it in quotes", at_key=True)
            elif key_node.value in own:
                self._duplicate(key_node, own[key_node.value][0], location)
            else:
                own[key_node.value] = (key_node, value_node)
        return {**merged, **own}

    def _merged(self, node: Node, location: Location) -> Iterator[MappingNode]:
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(source, MappingNode) and id(source) not in self._open:
                yield source
            else:
                self._refuse(node, location, "<< takes a mapping, or a list of mappings", at_key=True)

    def _duplicate(self, second: ScalarNode, first: Node, location: Location) -> None:
        mark = _mark(second)
        if mark not in self._duplicates:  # an anchor is built once per use
            self._duplicates.add(mark)
            text = f"this key is given twice (first in line {_mark(first).line})"
            self._document.problems.append(Problem((*location, second.value), text, at_key=True, mark=mark))

    def _scalar(self, node: ScalarNode, location: Location) -> Any:
        kind = node.tag.removeprefix(_TAG)
        text = node.value
        try:
            if kind in ("str", "merge"):
                return text
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
            if kind in ("bool", "null"):
                return _WORDS[text.lower()]
        except (ValueError, KeyError):
            long = kind == "int" and len(text) > _MOST_DIGITS
            what = f"must be a number of at most {_MOST_DIGITS:,} digits" if long else f"does not fit its tag !!{kind}"
            return self._refuse(node, location, f"{brief(text)} {what}")
        return self._refuse(node, location, f"the tag {node.tag} is not allowed")

    def _refuse(self, node: Node, location: Location, text: str, at_key: bool = False) -> None:
        self._document.problems.append(Problem(location, text, at_key, _mark(node)))


def _mark(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)
