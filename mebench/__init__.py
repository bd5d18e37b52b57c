"""mebench: compare model-extraction attacks on the same victim, channel and enforced query budget.

From Python, `plan`, `run` and `results` do what the commands of these names do.

What is promised to plugins, under `API_VERSION`: the names of this package, of `mebench.toolkit` (what attacks are made
of) and of `mebench.testing` (the conformance kit), and nothing else. ``import mebench`` never imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.api.lazy import lazy_names
from mebench.api.old_names import forward_old_names
from mebench.api.version import VERSION

if TYPE_CHECKING:  # the same names as below, for type checkers; a test compares them
    from mebench.api.contract import Attack as Attack
    from mebench.api.contract import AttackContext as AttackContext
    from mebench.api.contract import Explanation as Explanation
    from mebench.api.contract import GradientStep as GradientStep
    from mebench.api.contract import InputSpec as InputSpec
    from mebench.api.contract import Learner as Learner
    from mebench.api.contract import Oracle as Oracle
    from mebench.api.contract import Pool as Pool
    from mebench.api.contract import Purpose as Purpose
    from mebench.api.contract import QueryStrategy as QueryStrategy
    from mebench.api.contract import Response as Response
    from mebench.api.contract import ResponseChannel as ResponseChannel
    from mebench.api.contract import Victim as Victim
    from mebench.api.defence import AnswerDefence as AnswerDefence
    from mebench.api.defence import ClientWatch as ClientWatch
    from mebench.api.defence import Detector as Detector
    from mebench.api.defence import ExplanationDefence as ExplanationDefence
    from mebench.api.defence import InputDefence as InputDefence
    from mebench.api.defence import OwnersContext as OwnersContext
    from mebench.api.defence import OwnersData as OwnersData
    from mebench.api.defence import Recovery as Recovery
    from mebench.api.defence import RecoveryContext as RecoveryContext
    from mebench.api.errors import BudgetExceededError as BudgetExceededError
    from mebench.api.errors import ConfigurationError as ConfigurationError
    from mebench.api.errors import InvalidQueryError as InvalidQueryError
    from mebench.api.errors import MebenchError as MebenchError
    from mebench.api.random_streams import RandomStreams as RandomStreams
    from mebench.api.run_events import EvaluationPoint as EvaluationPoint
    from mebench.api.run_events import LoggedRun as LoggedRun
    from mebench.api.run_events import LoggedTrial as LoggedTrial
    from mebench.api.run_events import RunEnd as RunEnd
    from mebench.api.run_events import RunLogger as RunLogger
    from mebench.api.run_events import TrialEnd as TrialEnd
    from mebench.api.version import API_VERSION as API_VERSION
    from mebench.data.dataset import Dataset as Dataset
    from mebench.data.text.dataset import TextDataset as TextDataset
    from mebench.data.text.words import Lexicon as Lexicon
    from mebench.data.text.words import word_list as word_list
    from mebench.oracle.ledger import QueryLedger as QueryLedger
    from mebench.registry.card import MetricCard as MetricCard
    from mebench.registry.defence_entries import DefenceEntry as DefenceEntry
    from mebench.registry.defence_entries import DetectorEntry as DetectorEntry
    from mebench.registry.defence_entries import RecoveryEntry as RecoveryEntry
    from mebench.registry.entries import AttackEntry as AttackEntry
    from mebench.registry.entries import ChannelEntry as ChannelEntry
    from mebench.registry.entries import DatasetEntry as DatasetEntry
    from mebench.registry.entries import LearnerEntry as LearnerEntry
    from mebench.registry.entries import LoggerEntry as LoggerEntry
    from mebench.registry.entries import MetricEntry as MetricEntry
    from mebench.registry.entries import MetricOutput as MetricOutput
    from mebench.registry.entries import NetworkEntry as NetworkEntry
    from mebench.registry.entries import ReportEntry as ReportEntry
    from mebench.registry.entries import StrategyEntry as StrategyEntry
    from mebench.registry.entries import VictimEntry as VictimEntry
    from mebench.registry.hooks import hookimpl as hookimpl
    from mebench.registry.parameter import Param as Param
    from mebench.registry.parameter import Parameter as Parameter
    from mebench.registry.parameter import Range as Range
    from mebench.report.notebook.comparison import ComparisonView as ComparisonView
    from mebench.report.notebook.picture import Picture as Picture
    from mebench.report.notebook.plan import PlanView as PlanView
    from mebench.report.notebook.plan import plan as plan
    from mebench.report.notebook.results import ResultsView as ResultsView
    from mebench.report.notebook.results import results as results
    from mebench.report.notebook.run import run as run
    from mebench.report.page import Results as Results
    from mebench.report.page import render_report as render_report
    from mebench.results.leaderboard import build_leaderboard as build_leaderboard
    from mebench.toolkit.learners.fit import FitLearner as FitLearner
    from mebench.toolkit.learners.online import OnlineLearner as OnlineLearner
    from mebench.toolkit.learners.online import StepLearner as StepLearner
    from mebench.toolkit.losses import KLLoss as KLLoss
    from mebench.toolkit.losses import L1LogitLoss as L1LogitLoss
    from mebench.toolkit.losses import make_loss as make_loss
    from mebench.trial.metrics.evidence import Evidence as Evidence
    from mebench.trial.metrics.evidence import NetworkEvidence as NetworkEvidence

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "mebench.api.contract": [
            "Attack",
            "AttackContext",
            "Explanation",
            "GradientStep",
            "InputSpec",
            "Learner",
            "Oracle",
            "Pool",
            "Purpose",
            "QueryStrategy",
            "Response",
            "ResponseChannel",
            "Victim",
        ],
        "mebench.api.defence": [
            "AnswerDefence",
            "ClientWatch",
            "Detector",
            "ExplanationDefence",
            "InputDefence",
            "OwnersContext",
            "OwnersData",
            "Recovery",
            "RecoveryContext",
        ],
        "mebench.api.errors": ["BudgetExceededError", "ConfigurationError", "InvalidQueryError", "MebenchError"],
        "mebench.api.random_streams": ["RandomStreams"],
        "mebench.api.run_events": ["EvaluationPoint", "LoggedRun", "LoggedTrial", "RunEnd", "RunLogger", "TrialEnd"],
        "mebench.api.version": ["API_VERSION"],
        "mebench.data.dataset": ["Dataset"],
        "mebench.data.text.dataset": ["TextDataset"],
        "mebench.data.text.words": ["Lexicon", "word_list"],
        "mebench.oracle.ledger": ["QueryLedger"],
        "mebench.registry.card": ["MetricCard"],
        "mebench.registry.defence_entries": ["DefenceEntry", "DetectorEntry", "RecoveryEntry"],
        "mebench.registry.entries": [
            "AttackEntry",
            "ChannelEntry",
            "DatasetEntry",
            "LearnerEntry",
            "LoggerEntry",
            "MetricEntry",
            "MetricOutput",
            "NetworkEntry",
            "ReportEntry",
            "StrategyEntry",
            "VictimEntry",
        ],
        "mebench.registry.hooks": ["hookimpl"],
        "mebench.registry.parameter": ["Param", "Parameter", "Range"],
        "mebench.report.notebook.comparison": ["ComparisonView"],
        "mebench.report.notebook.picture": ["Picture"],
        "mebench.report.notebook.plan": ["PlanView"],
        "mebench.report.notebook.results": ["ResultsView"],
        "mebench.report.page": ["Results", "render_report"],
        "mebench.results.leaderboard": ["build_leaderboard"],
        "mebench.toolkit.learners.fit": ["FitLearner"],
        "mebench.toolkit.learners.online": ["OnlineLearner", "StepLearner"],
        "mebench.toolkit.losses": ["KLLoss", "L1LogitLoss", "make_loss"],
        "mebench.trial.metrics.evidence": ["Evidence", "NetworkEvidence"],
    },
    called=["plan", "results", "run"],
)

__version__ = VERSION
forward_old_names()
