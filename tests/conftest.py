"""What all tests share: Hypothesis without deadlines (machines are busy), and the same examples on every CI run."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("calotype", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("calotype")
