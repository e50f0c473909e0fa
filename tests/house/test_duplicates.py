"""The report of code that is written twice finds copies under other names, and leaves alone what only looks alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "check_duplicates.py"

ONE = '''
def mean_of_squares(values, weights):
    """Docstrings do not count."""
    total, count = 0.0, 0
    for value, weight in zip(values, weights, strict=True):
        if weight > 0 and value == value:
            total += weight * value * value
            count += weight
    spread = [abs(value - total / max(count, 1)) for value in values]
    nearest = min(range(len(spread)), key=spread.__getitem__)
    return total / max(count, 1), nearest, sorted(spread)[len(spread) // 2]
'''


def report(folder):
    done = subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_copy_under_other_names_is_found(tmp_path):
    other = ONE.replace("values", "samples").replace("mean_of_squares", "energy").replace("total", "sum_").replace(
        "Docstrings do not count.", "Another one."
    )  # fmt: skip
    (tmp_path / "a.py").write_text(ONE)
    (tmp_path / "b.py").write_text("import math\n\n\nNUMBER = 3\n" + other)
    code, said = report(tmp_path)
    assert code == 1 and "a.py:4-" in said and "b.py:8-" in said and said.count("written twice") == 1


def test_twin_another_computation_is_another_one(tmp_path):
    (tmp_path / "a.py").write_text(ONE)
    (tmp_path / "b.py").write_text(ONE.replace("value * value", "value").replace("> 0", ">= 1").replace("abs", "float"))
    assert report(tmp_path) == (0, "")
