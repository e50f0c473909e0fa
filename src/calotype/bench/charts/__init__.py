"""Charts of the open problems: stripes in flat regions and aliasing, measured for any codec (docs/charts.md).

make, draw            the charts                        drawing.py, lettering.py
striped_region        stripes in the error of a flat    stripes.py
aliasing_ratio_db, directions   alias and false directions   aliasing.py
find_level            the level near a rate             levels.py
evaluate, report_rows a codec over all charts           evaluation.py
"""

from __future__ import annotations

from calotype.bench.charts.aliasing import Directions, aliasing_ratio_db, directions
from calotype.bench.charts.drawing import NAMES, Chart, draw, make
from calotype.bench.charts.evaluation import evaluate, report_rows
from calotype.bench.charts.levels import find_level
from calotype.bench.charts.stripes import StripedRegion, flat_windows, striped_region

__all__ = [
    "NAMES",
    "Chart",
    "Directions",
    "StripedRegion",
    "aliasing_ratio_db",
    "directions",
    "draw",
    "evaluate",
    "find_level",
    "flat_windows",
    "make",
    "report_rows",
    "striped_region",
]
