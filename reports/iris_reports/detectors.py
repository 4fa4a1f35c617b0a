"""Which detector a figure is of: said only in reports of runs that have several."""

from __future__ import annotations

from collections.abc import Iterable

from iris_contract.instrument import DETECTORS
from iris_reports.wording import word_setting

__all__ = ["name_place", "order_detectors", "tell_apart", "word_place"]


def order_detectors(names: Iterable[str]) -> list[str]:
    """Return the different names in the contract's order, with what it does not know at the end."""
    return sorted(set(names), key=lambda name: (DETECTORS.index(name) if name in DETECTORS else len(DETECTORS), name))


def tell_apart(names: Iterable[object]) -> bool:
    """Tell whether there are several different ones."""
    return len(set(names)) > 1


def name_place(setting: str, detector: str) -> str:
    """Return setting and detector as a table names them; either may be empty.

    >>> name_place("chain", "IFU"), name_place("chain", "")
    ('chain, IFU', 'chain')
    """
    return ", ".join(part for part in (setting or "any", detector) if part)


def word_place(setting: str, detector: str) -> str:
    """Return setting and detector as they stand in a sentence.

    >>> word_place("chain", "IFU")
    'in the chain, IFU'
    """
    return ", ".join(part for part in (word_setting(setting), detector) if part)
