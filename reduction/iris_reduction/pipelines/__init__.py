"""stpipe Pipelines: raw to rate to image, and one per calibration; `run` calls them in process."""

from iris_reduction.pipelines.run import make_reference, run_level1, run_level2

__all__ = ["make_reference", "run_level1", "run_level2"]
