"""What the report says follows from rows: BD-rates are those of the formula, and reasons stand where there is no figure."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.bench.report.conftest import CODECS, LEVELS, made

from calotype.bench.report import reading
from calotype.bench.report.comparing import compare
from calotype.bench.report.curves import METRICS, codecs_of
from calotype.bench.report.study import study
from calotype.errors import FileError, UsageError

PSNR = METRICS[0]


def test_bd_rates_are_the_factors_that_rows_were_made_with(rows):
    """Mean curves differ by a constant factor, up to each codec's own pictures."""
    found = study(rows).matrices["psnr"]
    for name, (_, _, factor, *_) in CODECS.items():
        there = found.get(name, "jpeg-420")
        assert there.percent == pytest.approx(100 * (factor - 1), abs=4)
        assert there.low == pytest.approx(27) and there.high == pytest.approx(43) and there.points == (5, 5)


def test_a_matrix_turned_round_says_the_same(rows):
    """1 + a and 1 + b are inverse to each other, for means and for single pictures."""
    found = study(rows).matrices["psnr"]
    for tested in CODECS:
        for against in CODECS:
            one, other = found.get(tested, against), found.get(against, tested)
            assert (1 + one.percent / 100) * (1 + other.percent / 100) == pytest.approx(1)
            for picture, rate in one.by_picture.items():
                assert (1 + rate / 100) * (1 + other.by_picture[picture] / 100) == pytest.approx(1)


def test_the_spread_is_that_of_single_pictures(rows):
    there = study(rows).matrices["psnr"].get("swift", "jpeg-420")
    rates = sorted(there.by_picture.values())
    assert there.spread.pictures == len(rates) == 4
    assert (there.spread.least, there.spread.most) == (rates[0], rates[-1])
    assert there.spread.least < there.percent < there.spread.most


def test_too_few_points_give_a_reason_and_no_figure(rows):
    few = [row for row in rows if row.get("codec") != "webp" or row["level"] > 40]
    there = study(few).matrices["psnr"].get("webp", "jpeg-420")
    assert there.percent is None and "fewer than 4" in there.reason


def test_no_overlap_gives_a_reason_and_no_figure(rows):
    far = [row | {"metrics": {"psnr": 60 + row["level"]}} if row.get("codec") == "webp" else row for row in rows]
    there = study(far).matrices["psnr"].get("webp", "jpeg-420")
    assert there.percent is None and "overlap" in there.reason


def test_a_picture_that_lacks_a_level_does_not_bend_the_mean(rows):
    """The mean over three pictures at one level and four at another would not be a curve; its twin shows that it isn't."""
    gone = [
        row for row in rows if (row.get("codec"), row.get("picture"), row.get("level")) != ("webp", "p03.png", 10.0)
    ]
    (webp,) = [codec for codec in codecs_of(reading.read(gone)) if codec.name == "webp"]
    assert webp.partial == ("p03.png",) and len(webp.cells) == 3
    jpeg = study(gone).matrices["psnr"].get("webp", "jpeg-420")
    assert jpeg.spread.pictures == 3
    whole = study(rows).matrices["psnr"].get("webp", "jpeg-420")
    assert whole.spread.pictures == 4 and whole.percent != jpeg.percent


def test_pictures_too_small_for_a_metric_are_left_out_of_it_alone(rows):
    """A metric that one picture lacks is the mean over the others; other metrics keep all pictures."""

    def without(row):
        return row | {"metrics": row["metrics"] | {"ms-ssim": None}} if row.get("codec") in CODECS else row

    found = study([without(row) if row.get("picture") == "p01.png" else row for row in rows])
    assert found.matrices["ms-ssim-db"].get("swift", "webp").spread.pictures == 3
    assert found.matrices["psnr"].get("swift", "webp").spread.pictures == 4


def test_published_curves_come_in_for_whole_sets_only(rows, kodak_rows):
    assert study(rows).published == () and "left out" in study(rows).why_no_published()
    whole = study(kodak_rows)
    assert whole.published[0].name == "vtm" and not whole.why_no_published()
    assert whole.matrices["psnr"].get("swift", "vtm").percent is not None
    assert "all 24 pictures" in study(made(23, "kodak")).why_no_published()


