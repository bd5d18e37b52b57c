from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from make_results import make_row, make_table1, write_benchmark
from report_results import CLOSING, MARKUP, make_hostile

from mebench.api.spec import Component, VictimSpec
from mebench.cli import main
from mebench.report.page import MAX_BYTES, page, render_report
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.write.formats import write_leaderboard_files

ADDRESS = re.compile(r"https?:|ftp:|[\"'(]//", re.IGNORECASE)


class Reader(HTMLParser):
    """The elements of a page with their attributes, and the texts of some."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def table1(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_report([make_table1(tmp_path_factory.mktemp("table1"))])[0]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_report([make_hostile(tmp_path_factory.mktemp("hostile"))])[0]


def test_a_page_names_no_address_and_refers_to_itself_only(table1: str) -> None:
    without_data = re.sub(r"base64,[A-Za-z0-9+/=]+", "", table1)
    assert not ADDRESS.search(without_data)
    for _, attributes in Reader(table1).elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_the_policy_of_a_page_allows_nothing_but_its_own_script_and_style(table1: str) -> None:
    reader = Reader(table1)
    policy = next(one["content"] for one in reader.attributes("meta") if one.get("http-equiv"))
    parts = dict(part.split(" ", 1) for part in (policy or "").split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["img-src"] == "data:"
    script = re.findall(r"<script>(.*?)</script>", table1, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", table1, re.DOTALL)
    assert (len(script), len(style)) == (1, 1)
    for name, text in (("script-src", script[0]), ("style-src", style[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert parts[name] == f"'sha256-{digest}'"


def test_no_element_has_a_style_or_a_handler_of_its_own(table1: str) -> None:
    names = {name for _, attributes in Reader(table1).elements for name in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


def test_names_reasons_and_notes_that_are_markup_are_shown_as_text(hostile: str) -> None:
    reader = Reader(hostile)
    assert not [one for one in reader.attributes("img") if one.get("src") == "x"]
    assert not [name for _, attributes in reader.elements for name in attributes if name.startswith("on")]
    scripts = [one for one in reader.attributes("script") if one.get("type") is None]
    assert len(scripts) == 1
    shown = "".join(text for tag, texts in reader.texts.items() if tag not in ("script", "style") for text in texts)
    for text in (f"name{MARKUP}", f"note{MARKUP}", f"paper{MARKUP}", f"reason{MARKUP}", f"flag{MARKUP}", CLOSING):
        assert text in shown


def test_json_in_a_page_cannot_end_its_script(hostile: str) -> None:
    block = hostile.split('id="panels">', 1)[1].split("</script>", 1)[0]
    assert "<" not in block
    labels = [one["label"] for one in json.loads(block)[0]["series"]]
    assert any(CLOSING in label for label in labels)


def test_control_characters_of_reasons_do_not_reach_the_page(hostile: str) -> None:
    assert "\x1b" not in hostile


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    root = make_table1(tmp_path)
    assert render_report([root]) == render_report([root])


def test_scale_and_note_stand_above_the_leaderboard(table1: str) -> None:
    assert 0 < table1.index("Not the paper's scale.") < table1.index('id="board"')
    assert table1.index("The quick profile is not the paper&#39;s scale") < table1.index('id="board"')


def test_the_leaderboard_shows_the_numbers_of_the_rows(tmp_path: Path) -> None:
    root = make_table1(tmp_path)
    text = render_report([root])[0]
    cells = [" ".join(one.split()) for one in Reader(text).texts["td"]]
    for row in build_leaderboard([root]).rows:
        assert row.accuracy is not None
        expected = f"{100 * row.accuracy:.1f}" + ("" if row.accuracy_ci is None else f" ± {100 * row.accuracy_ci:.1f}")
        assert expected in cells


def test_references_are_marked_and_have_no_rank(table1: str) -> None:
    rows = re.findall(r'<tr class="ref".*?</tr>', table1, re.DOTALL)
    assert len(rows) == 2
    assert all("reference, not ranked" in row for row in rows)
    titles = re.findall(r"<button type=\"button\">(.*?)</button></th>", table1)
    rank = titles.index("Rank")
    for row in rows:
        cells = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)
        assert cells[rank] == "–"


def test_failed_unfinished_and_invalid_trials_are_told_with_their_reasons(hostile: str) -> None:
    section = hostile.split('id="problems"', 1)[1].split("</section>", 1)[0]
    assert "spent 60000 queries of 50000" in section
    assert "not finished" in section
    assert all(f'class="status {status}"' in section for status in ("failed", "invalid", "partial"))


def test_numbers_of_the_paper_stand_beside_ours_with_the_difference(hostile: str) -> None:
    section = hostile.split('id="reported"', 1)[1].split("</section>", 1)[0]
    assert "70.0" in section
    assert "54.0 ± 13.1" in section
    assert "-16.0" in section


def test_every_flag_that_a_row_has_is_explained(table1: str) -> None:
    used = set(re.findall(r'href="#flag-([^"]+)"', table1))
    assert {"reduced-scale"} <= used
    assert used <= set(re.findall(r'id="flag-([^"]+)"', table1))


def test_every_link_leads_to_an_element_and_ids_are_unique(hostile: str) -> None:
    elements = Reader(hostile).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for tag, attributes in elements if tag == "a" and attributes.get("href")}
    assert links <= set(ids)


def test_tables_have_captions_and_headings_skip_no_level(table1: str) -> None:
    reader = Reader(table1)
    assert len(reader.attributes("table")) == len(reader.attributes("caption"))
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_saved_leaderboard_makes_a_page_without_curves(tmp_path: Path) -> None:
    root = make_table1(tmp_path / "runs") if (tmp_path / "runs").mkdir() is None else tmp_path
    write_leaderboard_files(root)
    text = render_report([root / "leaderboard.json"])[0]
    assert 'id="board"' in text
    assert 'id="panels"' not in text
    assert "No curve can be drawn: these rows hold none" in text
    assert "megex l1" in text


def test_flags_name_the_victims_of_their_rows_where_there_are_several_and_code_is_set_as_such(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    make_row(tmp_path, [0.1, 0.3])
    assert re.search(r'<a href="#row-\d+">megex l1</a>', render_report([tmp_path])[0])
    make_row(tmp_path, [0.1, 0.3], victim=VictimSpec("other", Component("mnist")), flags=["other-code"])
    text = render_report([tmp_path])[0]
    assert re.search(r'<a href="#row-\d+">megex l1 on other</a>', text)
    assert "<code>run</code> runs it anew" in text


def test_folders_without_a_finished_trial_make_a_page(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    assert "No results yet" in render_report([tmp_path])[0]


def test_rows_that_do_not_fit_are_packed_and_none_is_lost(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    for number in range(200):
        make_row(tmp_path, [0.3 + number / 1000], "noise", f"v{number}")
    text = render_report([tmp_path])[0]
    packed = json.loads(gzip.decompress(base64.b64decode(text.split('id="packed">')[1].split("<")[0])))
    inline = set(re.findall(r'<a href="#row-\d+">(noise v\d+)</a>', text.split('id="board"')[1].split("</table>")[0]))
    outside = {re.findall(r">(noise v\d+)</a>", row)[0] for _, row, _ in packed}
    assert len(inline) == 150
    assert inline | outside == {f"noise v{number}" for number in range(200)}
    assert not inline & outside


def test_a_page_that_is_too_large_is_made_smaller_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_benchmark(tmp_path)
    for number in range(60):
        make_row(tmp_path, [0.3 + number / 1000], "noise", f"v{number}")
    monkeypatch.setattr(page, "MAX_BYTES", 150_000)
    text, notes = render_report([tmp_path])
    assert len(text.encode()) <= 150_000 < MAX_BYTES
    assert any("left out" in note or "at most" in note for note in notes)


def test_the_command_writes_the_page_and_tells_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").mkdir()
    make_table1(tmp_path / "runs")
    assert main(["report", str(tmp_path / "runs"), "-o", str(tmp_path / "new" / "page.html")]) == 0
    assert "MB)" in capsys.readouterr().err
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_without_results_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 2
    assert "holds no trials" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
