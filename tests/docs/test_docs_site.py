"""The documentation says what the code does: made pages are up to date, and examples run."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys
import textwrap

import pytest
import yaml
from nested_pytest import outcomes_of

from mebench.testing import DETECTOR_CHECKS


@pytest.fixture
def docs(repository):
    return repository / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def program(file):
    """A program of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(nav):
    """The pages of a navigation, however deep."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from (page for one in entry.values() for page in listed([one] if isinstance(one, str) else one))


def test_made_pages_are_what_would_be_made_now(docs):
    made = program(docs / "generate.py")
    pages = made.pages() | {"../metrics.md": made.metrics_page()}
    folder = docs / "reference"
    kept = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in folder.rglob("*.md")}
    kept["../metrics.md"] = (docs / "metrics.md").read_text(encoding="utf-8")
    stale = [name for name in pages.keys() | kept.keys() if pages.get(name) != kept.get(name)]
    assert not stale, f"run `python docs/generate.py`: {', '.join(sorted(stale))} would change"


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page(docs, repository):
    settings = {**yaml.safe_load((repository / "mkdocs.yml").read_text()), "docs_dir": docs}
    pages = listed(program(docs / "pages.py").on_config(settings)["nav"])
    assert sorted(pages) == sorted(str(file.relative_to(docs)) for file in docs.rglob("*.md"))


def test_every_public_name_is_in_the_table_of_its_package_and_on_one_page(docs):
    shown = []
    for package, folder in (("mebench", "api"), ("mebench.toolkit", "toolkit")):
        index = (docs / "reference" / folder / "index.md").read_text(encoding="utf-8")
        named = re.findall(r"^\| \[`(\w+)`\]\[", index, re.M)
        assert sorted(named) == sorted(importlib.import_module(package).__all__)
    for page in [*docs.glob("reference/*/*.md"), docs / "reference" / "testing.md"]:
        shown += re.findall(r"^::: [\w.]*\.(\w+)$", page.read_text(encoding="utf-8"), re.M)
    promised = {
        name for one in ("", ".toolkit", ".testing") for name in importlib.import_module(f"mebench{one}").__all__
    }
    assert sorted(shown) == sorted(promised)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(repository, tmp_path):
    pytest.importorskip("mkdocstrings_handlers.python")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "reference" / "api" / "the-contract.html").read_text(encoding="utf-8")
    assert "Decides what to ask next." in page


def test_links_between_pages_lead_somewhere(docs):
    for page in docs.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).resolve().is_file(), f"{page.name} links to {target}"


def test_the_code_on_the_megex_page_is_the_plugin(docs, repository):
    plugin = repository / "plugins" / "mebench_megex"
    shown = blocks(docs / "megex-line-by-line.md", "python")
    source = "\n".join((plugin / name).read_text() for name in ("__init__.py", "attack.py"))
    for block in shown:
        assert block.rstrip() in source, f"not in the plugin:\n{block}"
    together = "".join(shown)
    defined = set(re.findall(r"^ *(?:def|class) (\w+)", source, re.M))
    assert defined == set(re.findall(r"^ *(?:def|class) (\w+)", together, re.M))


@pytest.mark.slow
def test_the_quick_start_runs_as_written(docs, tmp_path, mebench):
    (yaml_block,) = blocks(docs / "index.md", "yaml")
    (tmp_path / "first.yaml").write_text(yaml_block)
    (commands,) = blocks(docs / "index.md", "sh")
    printed = [mebench(*line.split()[1:]) for line in commands.splitlines()]
    assert len(printed) == 3
    assert printed[2].count("random-pool") == 2


@pytest.mark.slow
def test_the_channels_of_the_page_answer_in_a_benchmark(docs, tmp_path, mebench):
    page = docs / "writing-a-channel.md"
    (tmp_path / "mebench_dither").mkdir()
    for name, block in zip(("__init__.py", "channel.py", "tiring.py"), blocks(page, "python"), strict=True):
        (tmp_path / "mebench_dither" / name).write_text(block)
    metadata = tmp_path / "mebench_dither-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mebench-dither\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[mebench]\ndither = mebench_dither\n")
    for command in blocks(page, "sh"):
        assert "conforms (1 check)" in mebench(*command.split()[1:])
    benchmark = yaml.safe_load(blocks(docs / "index.md", "yaml")[0])
    run = benchmark["profiles"]["quick"]["runs"][0]
    names = ("dither", "tiring")
    run["attacks"] = [{**run["attacks"][0], "channel": {"name": name, "sigma": 0.5}} for name in names]
    (tmp_path / "file.yaml").write_text(yaml.safe_dump(benchmark))
    rows = json.loads(mebench("run", "file.yaml", "--workers", "0", "--json"))["rows"]
    found = sorted(row["channel"] for row in rows if row["attack"] == "noise")
    assert found == ["dither(sigma=0.5)", "tiring(sigma=0.5)"]


def test_the_test_file_of_the_conformance_page_passes(docs, tmp_path):
    block, of_detectors = blocks(docs / "conformance.md", "python")
    quick = block.replace("parametrize_with_checks(ATTACKS)", "parametrize_with_checks(ATTACKS, checks=CHECKS[1:6])")
    assert quick != block
    (tmp_path / "test_it.py").write_text(textwrap.dedent("from mebench.testing import CHECKS\n") + quick)
    (tmp_path / "test_detector.py").write_text(of_detectors)
    found = outcomes_of(tmp_path / "test_it.py", tmp_path / "test_detector.py")
    assert found == {"passed": 5 + len(DETECTOR_CHECKS) - 1, "skipped": 1}  # one is of detectors that learn


def test_commands_in_the_documentation_exist(docs):
    from mebench.cli import COMMANDS

    for page in docs.rglob("*.md"):
        for command in re.findall(r"^mebench (\w+)", "\n".join(blocks(page, "sh")), re.M):
            assert command in COMMANDS, f"{page.name}: mebench {command}"
