"""Search for snowballs, hits that flood a disc of pixels: one file per method, behind one protocol.

`SNOWBALL_FINDERS` maps names to methods; installed packages add theirs through the entry-point group
`iris_testbed.snowball`. To add one here: write its file with a function of the same name that follows
`SnowballFinder`, and add the name to `plugins.BUILT_IN`.
"""

from iris_reduction.snowball.plugins import SNOWBALL_FAMILY, SNOWBALL_FINDERS, load_snowball_finders
from iris_reduction.snowball.protocol import Patch, SnowballFinder

__all__ = ["SNOWBALL_FAMILY", "SNOWBALL_FINDERS", "Patch", "SnowballFinder", "load_snowball_finders"]
