"""Rows as a plain table: what is read from files or plug-ins is printed as it is, never as markup.

In a pipe columns are as wide as their longest cell. On a terminal cells are folded at blanks, the
widest column first; a word is never broken, so that paths can be copied, even where the table then
is wider than the terminal. Not modelled: letters that take two columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

__all__ = ["format_table"]

GAP = "  "


def format_table(rows: Sequence[Mapping[str, Any]], width: int | None = None) -> list[str]:
    """Return the lines of a table, the keys as its first; `width` is that of the terminal, None for a pipe."""
    cells = [[key.replace("_", " ") for key in (rows[0] if rows else ())]]
    cells += [[_print(value) for value in row.values()] for row in rows]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    if width is not None:
        least = [max(len(word) for cell in column for word in cell.split(" ")) for column in columns]
        widths = _shrink(widths, least, width - len(GAP) * (len(widths) - 1))
    lines = []
    for row in cells:
        folded = [_fold(cell, size) for cell, size in zip(row, widths, strict=True)]
        lines += [_pad(parts, widths) for parts in zip_longest(*folded, fillvalue="")]
    return lines


def _pad(parts: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(part.ljust(size) for part, size in zip(parts, widths, strict=True)).rstrip()


def _shrink(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Take from the widest columns until all fit into `room`, from none more than its longest word allows."""
    widths = list(widths)
    while sum(widths) > room:
        able = [number for number, size in enumerate(widths) if size > least[number]]
        if not able:
            break
        widths[max(able, key=lambda number: widths[number])] -= 1
    return widths


def _fold(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _print(value: Any) -> str:
    """One line of printable characters; a dash for nothing."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split())) or "-"
