from __future__ import annotations

import re
from pathlib import Path

from mebench.results.compare.comparison import MARKS
from mebench.results.leaderboard import FORMATS, Row, SeedResult
from mebench.results.leaderboard.compute.flags import FLAGS
from mebench.results.leaderboard.keys import CI, keys_of
from mebench.results.numbers import SCORES, builtin_metrics, comparable

DOCS = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
TABLE_LINES = [line for line in DOCS.splitlines() if line.startswith("| `")]


def test_the_docs_list_every_flag_in_the_words_of_the_legend() -> None:
    for flag in FLAGS.values():
        assert f"| `{flag.name}` | {flag.raised_if} | {flag.means} | {flag.do} |" in TABLE_LINES


def test_the_docs_list_every_mark_in_the_words_of_the_program() -> None:
    for mark, meaning in MARKS.items():
        assert f"| `{mark}` | {meaning} |" in TABLE_LINES


def test_the_docs_explain_every_key_of_a_row_and_of_a_seed() -> None:
    explained = {name for line in TABLE_LINES for name in re.findall(r"`(\w+)`", line)}
    metrics = {entry.name for entry in builtin_metrics()} - {*SCORES}  # docs/metrics.md has the card of each
    keys = {key for key in (*keys_of(Row), *keys_of(SeedResult)) if key.removesuffix(CI) not in metrics}
    assert {*keys, "flags", "per_seed", "key", "metrics", "reported_metrics"} <= explained


def test_the_docs_name_every_metric_and_format() -> None:
    own_tolerance = [one.name for one in comparable().values() if one.card.tolerance is not None]
    assert all(f"`{name}`" in DOCS for name in (*own_tolerance, "fidelity_on_errors", "transfer_pgd"))
    assert "|".join(FORMATS) in DOCS
