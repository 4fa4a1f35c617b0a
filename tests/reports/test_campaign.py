"""The page of a campaign: a difference is bold where its interval excludes zero, and only there."""

import json
import re

from iris_reports.campaign import _make_cell, render_campaign

PLACE = {"metric": "dark.residual", "algorithm": "ramp_mean", "family": "dark", "setting": "chain", "condition": "all"}


def differ(low, high):
    change = (low + high) / 2
    return {**PLACE, "unit": "1", "before": 1.0, "after": 1.0 + change, "change": change, "low": low, "high": high}


def test_a_difference_is_certain_where_its_interval_excludes_zero():
    certain = [_make_cell(differ(*ends))["certain"] for ends in ((0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3), (0.0, 0.3))]
    assert certain == [True, True, False, False]
    assert not _make_cell({**differ(0.1, 0.3), "low": None, "high": None})["certain"]


def test_the_page_prints_only_certain_differences_bold(tmp_path):
    rows = [{**differ(0.1, 0.3), "condition": "sure"}, {**differ(-0.1, 0.3), "condition": "open"}]
    variants = [{"name": name, "change": {}, "run": name, "rows": rows} for name in ("everything", "without")]
    content = {"schema": "iris-testbed/campaign-result/1", "name": "c", "title": "T", "variants": variants}
    (tmp_path / "campaign.json").write_text(json.dumps(content), "utf-8")
    page = render_campaign(tmp_path).read_text("utf-8")
    bold = re.findall(r"<td>(\w+)</td><td class=\"num\">[^<]*</td><td class=\"num keep\">(<strong>)?", page)
    assert bold == [("sure", "<strong>"), ("open", "")]
