"""Many pictures: what is to be done (finding, naming, manifest), who does it (pool, cluster), and the run of it all.

Nothing here talks to people or parses a command line; that is cli/folders.py. One picture is one.py's.
"""

from __future__ import annotations

__all__: list[str] = []
