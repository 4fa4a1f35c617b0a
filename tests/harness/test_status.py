"""Exit statuses are tested with the command line; here the summary of verdicts."""

from dataclasses import fields

from iris_contract.scorecard import ScoreRow
from iris_harness.status import count_untouched, summarise


def make_row(verdict, family="ramp", algorithm="mine", reason=""):
    values = dict.fromkeys((f.name for f in fields(ScoreRow)), None)
    return ScoreRow(**values | {"verdict": verdict, "family": family, "algorithm": algorithm, "reason": reason})


def test_summary_counts_and_says_whose_the_errors_are_and_why():
    rows = [make_row("PASS"), *[make_row("ERROR", reason="[red]no\nmodule :x:")] * 3, make_row("ERROR", algorithm="")]
    assert summarise(rows).splitlines() == [
        "5 verdicts: 1 PASS, 4 ERROR",
        "ERROR: ramp mine: [red]no module :x:",
        "ERROR: ramp (no algorithm): no reason given",
    ]


def test_summary_names_the_first_few_errors_only():
    lines = summarise([make_row("ERROR", reason=str(n)) for n in range(8)]).splitlines()
    assert len(lines) == 1 + 5 + 1
    assert lines[-1] == "3 more errors: see the scorecard"
    assert summarise([make_row("PASS")]) == "1 verdict: 1 PASS"


def test_what_was_not_measured_in_families_without_a_product_is_counted():
    rows = [make_row("NOT_MEASURED", f) for f in ("ramp", "dark", "dark", "jump")] + [make_row("PASS", "flat")]
    (line,) = count_untouched(rows, {"ramp"})
    assert line == "3 NOT_MEASURED of families that the manifest does not touch: dark, jump"
    assert count_untouched(rows, {"ramp", "dark", "jump"}) == []
