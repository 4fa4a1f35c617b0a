"""Which raw frames the simulator is judged by."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_harness import reduce
from iris_harness.nights import plan_night
from iris_harness.reduce import list_raw_rows
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import load_scenario


def test_a_dark_frame_lists_the_light_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flat needs nothing; what has been discarded is not listed."""
    tree = yaml.safe_load((Path(__file__).parent / "micro.yaml").read_text("utf-8"))
    flat = next(role for role, entry in tree["exposures"].items() if entry["scene"] == "flat_lamp")
    dark = next(entry for entry in tree["exposures"].values() if entry["scene"] == "blank")
    tree["exposures"] = {flat: tree["exposures"][flat], "after": dark}
    tree["families"] = {"simulator": {"exposures": [flat, "after"], "algorithms": ["simulator"], "settings": ["chain"]}}
    tree["specifications"] = ["simulator.persistence"]
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    scenario, run = load_scenario(path), RunDirectory(tmp_path)

    def describe(run: RunDirectory, product: Path, *place: Any) -> dict[str, Any]:
        *_, role, raw, _ = place
        return {"role": role, "raw": raw}

    monkeypatch.setattr(reduce, "describe_product", describe)
    names = [run.raw("chain", 1, planned.exposure) for planned in plan_night(scenario, 1)]
    lit, after = (run.relative(name) for name in names)
    assert list_raw_rows(run, scenario, 1) == [{"role": flat, "raw": [lit]}, {"role": "after", "raw": [after]}]
    names[0].parent.mkdir(parents=True)
    names[0].touch()
    assert list_raw_rows(run, scenario, 1) == [{"role": flat, "raw": [lit]}, {"role": "after", "raw": [after, lit]}]


def test_afterglow_is_predicted_from_the_exposures_before_and_the_first_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each Step gets what the family's exposures made before it, in order; without a past it is skipped."""
    told = []

    def make(raw: Path, out: Path, family: str, fitter: str, parameters: dict[str, dict[str, Any]]) -> list[Path]:
        told.append(parameters["persistence"])
        return [out / raw.name]

    monkeypatch.setattr("iris_reduction.cache.use_cache", lambda cache: None)
    monkeypatch.setattr(reduce, "_reduce_exposure", make)
    monkeypatch.setattr(reduce, "describe_product", lambda run, product, *place: {"product": product.name})
    items = [(role, f"raw/{role}.fits", "truth") for role in ("steps", "afterglow", "later")]
    parameters = {"persistence": {"skip": False, "method": "model"}}
    outputs, content = reduce.reduce_night(tmp_path, "chain", "persistence", "model", 1, items, parameters)
    assert [row["product"] for row in content["rows"]] == ["afterglow.fits", "later.fits"]
    assert told[0] == {"skip": True, "method": "model"}
    assert [entry["previous"] for entry in told[1:]] == [str(outputs[0]), f"{outputs[0]},{outputs[1]}"]
