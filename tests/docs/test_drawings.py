"""The drawings of docs/lenslet.md are those that the contract gives, and well-formed."""

import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MODULE = runpy.run_path(str(DOCS / "_drawings.py"))


@pytest.mark.parametrize("name", MODULE["DRAWINGS"])
def test_committed_drawing_is_fresh_and_says_in_words_what_it_shows(name):
    text = (DOCS / "images" / f"{name}.svg").read_text("utf-8")
    assert text == MODULE["draw_format"](MODULE["DRAWINGS"][name]), "run python docs/_drawings.py"
    root = ElementTree.fromstring(text)
    title, description = (root.findtext(f"{{*}}{tag}") for tag in ("title", "desc"))
    assert title.startswith(MODULE["DRAWINGS"][name].mask)
    assert "px long" in description
    assert f"images/{name}.svg" in (DOCS / "lenslet.md").read_text("utf-8")
