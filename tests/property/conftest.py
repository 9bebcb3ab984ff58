"""How hard the laws are tried: a little on every run, a lot with ``HYPOTHESIS_PROFILE=nightly``."""

import os

from hypothesis import HealthCheck, settings

# A shared machine is slow at times; that is not a fault of the code under test.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", patient, max_examples=40)
settings.register_profile("nightly", patient, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
