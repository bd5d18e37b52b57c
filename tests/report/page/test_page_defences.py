"""The section of a page that puts attackers against defences."""

from __future__ import annotations

import json

from make_results import make_spec, make_trial

from mebench.api.spec import Component
from mebench.report.page import render_report

MIXING = Component("mixing", {"share": 0.5})
ARGMAX = Component("argmax", {})


def page_of(root) -> str:
    return render_report([root])[0]


def test_attackers_and_defences_stand_on_the_page_as_a_table_and_a_picture(tmp_path):
    root = tmp_path / "results"
    for seed, accuracy in enumerate((0.6, 0.62)):
        make_trial(root, make_spec("pool", "default", seed), accuracy + 0.1)
        make_trial(root, make_spec("pool", "default", seed, defences=(MIXING,)), accuracy - 0.1)
        recovered = make_spec("pool", "argmax", seed, defences=(MIXING,), recoveries=(ARGMAX,))
        make_trial(root, recovered, accuracy)
    page = page_of(root)
    section = page.partition('id="defences"')[2].partition("</section>")[0]
    assert "probability, mixing(share=0.5)" in section
    assert "Adaptive gap" in section
    assert "data:image/png;base64," in section
    assert ">argmax</th>" in section
    assert "+10.0" in section  # what argmax adds to the naive attacker


def test_a_page_of_results_without_links_has_no_such_section(tmp_path):
    root = tmp_path / "results"
    for seed in range(2):
        make_trial(root, make_spec("pool", "default", seed), 0.7)
    assert 'id="defences"' not in page_of(root)


def test_the_hypervolume_of_operating_points_stands_below_the_matrix(tmp_path):
    root = tmp_path / "results"
    for seed in range(2):
        make_trial(root, make_spec("pool", "default", seed), 0.8)
        path = make_trial(root, make_spec("pool", "default", seed, defences=(MIXING,)), 0.6).path / "result.json"
        told = json.loads(path.read_text())
        told["metrics"]["benign_l1"] = 0.5
        path.write_text(json.dumps(told))
    section = page_of(root).partition('id="defences"')[2].partition("</section>")[0]
    assert "Hypervolume</th>" in section
    assert ">0.300</td>" in section  # (2 - 0.5) by the 0.2 that the attacker loses
