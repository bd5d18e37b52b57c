from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_files import DFME, MEGEX, NOISE, write_benchmark

from mebench.api.errors import ConfigurationError
from mebench.cli import main
from mebench.plan.file import load_benchmark
from mebench.plan.plan import Plan, make_plan
from mebench.plan.shard import Shard


def shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


@pytest.mark.parametrize("trials", [0, 1, 7, 40])
@pytest.mark.parametrize("count", [1, 2, 7, 16, 41])
def test_each_trial_is_in_exactly_one_shard_and_shards_differ_by_one_at_most(trials: int, count: int) -> None:
    ids = [f"attack-{number:03x}" for number in range(trials)]
    parts = [shard.of(ids) for shard in shards(count)]
    assert sorted(name for part in parts for name in part) == ids
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_shard_is_the_same_whatever_the_order_of_the_trials() -> None:
    ids = [f"attack-s{seed}" for seed in range(9)]
    assert Shard(2, 4).of(ids) == Shard(2, 4).of(ids[::-1]) == {"attack-s1", "attack-s5"}


@pytest.mark.parametrize("text", ["3", "3/", "/3", "a/b", "1/2/3", "-1/3", "1.5/3", "3\u0665/4", ""])
def test_what_is_no_shard_is_said_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"must be NUMBER/COUNT, such as 3/16"):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0/16", "shards are numbered from 1 to 16: there is no shard 0"),
        ("17/16", "shards are numbered from 1 to 16: there is no shard 17"),
        ("1/0", "there can be 1 to 100,000 shards, not 0"),
        ("1/100001", "there can be 1 to 100,000 shards, not 100,001"),
    ],
)
def test_a_shard_that_there_cannot_be_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Shard.parse(text)


def test_a_shard_is_written_as_it_is_read() -> None:
    assert str(Shard.parse(" 3/16 ")) == "3/16"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    file = write_benchmark(tmp_path_factory.mktemp("file"), NOISE, DFME, MEGEX, references=["supervised"], seeds=3)
    return make_plan(load_benchmark(file))


def test_all_shards_of_a_plan_say_the_same_of_the_benchmark(plan: Plan) -> None:
    assert [plan.part(shard).metadata() for shard in shards(16)] == [plan.metadata()] * 16


def test_shards_of_a_plan_keep_its_order(plan: Plan) -> None:
    for shard in shards(4):
        kept = shard.of(plan.ids)
        assert list(plan.part(shard).ids) == [name for name in plan.ids if name in kept]


def test_a_plan_shows_a_shard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_benchmark(tmp_path, NOISE, seeds=3)
    assert main(["plan", str(file), "--shard", "2/2", "--out", str(tmp_path / "out")]) == 0
    assert "little, profile quick, shard 2/2 of 3 trials: 1 trial -> " in capsys.readouterr().out
    assert main(["plan", str(file), "--shard", "4/9", "--out", str(tmp_path / "out")]) == 0
    assert "shard 4/9 of 3 trials: 0 trials -> " in capsys.readouterr().out
    assert main(["plan", str(file), "--shard", "3/2"]) == 2
    assert "--shard': shards are numbered from 1 to 2" in capsys.readouterr().err