def test_a_codec_that_lacks_pictures_is_not_compared_with_published_means(kodak_rows):
    gone = [row for row in kodak_rows if (row.get("codec"), row.get("picture")) != ("webp", "p03.png")]
    found = study(gone).matrices["psnr"]
    assert found.get("webp", "vtm").percent is None and "23 of 24 pictures" in found.get("webp", "vtm").reason
    assert found.get("swift", "vtm").percent is not None and found.get("webp", "swift").spread.pictures == 23


def test_the_four_answers_name_the_best(rows):
    """Built so: swift needs the fewest bytes; JPEG is fastest and needs least memory."""
    distortion, looks, memory, speed = study(rows).answers
    assert (distortion.codec, memory.codec, speed.codec) == ("swift", "jpeg-420", "jpeg-420")
    assert "fewer bytes than JPEG 4:2:0" in distortion.evidence and "nobody looked" in looks.evidence


def test_answers_change_with_the_rows(rows):
    """The twin: ours three times as large and it is no longer the best."""
    worse = [row | {"bpp": 3 * row["bpp"]} if row.get("codec") == "swift" else row for row in rows]
    assert study(worse).answers[0].codec == "avif-444-psnr"


def test_nothing_measured_is_said_not_raised():
    answers = study([]).answers
    assert [answer.codec for answer in answers] == ["", "", "", ""]


def test_a_later_row_replaces_an_earlier_one_unless_it_failed(rows):
    cell = next(row for row in rows if row.get("codec") == "webp")
    later, broken = cell | {"bpp": 9.0}, cell | {"error": {"type": "X", "message": "m"}}
    found = reading.read([*rows, later, broken])
    assert next(row["bpp"] for row in found.rows if row["codec"] == "webp") == 9.0
    assert len(found.rows) == len([row for row in rows if row["kind"] == "row" and not row.get("error")])


def test_files_are_read_as_lists_are(rows, tmp_path):
    """Plain, packed, in a folder, and with the torn last line of a killed run."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(text + '{"kind": "row", "co')
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    wanted = reading.read(rows)
    assert reading.read(tmp_path) == wanted == reading.read(tmp_path / "packed.jsonl.gz")


def test_lines_that_are_no_rows_are_refused_by_number(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"kind": "row"}\nnonsense\n{}\n')
    with pytest.raises(UsageError, match="line 2"):
        reading.read(tmp_path)
    with pytest.raises(FileError):
        reading.read(tmp_path / "absent.jsonl")


def test_timings_go_before_rows(rows):
    """And codecs that were not timed are not compared with those that were."""
    timing = {"kind": "timing", "level": 50.0, "picture": "p00.png", "megapixels": 0.2, "encode_peak_bytes": 10**9}
    for name, threads, speed in (("swift", 1, 7.0), ("swift", 2, 11.0), ("webp", 1, 5.0)):
        rows = [*rows, timing | {"codec": name, "threads": threads, "encode_mp_s": speed, "decode_mp_s": 2 * speed}]
    found = study(rows)
    assert found.costs["swift"].encode_mp_s == 7.0 and found.costs["swift"].timed and not found.costs["jpeg-420"].timed
    assert found.timed[2]["swift"].decode_mp_s == 22.0 and "webp" not in found.timed[2]
    assert {codec.name for codec in found.comparable_speeds} == {"swift", "webp"} and found.answers[3].codec == "swift"
    # Memory stays that of the rows: a timed picture is another one, and larger.
    assert found.costs["swift"].encode_peak_bytes == 150e6


def test_ms_ssim_is_averaged_before_decibels(rows):
    (swift,) = [codec for codec in codecs_of(reading.read(rows)) if codec.name == "swift"]
    assert [point.quality for point in swift.curve("ms-ssim-db")] == pytest.approx([8 + level / 7 for level in LEVELS])


def test_lossless_codecs_have_no_curve(rows):
    codecs = codecs_of(reading.read(rows))
    assert "png" not in compare(PSNR, codecs, ()).tested
    assert [codec.name for codec in study(rows).lossless] == ["png"]
