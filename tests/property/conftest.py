"""How hard the laws are tried: a little on every run, a lot with ``HYPOTHESIS_PROFILE=nightly``."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=40, deadline=None)  # a shared machine is slow at times, not wrong
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
