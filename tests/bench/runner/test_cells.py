"""Whatever a codec does, its cell becomes a row with figures or with a reason, and the other cells are measured."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest
from tests.bench.runner.conftest import figures, settings
from tests.bench.runner.fakes import BROKEN

from calotype.bench import rows, runner


@pytest.fixture
def one(folder) -> Path:
    """One picture is enough."""
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    return folder


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for has, too."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_broken_codecs_give_rows_with_reasons(one, tmp_path, monkeypatch):
    """Exit, crash, hang, exception, wrong shape, wrong type, a lie about loss: each names itself; a good one is measured."""
    monkeypatch.setenv("CALOTYPE_TEST_PROGRAM", str(tmp_path / "pid"))
    asked = settings(one, tmp_path / "report", *BROKEN, "Plain", limit_s=2)
    outcome = runner.run(asked)
    found = {row["codec"]: row for row in rows.read(asked.report).of_kind("row") if row["error"]}
    assert {name.lower() for name in BROKEN} == set(found) and len(outcome.failed) == len(BROKEN)
    for name, (kind, part) in BROKEN.items():
        error = found[name.lower()]["error"]
        assert error["type"] == kind and part in error["message"], error
        assert found[name.lower()]["bytes"] is None and found[name.lower()]["metrics"] == {}
    assert outcome.measured == len(BROKEN) + 4
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if gone(pid):
            break
        time.sleep(0.05)
    assert gone(pid), "what a hanging codec started is still there"


def test_what_codecs_print_harms_nobody(one, tmp_path):
    outcome = runner.run(settings(one, tmp_path / "report", "Talking"))
    assert (outcome.measured, outcome.failed) == (1, [])


def test_figures_do_not_depend_on_the_number_of_jobs(folder, tmp_path):
    one, two = (settings(folder, tmp_path / f"{jobs}", "Plain", "Exact", jobs=jobs) for jobs in (1, 2))
    runner.run(one)
    runner.run(two)
    assert figures(one.report) == figures(two.report)


def test_a_row_says_what_was_measured(one, tmp_path):
    """Bytes and metrics are those of the codec, called by hand."""
    from tests.bench.runner.fakes import Plain

    from calotype import metrics
    from calotype.bench.pictures import pixels_of

    asked = settings(one, tmp_path / "report", "Plain", dataset="three")
    runner.run(asked)
    pixels, codec = pixels_of(asked.pictures[0]), Plain()
    machines = {row["id"] for row in rows.read(asked.report).of_kind("machine")}
    for row in rows.read(asked.report).of_kind("row"):
        data = codec.encode(pixels, row["level"])
        assert row["bytes"] == len(data) and row["bpp"] == 8 * len(data) / (24 * 40)
        assert row["metrics"]["psnr"] == metrics.psnr(pixels, codec.decode(data))
        assert (row["width_px"], row["height_px"], row["dataset"], row["threads"]) == (24, 40, "three", 1)
        assert row["encode_s"] > 0 and row["decode_s"] > 0 and {row["machine"]} == machines


def test_equal_pictures_have_no_psnr_but_a_reason(one, tmp_path):
    """JSON has no infinity."""
    asked = settings(one, tmp_path / "report", "Exact", metrics=("psnr", "ms-ssim", "max-error"))
    outcome = runner.run(asked)
    (row,) = rows.read(asked.report).of_kind("row")
    assert row["metrics"] == {"psnr": None, "ms-ssim": None, "max-error": 0.0}
    assert row["reasons"]["psnr"] == "inf" and "24x40" in row["reasons"]["ms-ssim"]
    assert [name for name, _ in outcome.lacking] == ["ms-ssim"]


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say")
def test_peak_memory_is_that_of_the_step(one, tmp_path):
    """64 MiB to encode, 32 to decode, whatever else the process holds; and little for a codec that needs little."""
    asked = settings(one, tmp_path / "report", "Hungry", "Few")
    runner.run(asked)
    found = {row["codec"]: row for row in rows.read(asked.report).of_kind("row")}
    mib = 2**20
    for name, encode, decode in (("hungry", 64, 32), ("plain", 0, 0)):
        assert encode <= found[name]["encode_peak_bytes"] / mib < encode + 12
        assert decode <= found[name]["decode_peak_bytes"] / mib < decode + 12


def test_pictures_that_cannot_be_read_are_rows(one, tmp_path):
    """A reason each; and once they can be read, the reason is gone."""
    from PIL import Image

    (one / "broken.png").write_bytes(b"no picture")
    Image.new("L", (9, 9)).save(one / "grey.png")
    asked = settings(one, tmp_path / "report", "Few")
    outcome = runner.run(asked)
    found = {row["picture"]: row for row in rows.read(asked.report).of_kind("row")}
    assert {name: row["codec"] for name, row in found.items()} == {
        "0.png": "plain",
        "broken.png": None,
        "grey.png": None,
    }
    assert found["broken.png"]["error"]["exit_code"] == 4 and found["grey.png"]["error"]["exit_code"] == 5
    again = runner.run(asked)
    assert (outcome.measured, again.measured, again.kept, len(again.failed)) == (3, 0, 3, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_no_process_stays(one, tmp_path, monkeypatch):
    """Known by their environment; the check sees one while it runs."""
    mark = f"CALOTYPE_TEST_MARK={tmp_path}"
    monkeypatch.setenv(*mark.split("=", 1))
    seen = []
    asked = settings(one, tmp_path / "report", "Plain")
    runner.run(asked, lambda *_: seen.append(_marked(mark)))
    assert max(map(len, seen)) >= 2
    assert not _marked(mark)


def _marked(mark: str) -> list[Path]:
    """Processes begun with this in their environment."""
    found = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if place.name.isdigit() and mark.encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append(place)
    return found
