"""From trials to cells, intervals, coverage and one verdict. Pure; what is counted is the caller's business."""

from runner_env.scoring.cells import Cell, CellKey, ScoredTrial, cells_of
from runner_env.scoring.intervals import Interval, wilson
from runner_env.scoring.paired import PairedTest, mcnemar, mcnemar_of
from runner_env.scoring.repeats import pass_at_k, pass_hat_k
from runner_env.scoring.suite import SuiteScore, score_suite

__all__ = [
    "Cell",
    "CellKey",
    "Interval",
    "PairedTest",
    "ScoredTrial",
    "SuiteScore",
    "cells_of",
    "mcnemar",
    "mcnemar_of",
    "pass_at_k",
    "pass_hat_k",
    "score_suite",
    "wilson",
]
