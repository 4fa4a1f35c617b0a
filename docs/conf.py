"""Sphinx configuration. Tables and drawings of the contract are written anew at every build."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

project = "iris-testbed"
author = "The iris-testbed developers"
copyright = "2026, The iris-testbed developers"  # noqa: A001 - the name is Sphinx's
release = version = installed_version("iris-testbed")

extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated"]

html_theme = "furo"
html_title = f"iris-testbed {release}"
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    """Write tables and drawings before Sphinx reads the pages that include them."""
    from _drawings import write_drawings
    from _tables import write_tables

    folder = Path(__file__).parent
    app.connect("builder-inited", lambda _: write_tables(folder / "_generated"))
    app.connect("builder-inited", lambda _: write_drawings(folder / "images"))
