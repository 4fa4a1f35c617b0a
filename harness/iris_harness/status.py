"""How a command ends: exit statuses that scripts can rely on, and the summary of verdicts.

0 done; 2 usage or input error; 4 any verdict ERROR, always; 1 a FAIL and 3 an INCONCLUSIVE or
NOT_MEASURED, both only when strict; 1 from `check`, a file violates its layout; 130 interrupted (by the
user, or because the system killed a worker), 129 and 143 ended by SIGHUP and SIGTERM: the same command goes on.
Where several apply: 2, 4, 1, 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from iris_contract.scorecard import VERDICTS, ScoreRow

__all__ = [
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "UNDECIDED",
    "USAGE",
    "VERDICT_ERROR",
    "count_untouched",
    "find_status",
    "summarise",
]

DONE, FAILED, USAGE, UNDECIDED, VERDICT_ERROR, INTERRUPTED = 0, 1, 2, 3, 4, 130
MOST_ERRORS = 5  # lines of a summary that say what broke


def find_status(verdicts: Iterable[str], *, strict: bool) -> int:
    """Return the exit status for a set of verdicts.

    >>> find_status(["PASS", "FAIL"], strict=False), find_status(["PASS", "FAIL"], strict=True)
    (0, 1)
    """
    found = set(verdicts)
    if "ERROR" in found:
        return VERDICT_ERROR
    if strict and "FAIL" in found:
        return FAILED
    if strict and found & {"INCONCLUSIVE", "NOT_MEASURED"}:
        return UNDECIDED
    return DONE


def summarise(rows: Sequence[ScoreRow]) -> str:
    """Return one line that counts verdicts, and one for each of the first errors: whose it is and why."""
    verdicts = [row.verdict for row in rows]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    errors = list(dict.fromkeys(_describe_error(row) for row in rows if row.verdict == "ERROR"))
    lines = [f"{len(rows)} verdict{'s'[: len(rows) != 1]}: {counts}", *errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        lines.append(f"{len(errors) - MOST_ERRORS} more errors: see the scorecard")
    return "\n".join(lines)


def count_untouched(rows: Sequence[ScoreRow], families: Collection[str]) -> list[str]:
    """Return a line that says how many NOT_MEASURED are of other than these `families`; no line where none is."""
    others = [row.family for row in rows if row.verdict == "NOT_MEASURED" and row.family not in families]
    names = ", ".join(dict.fromkeys(others))
    return [f"{len(others)} NOT_MEASURED of families that the manifest does not touch: {names}"] if others else []


def _describe_error(row: ScoreRow) -> str:
    reason = " ".join(row.reason.split())
    return f"ERROR: {row.family} {row.algorithm or '(no algorithm)'}: {reason or 'no reason given'}"
