"""One hypothesis profile for all tests: no deadlines, since tests share the machine's cores."""

import os

from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
