"""The files whose tests take the longest, the dearest first, as ``make expense`` finds them.

Each is kept together and begins before all others, those first in which a module shares a cluster or a process.
"""

from __future__ import annotations

DEAREST = (
    "run/test_dask_engine.py",
    "guard/test_hostile_attacks.py",
    "run/test_resume.py",
    "docs/test_docs_first_attack.py",
    "run/test_dask_clusters.py",
    "models/test_compiling.py",
    "registry/test_plugins.py",
    "registry/test_plugin_folders.py",
    "docs/test_docs_site.py",
    "docs/test_notebook.py",
    "run/test_run_command.py",
    "run/test_interrupts.py",
    "run/test_process_engine.py",
    "plan/test_xai_profiles.py",
    "plan/test_paper_profile.py",
    "plugins/test_recoveries.py",
    "plugins/test_no_waiting.py",
    "plugins/test_conformance.py",
    "testing/test_checks_catch.py",
    "plugins/test_part_conformance.py",
    "testing/test_kit.py",
    "trial/test_trial.py",
    "plan/test_text_benchmarks.py",
    "plugins/test_shipped_loggers.py",
    "models/test_prepare_victim.py",
    "data/test_torchvision_compat.py",
    "report/figures/test_label_bars.py",
    "report/notebook/test_run_from_python.py",
    "oracle/test_integrated.py",
    "testing/test_part_checks_catch.py",
)
