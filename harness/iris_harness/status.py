"""Exit statuses that scripts can rely on.

0 done; 2 usage or input error; 4 any verdict ERROR, always; 1 a FAIL and 3 an INCONCLUSIVE or
NOT_MEASURED, both only when strict; 130 interrupted (by the user, or because the system killed a
worker): the same command goes on. Where several apply: 2, 4, 1, 3.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["DONE", "FAILED", "INTERRUPTED", "UNDECIDED", "USAGE", "VERDICT_ERROR", "find_status"]

DONE, FAILED, USAGE, UNDECIDED, VERDICT_ERROR, INTERRUPTED = 0, 1, 2, 3, 4, 130


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
