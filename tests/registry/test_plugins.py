"""Plugins of others: real distributions that are built, installed, used and removed."""

from __future__ import annotations

import json

import pytest
from plugin_environments import PluginEnvironment

BENCHMARK = """\
name: outside
victims:
  tiny:
    data: {name: fashion-mnist-10k, rows: [0, 600]}
    image_size: [8, 8]
    network: mlp
    training: {epochs: 2, batch_size: 32}
profiles:
  quick:
    scale: reduced
    evaluations: 3
    runs:
      - victims: [tiny]
        clone: mlp
        budgets: [300]
        attacks:
          - {attack: corner-noise, channel: label, parameters: {batch_size: 50}}
          - {attack: corner-noise, channel: label, parameters: {batch_size: 50, white: 0.25}}
"""


@pytest.fixture
def environment(tmp_path):
    return PluginEnvironment(tmp_path)


LIST, PLAN = "list attacks --json", "plan b.yaml"


def printed(done):
    """What a command has printed as JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(done):
    """The attacks that are listed."""
    return [entry["name"] for entry in printed(done)["attacks"]]


@pytest.mark.slow
def test_a_plugin_of_others_is_installed_listed_run_and_removed(environment, tmp_path):
    (tmp_path / "b.yaml").write_text(BENCHMARK)
    assert "corner-noise" not in names(environment.mebench(*LIST.split()))
    environment.install("thirdparty_plugin")
    listed, info = environment.together(LIST, "info corner-noise --json")
    assert "corner-noise" in names(listed)

    (known,) = printed(info)
    assert known["from"] == "mebench-corner-noise 1.2.3"
    assert [parameter["name"] for parameter in known["parameters"]] == ["batch_size", "learning_rate", "white"]

    done = environment.mebench("run", "b.yaml", "--out", "results", "--workers", "0", "--json")
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout)["rows"] if row["attack"] == "corner-noise"]
    assert {row["variant"] for row in rows} == {"default", "white=0.25"}
    assert all(row["status"] == "finished" and row["queries"] == 300 for row in rows)
    assert all(0 <= row["accuracy"] <= 1 for row in rows)

    environment.uninstall("mebench-corner-noise")
    listed, done, kept = environment.together(LIST, PLAN, "leaderboard results --format json")
    assert "corner-noise" not in names(listed)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "b.yaml:17:22: profiles.quick.runs[0].attacks[0].attack: unknown attack 'corner-noise'"
    )
    assert {row["attack"] for row in json.loads(kept.stdout)["rows"]} >= {"corner-noise"}


@pytest.mark.slow
def test_a_plugin_that_raises_is_shown_and_stops_nothing_else(environment, tmp_path):
    environment.install("broken_plugin")
    (tmp_path / "b.yaml").write_text(BENCHMARK)
    known, listed, shown, refused = environment.together("plugins --json", LIST, "plugins", PLAN)
    plugins = {plugin["name"]: plugin for plugin in printed(known)}
    broken = plugins.pop("broken")
    assert (broken["loaded"], broken["distribution"], broken["version"]) == (False, "mebench-broken", "0.0.1")
    assert broken["error"] == "ImportError: libimaginary.so.7: cannot open shared object file second line"
    assert "mebench_broken.py" in broken["details"]
    assert all(plugin["loaded"] for plugin in plugins.values())
    assert "megex" in names(listed)

    assert "mebench-broken 0.0.1" in shown.stdout
    assert "libimaginary" in shown.stdout
    assert "Traceback" not in shown.stdout

    assert refused.returncode == 2
    assert "unknown attack 'corner-noise'" in refused.stderr
    assert "(broken of mebench-broken 0.0.1 did not load: see `mebench plugins`)" in refused.stderr

    (tmp_path / "b.yaml").write_text(BENCHMARK.replace("corner-noise, channel: label", "noise, channel: probability"))
    done = environment.mebench("plan", "b.yaml", "--set", "runs.*.attacks.1={attack: random-generator, channel: vg}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_two_plugins_with_one_name_are_an_error_that_names_both_where_it_is_needed(environment, tmp_path):
    environment.install("thirdparty_plugin", "twin_plugin")
    (tmp_path / "b.yaml").write_text(BENCHMARK)
    both = (
        "attack 'corner-noise' is registered twice, by mebench-corner-noise 1.2.3 and by mebench-twin 4.5.6:"
        " uninstall one"
    )
    known, listed, done = environment.together("plugins --json", LIST, PLAN)
    plugins = {plugin["name"]: plugin for plugin in printed(known)}
    assert plugins["twin"]["error"] == both
    assert "megex" in names(listed)
    assert done.returncode == 2
    assert both in done.stderr
