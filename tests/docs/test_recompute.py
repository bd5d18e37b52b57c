"""Pages say what committed rows say: docs/recompute.py holds them against each other."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from statistics import fmean

import pytest
from scipy import stats

from mebench.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE1, TABLE6, MEGA, DEFENCES = (
    f"results/{name}"
    for name in ("megex-table1/quick", "activethief-table6/cpu-hour", "mega/cpu-hour", "defences/cpu-hour")
)
SAME_KIND = "*pool fashion-mnist*"
LINE = f"*modelguard-w(l1=1.0)* @ {SAME_KIND}"
PAGE = "# Numbers\n\nMEGEX gets\n66.4 ± 6.0 % here.\n"
CLAIM = f"- page: README.md\n  rows: {TABLE1}\n  says: ['MEGEX gets {{megex/l1}} % here.']\n"


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("recompute")


@pytest.fixture(scope="module")
def expressions(tool):
    return importlib.import_module("expressions")


@pytest.fixture(scope="module")
def claims(tool):
    return importlib.import_module("claims")


@pytest.fixture
def page(tool, tmp_path, monkeypatch):
    """Makes a repository of one page with these claims, beside the committed rows."""
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "CLAIMS", tmp_path / "docs" / "numbers")
    (tmp_path / "docs" / "numbers").mkdir(parents=True)
    (tmp_path / "docs" / "pictures").mkdir()
    (tmp_path / "results").symlink_to(ROOT / "results")
    tool.board.cache_clear()

    def page(text, said=CLAIM, pictures="[]"):
        (tmp_path / "README.md").write_text(text, encoding="utf-8")
        (tmp_path / "docs" / "numbers" / "one.yaml").write_text(said, encoding="utf-8")
        (tmp_path / "docs" / "numbers" / "pictures.yaml").write_text(pictures, encoding="utf-8")
        return tmp_path / "README.md"

    yield page
    tool.board.cache_clear()


@pytest.fixture(scope="module")
def value(tool, expressions):
    return lambda expression, rows=TABLE1: expressions.value(expression, tool.board(rows))


def seeds(tool, where, attack, **wanted):
    (row,) = [
        row
        for row in tool.board(where)
        if row.attack == attack and all(getattr(row, key) == one for key, one in wanted.items())
    ]
    return [one.accuracy for one in row.per_seed]


def test_every_page_says_what_the_committed_rows_say(tool):
    assert tool.problems() == []


def test_a_page_that_says_what_rows_say_has_no_problem(tool, page):
    page(PAGE)
    assert tool.problems() == []


def test_a_wrong_digit_is_named_with_its_line_and_with_the_digit_of_the_rows(tool, page):
    page(PAGE.replace("66.4", "66.9"))
    (problem,) = tool.problems()
    assert problem == f"README.md:4: megex/l1: the page has 66.9 ± 6.0, {TABLE1} have 66.4 ± 6.0"


def test_writing_mends_the_number_and_leaves_the_rest(tool, page):
    file = page(PAGE.replace("± 6.0", "± 5.0"))
    assert tool.problems(write=True)
    assert file.read_text(encoding="utf-8") == PAGE
    assert tool.problems() == []


@pytest.mark.parametrize("more", ["Another is 12.3 ± 4.5 points.", "| dast | 15.6, 12.8, 18.8 |"])
def test_a_result_that_no_claim_covers_is_named_with_its_line(tool, page, more):
    page(f"{PAGE}\n{more}\n")
    (problem,) = tool.problems()
    assert problem.startswith("README.md:6: ")
    assert "is in no claim of docs/numbers" in problem


@pytest.mark.parametrize("quiet", ["`12.3 ± 4.5`", "```\n12.3 ± 4.5\n```", "versions 2.10, 2.11", "sections 5.2, 6.2"])
def test_code_and_other_lists_are_no_results(tool, page, quiet):
    page(f"{PAGE}\n{quiet}\n")
    assert tool.problems() == []


def test_a_sentence_from_elsewhere_covers_its_numbers_and_says_why(tool, page):
    said = CLAIM + "  elsewhere: [{says: 'once 12.3 ± 4.5', why: older rows}]\n"
    page(f"{PAGE}\nIt was once\n12.3 ± 4.5.\n", said)
    assert tool.problems() == []
    page(PAGE, said)
    assert tool.problems() == ["README.md: no sentence like: once 12.3 ± 4.5"]


def test_an_elsewhere_without_a_reason_is_refused(tool, page):
    page(PAGE, CLAIM + "  elsewhere: [{says: 'once 12.3 ± 4.5'}]\n")
    with pytest.raises(TypeError, match="why"):
        tool.problems()


def test_a_mark_covers_the_block_below_it_and_no_more(tool, page):
    table = "| a |\n|---|\n| 1.0 ± 2.0 |\n"
    page(f"{PAGE}\n<!-- not from committed rows: a development victim -->\n\n{table}\nand 3.0 ± 4.0.\n")
    (problem,) = tool.problems()
    assert problem.startswith("README.md:12: 3.0 ± 4.0")


def test_a_mark_that_begins_a_section_covers_all_of_it(tool, page):
    page(f"{PAGE}\n## A\n\n<!-- not from committed rows: a study -->\n\n1.0 ± 2.0\n\n3.0 ± 4.0\n\n## B\n\n5.0 ± 6.0\n")
    (problem,) = tool.problems()
    assert problem.startswith("README.md:16: 5.0 ± 6.0")


def test_a_mark_without_a_reason_covers_nothing(tool, page):
    page(f"{PAGE}\n<!-- not from committed rows -->\n\n1.0 ± 2.0\n")
    assert len(tool.problems()) == 1


@pytest.mark.parametrize("times", [0, 2])
def test_a_claim_is_of_one_sentence(tool, page, times):
    page("MEGEX gets 66.4 ± 6.0 % here.\n\n" * times)
    assert f"{times} sentences like: MEGEX gets" in tool.problems()[0]


def test_a_claim_under_a_heading_is_of_the_sentence_there(tool, page):
    text = "## A\n\nMEGEX gets 1.0 ± 2.0 % here.\n\n## B\n\nMEGEX gets 66.4 ± 6.0 % here.\n"
    page(text, CLAIM + "  under: B\n")
    (problem,) = tool.problems()
    assert problem.startswith("README.md:3: 1.0 ± 2.0 is in no claim")


MADE = f"# Matrix\n\n<!-- made by: mebench matrix {DEFENCES} -->\n\nstale: 1.0 ± 2.0\n\n<!-- to here -->\n\nend\n"


def test_a_table_that_a_command_makes_is_made_anew_and_named_where_it_was_otherwise(tool, page):
    file = page(MADE, "[]")
    (problem,) = tool.problems(write=True)
    assert problem == f"README.md:3: not what `mebench matrix {DEFENCES}` makes now"
    text = file.read_text()
    assert text.startswith("# Matrix\n\n<!-- made by")
    assert text.endswith("<!-- to here -->\n\nend\n")
    assert "| probability, modelguard-w" in text
    assert "stale" not in text
    assert not tool.problems()
    file.write_text(text.replace(" ± ", " ± 9", 1))
    assert len(tool.problems()) == 1


def test_a_table_whose_command_fails_is_a_problem_and_stays(tool, page, capsys):
    file = page(MADE.replace(DEFENCES, "results/none"), "[]")
    assert tool.problems(write=True) == ["README.md:3: `mebench matrix results/none` fails"]
    assert "stale" in file.read_text()


def test_a_claim_of_a_page_that_is_not_there_is_a_problem(tool, page):
    page(PAGE, CLAIM + CLAIM.replace("README", "READYOU"))
    assert tool.problems() == ["READYOU.md: no such page"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("megex/l2", "no row"),
        ("megex", "several rows: megex/"),
        ("megex/l1 #9", "no seed 9"),
        ("megex/l1 : colour", "no colour"),
        ("megex/l1 - dfme/l1 - noise", "one difference at most"),
        ("most of megex/l1", "there is no 'most'"),
        ("p of megex/l1 - dfme/l1", "rows do not tell"),  # one has explanations, the other has none
        ("worst of labels", "0 lines"),
    ],
)
def test_what_rows_do_not_tell_is_said(tool, page, expression, said):
    page(PAGE, CLAIM.replace("megex/l1", expression))
    assert said in tool.problems()[0]


def test_a_folder_without_rows_is_a_problem(tool, page):
    page(PAGE, CLAIM.replace("megex-table1", "megex-table9"))
    assert "results/megex-table9/quick" in tool.problems()[0]


def test_one_template_is_a_sentence_for_each_row(tool, page):
    said = f"- page: README.md\n  rows: {TABLE1}\n  each: [[L1, l1], [KL, kl]]\n  says: ['<1> is {{megex/<2>}}']\n"
    page("L1 is 66.4 and KL is 68.6\n", said)
    assert tool.problems() == [f"README.md:1: megex/kl: the page has 68.6, {TABLE1} have 68.5"]
    page(
        "l1: 66.4, kl: 68.5\n",
        said.replace("[[L1, l1], [KL, kl]]", "[l1, kl]").replace("<1> is", "<>:").replace("<2>", "<>"),
    )
    assert tool.problems() == []


def test_a_row_is_its_mean_its_interval_and_its_seeds(tool, value):
    found, accuracies = value("megex/l1"), seeds(tool, TABLE1, "megex", variant="l1")
    assert found.mean == pytest.approx(100 * fmean(accuracies))
    assert found.seeds == pytest.approx([100 * one for one in accuracies])
    assert found.half == pytest.approx(100 * stats.sem(accuracies) * stats.t.ppf(0.975, len(accuracies) - 1))
    assert value("megex/l1 #1").mean == pytest.approx(found.seeds[1])
    assert value("highest of megex/l1").mean == max(found.seeds)
    assert value("spread of megex/l1").mean == max(found.seeds) - min(found.seeds)
    assert value("megex/l1 - 60").half == found.half
    assert value("60 - megex/l1").mean == pytest.approx(60 - found.mean)
    assert value("megex/l1 : auc").mean < 1, "the card says that it is no percentage"


def test_a_difference_is_the_paired_t_interval_of_scipy(tool, value):
    ours, theirs = (seeds(tool, TABLE1, attack, variant="l1") for attack in ("megex", "dfme"))
    found, reference = value("megex/l1 - dfme/l1"), stats.ttest_rel(ours, theirs)
    low, high = reference.confidence_interval(0.95)
    assert found.mean == pytest.approx(50 * (low + high))
    assert found.half == pytest.approx(50 * (high - low))
    assert found.seeds == pytest.approx([100 * (one - other) for one, other in zip(ours, theirs, strict=True)])


def test_a_difference_is_never_surer_than_the_test_set(value):
    found = value("activethief/k-center/*/*/2000 - activethief/random/*/*/2000/*100d) : fidelity", TABLE6)
    assert found.half > stats.sem(found.seeds) * stats.t.ppf(0.975, 2)


def test_p_is_corrected_over_the_rows_that_are_ranked_together(tool, value):
    together = [row for row in tool.board(MEGA) if row.victim == "mnist10k-cnn4" and row.channel == "label"]
    pairs = {}
    for one, other in itertools.combinations(together, 2):
        accuracies = ([seed.accuracy for seed in row.per_seed] for row in (one, other))
        pairs[one.name, other.name] = stats.ttest_rel(*accuracies).pvalue
    ordered = sorted(pairs.values())
    steps = [min(1.0, p * (len(ordered) - index)) for index, p in enumerate(ordered)]
    holm = list(itertools.accumulate(steps, max))
    wanted = holm[ordered.index(pairs["mega restarted", "mega untrained"])]
    label = "mnist*/label"
    assert value(f"p of mega/restarted/{label} - mega/untrained/{label}", MEGA).mean == pytest.approx(wanted)


def test_over_several_victims_a_mean_and_its_interval_are_of_victims(tool, value):
    rows = [row for row in tool.board(DEFENCES) if (row.attack, row.variant) == ("random-pool+fit", "pool")]
    mine = [row for row in rows if row.channel == "label" and row.pool.startswith("fashion-mnist")]
    fidelities = [100 * fmean(one.fidelity for one in row.per_seed) for row in mine]
    found = value("random-pool+fit/pool/*/label/*/*/fashion* : fidelity", DEFENCES)
    assert len(fidelities) >= 3
    assert found.mean == pytest.approx(fmean(fidelities))
    assert found.half == pytest.approx(stats.sem(fidelities) * stats.t.ppf(0.975, len(fidelities) - 1))
    assert value(f"worst of label @ {SAME_KIND}", DEFENCES).mean == pytest.approx(found.mean), "one attacker is there"


def test_lines_of_the_matrix_are_told_as_the_matrix_has_them(value):
    worst, naive = (value(f"{one} of {LINE}", DEFENCES) for one in ("worst", "naive"))
    labels = value(f"worst of label @ {SAME_KIND}", DEFENCES)
    assert value(f"gap of {LINE}", DEFENCES).mean == pytest.approx(worst.mean - naive.mean)
    assert value(f"above-labels of {LINE}", DEFENCES).mean == pytest.approx(worst.mean - labels.mean)
    assert value(f"below-labels of {LINE}", DEFENCES).mean == pytest.approx(labels.mean - worst.mean)
    assert value(f"cost of {LINE} : flips", DEFENCES).mean == 0


def test_what_seeds_can_find_is_what_the_command_says(value, expressions, repository, capsys):
    rows = "results/activethief-table3/cpu-hour"
    assert main(["leaderboard", str(repository / rows), "--pairs", "--format", "md"]) == 0
    said = next(line for line in capsys.readouterr().out.splitlines() if "find a difference" in line)
    found = value("found of activethief/random/*/*/1000", rows).mean
    needed = value("needed of activethief/random/*/*/1000", rows).mean
    assert f"find a difference of {found:.1f} points in four cases of five; 2 points take {needed:.0f}." in said
    with pytest.raises(expressions.ClaimError, match="do not tell"):
        value("found of full-pool", rows)


def test_of_several_matrices_the_one_is_meant_whose_context_fits(value, expressions):
    with pytest.raises(expressions.ClaimError, match=r"\d\d lines"):
        value("worst of *", DEFENCES)
    with pytest.raises(expressions.ClaimError, match="0 lines"):
        value("worst of label @ *nobody*", DEFENCES)
    assert value("worst of label @ *pool fashion-mnist*", DEFENCES).mean > 50


@pytest.mark.parametrize(
    ("like", "written"),
    [
        ("1", "2"),
        ("1.0", "1.5"),
        ("+1.0", "+1.5"),
        ("1.0 ± 1.0", "1.5 ± 0.2"),
        ("1.00, 1.00", "1.00, 2.00"),
        ("3.0 and 4.0", "1.0 and 2.0"),
    ],
)
def test_a_number_is_written_as_the_page_writes_it(expressions, like, written):
    assert expressions.as_written(expressions.Found(1.5, 0.25, (1.0, 2.0)), like) == written


def test_large_numbers_have_commas_and_nothing_is_no_negative_zero(expressions):
    assert expressions.as_written(expressions.Found(48000), "6,000") == "48,000"
    assert expressions.as_written(expressions.Found(-0.01), "0.1") == "0.0"


def test_a_picture_that_nothing_speaks_of_is_a_problem(tool, page):
    file = page(PAGE).parent / "docs" / "pictures" / "new.png"
    file.touch()
    assert "docs/pictures/new.png" in tool.problems()[0]
    page(PAGE, pictures="[{picture: docs/pictures/new.png, why: shows data}]")
    assert tool.problems() == []


def test_a_picture_is_checked_by_its_pixels(tool, page):
    from PIL import Image

    block = "[{picture: docs/pictures/a.png, command: 'plot results/x --kind matrix'}]"
    kept = page(PAGE, pictures=block).parent / "docs" / "pictures" / "a.png"
    image = Image.new("RGB", (20, 20), "white")
    calls = []

    def plot(arguments):
        calls.append(arguments)
        image.save(arguments[-1])

    tool.pictures(plot)
    assert calls == [["plot", str(tool.ROOT / "results/x"), "--kind", "matrix", "-o", str(kept)]]
    image.putpixel((3, 3), (240, 240, 240))  # another machine's rounding
    assert tool.pictures(plot, check=True) == []
    image.putpixel((3, 3), (0, 0, 0))
    (problem,) = tool.pictures(plot, check=True)
    assert problem.startswith("docs/pictures/a.png: not what")
    assert Image.open(kept).getpixel((3, 3)) == (255, 255, 255)
