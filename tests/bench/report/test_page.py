"""The page holds everything it shows, escapes what it is told, and says every failure."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from calotype.bench.report import crops, write
from calotype.bench.report.page import page
from calotype.bench.report.study import study
from calotype.bench.report.svg import Scale, spaced


class Tags(HTMLParser):
    """Which elements there are, with their attributes, and whether they close in order."""

    EMPTY = frozenset({"meta", "link", "input", "img", "br", "path", "circle", "rect"})

    def __init__(self, said: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(said)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def whole(kodak_rows):
    return page(study(kodak_rows))


def test_the_page_is_well_formed(whole):
    assert not Tags(whole).open


def test_the_page_asks_for_nothing(whole):
    """No address in any element but fragments and data; the policy forbids the rest."""
    for tag, attributes in Tags(whole).found:
        for name in ("src", "href", "action", "data", "poster", "srcset", "background"):
            said = attributes.get(name)
            assert said is None or said.startswith(("#", "data:")), (tag, said)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest", whole)
    assert "default-src 'none'" in whole


def test_ids_are_there_once(whole):
    ids = [attributes["id"] for _, attributes in Tags(whole).found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for tag, attributes in Tags(whole).found if tag == "a"}
    assert links <= set(ids)


def test_questions_come_first(whole):
    order = [
        whole.index(said)
        for said in ("<dt>Which is best", "<dt>Which looks", "<dt>Which needs", "<dt>Which is fastest")
    ]
    assert order == sorted(order) and order[-1] < whole.index('id="curves"')
    sections = [attributes["id"] for tag, attributes in Tags(whole).found if tag == "section"]
    assert sections == [
        "curves",
        "differences",
        "speed",
        "memory",
        "crops",
        "lossless",
        "pictures",
        "failures",
        "repeat",
    ]


def test_foreign_words_stay_words(rows):
    """Names of pictures, titles and errors come from outside; none of them may become markup."""
    bad = "<script>alert(1)</script>\"'&"
    rows = [
        row | {"title": bad, "picture": bad + row["picture"]} if row.get("codec") == "webp" else row for row in rows
    ]
    rows = [*rows, {"kind": "row", "picture": bad, "codec": None, "error": {"type": bad, "message": bad}}]
    said = page(study(rows))
    assert "<script>alert" not in said and "&lt;script&gt;alert" in said
    assert not Tags(said).open and sum(tag == "script" for tag, _ in Tags(said).found) == 1


def test_charts_of_open_problems_are_told(rows):
    """A row as calotype.bench.charts makes it; codecs without loss have no alias and no infinite figures."""
    stripes = {"a": 1.4, "f": 12.0, "g": 0.5, "border": 1.1, "within": 14, "charts": 15}
    found = {"ar_db": -17.6, "ar_worst_db": -10.8, "angle_error_deg": 0.1, "false_direction": 0.002, "faded": 0.0}
    aliasing = found | {"shift_spread_db": None, "within": False, "by_frequency": {"0.1": found, "0.2": found}}
    chart = {"kind": "chart", "codec": "webp", "title": "WebP", "level": 20.0, "bpp": 0.5, "psnr": None, "error": None}
    said = page(study([*rows, chart | {"striped_region": stripes, "aliasing": aliasing}]))
    assert not Tags(said).open and 'id="charts"' in said and "14 of 15" in said and "\N{MINUS SIGN}10.8" in said
    failed = {"kind": "chart", "codec": "vvc", "level": None, "error": {"type": "LimitError", "message": "too slow"}}
    assert "too slow" in page(study([*rows, failed]))


def test_failures_are_told_with_their_reasons(whole):
    assert "HEIC needs pillow-heif" in whole and "ExtraMissing" in whole


@pytest.mark.parametrize("count", [0, 1, 2])
def test_little_is_enough(rows, count):
    """No row, one codec, two codecs: a page without what can't be said, and no error."""
    names = ["webp", "swift"][:count]
    assert not Tags(page(study([row for row in rows if row.get("codec") in names]))).open


def test_timings_alone_are_a_page(rows):
    """Of a run with --time-only: speed and nothing else, in words that say so."""
    timing = {"kind": "timing", "picture": "mosaic", "codec": "swift", "title": "Calotype swift", "threads": 1}
    said = page(study([rows[0], timing | {"encode_mp_s": 2.0, "decode_mp_s": 3.0}]))
    assert not Tags(said).open and "Calotype swift decodes fastest" in said and "--time-only" in said
    assert 'id="curves"' not in said and 'id="crops"' not in said


def test_pictures_of_a_few_pixels_do_not_break_the_figures(rows):
    """Thousands of bits a pixel, as a picture of one pixel has."""
    rows = [row | {"bpp": 3000 * row["bpp"]} if row.get("codec") in ("webp", "jpeg-420") else row for row in rows]
    assert not Tags(page(study([row for row in rows if row.get("codec") in ("webp", "jpeg-420")]))).open


def test_write_leaves_page_pictures_and_summary(rows, tmp_path):
    pytest.importorskip("matplotlib")
    write(rows, tmp_path)
    assert {"report.html", "summary.json", "rd-psnr.png", "speed.png"} <= {file.name for file in tmp_path.iterdir()}
    said = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert said["bd_rates"]["psnr"]["swift"]["jpeg-420"]["percent"] < -45
    assert said["answers"][0]["codec"] == "swift" and said["failed"] == 1


def test_the_same_rows_give_the_same_page(rows):
    assert page(study(rows)) == page(study(list(rows)))


def test_pieces_are_shown_from_what_was_kept(rows, tmp_path):
    """A report is drawn again without pictures and codecs; the pieces of the first time stay."""
    piece = crops.Crop("swift", "Calotype swift", 0.3, 31.0, 40.0, "AAAA")
    scene = crops.Scene("p00.png", 10, 20, [crops.Crop("", "Original", None, None, None, "BBBB"), piece], ["WebP: no"])
    crops.save([scene], tmp_path)
    assert crops.load(tmp_path) == [scene]
    said = page(study(rows), crops.load(tmp_path))
    assert "base64,AAAA" in said and "WebP: no" in said and not Tags(said).open


@pytest.mark.parametrize(
    ("low", "high", "log"), [(0, 1, False), (-63.2, 41.7, False), (0.05, 3.2, True), (24, 47, False)]
)
def test_ticks_lie_within_and_are_few(low, high, log):
    ticks = Scale(low or 0.0, high, 0, 100, log).ticks()
    assert 3 <= len(ticks) <= 12 and all(low <= tick <= high for tick in ticks)


def test_labels_keep_off_each_other():
    places = spaced([10, 11, 12, 80, 81], 15, 0, 100)
    gaps = [after - before for before, after in zip(sorted(places), sorted(places)[1:], strict=False)]
    assert min(gaps) >= 15 - 1e-9 and min(places) >= 0 and max(places) <= 100
    assert sorted(range(5), key=places.__getitem__) == [0, 1, 2, 3, 4]
