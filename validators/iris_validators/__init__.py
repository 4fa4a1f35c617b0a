"""Validators: how wrong each algorithm is, with what confidence, against which specification.

Products are compared with truth night by night (`sample_group`), the nights make a measurement with
an interval (`combine`), and the interval is held against a specification (`judge`). `score` does it
for a whole run. This package never imports the simulator or the reduction.
"""

from iris_validators.cramer_rao import rate_bound
from iris_validators.junit import write_junit
from iris_validators.measurement import Measurement, combine
from iris_validators.metric import Metric
from iris_validators.parquet import read_samples, write_samples, write_scorecard_table
from iris_validators.power import Plan, find_power, plan_measured, plan_specification
from iris_validators.ranking import Rank, rank
from iris_validators.sample import Sample, group_samples
from iris_validators.sampling import FAMILY_MODELS, METRICS, sample_group
from iris_validators.score import Failure, RunInfo, score
from iris_validators.specification import Limits, Prediction, Specification, load_specifications
from iris_validators.verdict import Verdict, judge, judge_requirement

__all__ = [
    "FAMILY_MODELS",
    "METRICS",
    "Failure",
    "Limits",
    "Measurement",
    "Metric",
    "Plan",
    "Prediction",
    "Rank",
    "RunInfo",
    "Sample",
    "Specification",
    "Verdict",
    "combine",
    "find_power",
    "group_samples",
    "judge",
    "judge_requirement",
    "load_specifications",
    "plan_measured",
    "plan_specification",
    "rank",
    "rate_bound",
    "read_samples",
    "sample_group",
    "score",
    "write_junit",
    "write_samples",
    "write_scorecard_table",
]
