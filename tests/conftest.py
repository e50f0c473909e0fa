"""What all tests share: Hypothesis without deadlines, since machines are busy, and the same examples on every run of CI."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("calotype", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("calotype")
