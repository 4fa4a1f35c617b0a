"""Tables in a pipe and on a terminal: nothing is broken inside a word, nothing is markup."""

from hypothesis import given
from hypothesis import strategies as st

from iris_harness.tables import format_table

ROW = {"name": "quick", "what_it_is": "words " * 30, "file": "/a/very/long/path-with-hyphens/" + "x" * 60}


def test_pipe_gets_one_line_per_row():
    head, line = format_table([ROW])
    assert head.split() == ["name", "what", "it", "is", "file"]
    assert line.startswith("quick  words words")
    assert line.endswith("x" * 60)


def test_terminal_folds_at_blanks_only():
    lines = format_table([ROW], 80)
    assert len(lines) > 10
    assert sum(ROW["file"] in line for line in lines) == 1
    assert max(map(len, format_table([ROW | {"file": "/short"}], 80))) <= 80


def test_what_others_wrote_is_printed_as_it_is():
    text = "\n".join(format_table([{"name": "my_package.nothing:x:", "state": "[bold]no\nmodule[/] \x1b[2J"}]))
    assert text.splitlines()[1] == "my_package.nothing:x:  [bold]no module[/] ?[2J"


def test_nothing_is_a_dash():
    (_, line) = format_table([{"a": None, "b": "", "c": [], "d": ["x", 1], "e": 0}])
    assert line.split() == ["-", "-", "-", "x,", "1", "0"]
    assert format_table([]) == []


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1), st.integers(1, 100))
def test_no_word_is_lost_or_broken(cells, width):
    rows = [{"one": a, "two": b} for a, b in cells]
    wide, folded = format_table(rows), format_table(rows, width)
    assert sorted(" ".join(wide).split()) == sorted(" ".join(folded).split())
    assert len(wide) == len(rows) + 1
