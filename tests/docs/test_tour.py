"""docs/tour.md says what is so: its blocks run, in order, with the packaged model."""

from __future__ import annotations

import re
from pathlib import Path

TOUR = Path(__file__).resolve().parents[2] / "docs" / "tour.md"


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)


def test_every_block_of_the_tour_runs(capsys):
    """All Python blocks, one after the other in one namespace; what they print is looked at once."""
    found = blocks(TOUR.read_text())
    assert len(found) >= 7
    names: dict[str, object] = {}
    for number, block in enumerate(found, 1):
        exec(compile(block, f"docs/tour.md, block {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "bits" in said and "are not the stream" in said
