"""The report of a benchmark: `write` turns rows into one HTML page, pictures and a summary; see docs/report.md.

reading    rows                        curves      means over pictures      comparing   BD-rates and their spread
costs      speed and memory            study       all of it, and answers   crops       pieces at equal rate
page       HTML, from sections, tables, figures and svg                     drawings    PNG        summary   JSON
"""

from __future__ import annotations

from calotype.bench.report.writing import write

__all__ = ["write"]
