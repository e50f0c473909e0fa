"""Picture files for the tests of the container: Hypothesis strategies of all legal ones, and a few by hand."""

from __future__ import annotations

from hypothesis import strategies as st

from calotype.container import (
    QUALITY_LOSSLESS,
    Chunk,
    Colour,
    Header,
    Metadata,
    Mode,
    Order,
    PictureFile,
    PlaneGroup,
    Resolution,
    SampleType,
    Segment,
    Tile,
)
from calotype.container.layout import ANCILLARY, COLOUR_PLANES

MODEL_ID = bytes.fromhex("0123456789abcdef")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@st.composite
def plane_groups(draw: st.DrawFn) -> PlaneGroup:
    sample_type = draw(st.sampled_from(SampleType))
    colour = draw(st.sampled_from(Colour))
    return PlaneGroup(
        planes=COLOUR_PLANES.get(colour) or draw(st.integers(1, 300)),
        depth=draw(st.sampled_from((16, 32)) if sample_type is SampleType.FLOAT else st.integers(1, 32)),
        sample_type=sample_type,
        colour=colour,
        repeats=draw(st.integers(1, 3)),
    )


@st.composite
def headers(draw: st.DrawFn, side_px: st.SearchStrategy[int], tile_px: st.SearchStrategy[int]) -> Header:
    return Header(
        width_px=draw(side_px),
        height_px=draw(side_px),
        model_id=draw(st.one_of(st.binary(min_size=8, max_size=8), st.just(bytes(8)))),
        plane_groups=tuple(draw(st.lists(plane_groups(), min_size=1, max_size=4))),
        quality_100ths=draw(st.integers(0, QUALITY_LOSSLESS)),
        tile_px=draw(tile_px),
        minor=draw(st.integers(0, 255)),
    )


segments = st.builds(Segment, st.binary(max_size=300), st.binary(min_size=4, max_size=4))


@st.composite
def tiles(draw: st.DrawFn, header: Header, number: int) -> Tile:
    exact = header.lossless or not any(header.model_id)
    modes = [Mode.LOSSLESS] if exact else [Mode.MODEL, Mode.LOSSLESS, Mode.OVERLAID]
    if header.raw_bytes(number) < 3000:
        modes.append(Mode.RAW)
    mode = draw(st.sampled_from(modes))
    many = st.lists(segments, min_size=1, max_size=draw(st.sampled_from((1, 1, 4))))
    data = draw(many)
    data = data * 2 if mode is Mode.OVERLAID else data
    if mode is Mode.RAW:
        data = [Segment(bytes(header.raw_bytes(number)), data[0].check)]
    return Tile(number=number, segments=tuple(data), rate_index=draw(st.integers(0, 1023)), mode=mode)


def _unknown(letters: list[str]) -> str:
    return letters[0] + letters[1] + letters[2].upper() + letters[3]


any_letter = st.sampled_from(LETTERS + LETTERS.upper())
unknown_types = (
    st.tuples(st.sampled_from(LETTERS), any_letter, any_letter, any_letter)
    .map(_unknown)
    .filter(lambda kind: kind not in ANCILLARY)
)
unknown_chunks = st.lists(st.builds(Chunk, unknown_types, st.binary(max_size=100)), max_size=3)
fractions = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
metadata = st.builds(
    Metadata,
    exif=st.none() | st.binary(max_size=200),
    icc=st.none() | st.binary(max_size=200),
    xmp=st.none() | st.binary(max_size=200),
    modified_ns=st.none() | st.integers(-(2**63), 2**63 - 1),
    resolution=st.none() | st.builds(Resolution, fractions, fractions),
    orientation=st.none() | st.integers(1, 8),
    comments=st.lists(st.text(max_size=20), max_size=2).map(tuple),
)


@st.composite
def picture_files(draw: st.DrawFn) -> PictureFile:
    header = draw(headers(st.integers(1, 70), st.sampled_from((32, 64, 128))).filter(lambda h: h.tiles <= 40))
    ancillary = [*draw(metadata).chunks(), *draw(unknown_chunks)]
    return PictureFile(
        header=header,
        tiles=tuple(draw(tiles(header, number)) for number in range(header.tiles)),
        shared=tuple(draw(st.lists(segments, max_size=2))),
        ancillary=tuple(draw(st.permutations(ancillary))),
        trailing=tuple(draw(unknown_chunks)),
        order=draw(st.sampled_from(Order)),
    )


def stream(seed: int, length: int) -> bytes:
    """Bytes that look like an entropy-coded stream and are the same in every run."""
    state, out = seed * 2654435761 + 1, bytearray()
    for _ in range(length):
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        out.append(state >> 56)
    return bytes(out)


def one_tile(length: int = 900) -> PictureFile:
    """The commonest small picture: one tile, nothing else."""
    header = Header(width_px=500, height_px=333, model_id=MODEL_ID, quality_100ths=6000)
    return PictureFile(
        header=header, tiles=(Tile(number=0, segments=(Segment(stream(1, length), b"HASH"),), rate_index=600),)
    )


def sixteen_tiles(
    seed: int = 1, *, segments_each: int = 1, shared: bool = False, order: Order = Order.BY_TILE
) -> PictureFile:
    """4 x 4 tiles with metadata; the same header whatever the seed, as files of one batch have."""
    header = Header(width_px=2000, height_px=1900, model_id=MODEL_ID, quality_100ths=6000)
    return PictureFile(
        header=header,
        tiles=tuple(
            Tile(
                number=number,
                segments=tuple(
                    Segment(
                        stream(seed * 1000 + number * 10 + part, 100 + 10 * number), stream(seed + number + part, 4)
                    )
                    for part in range(segments_each)
                ),
                rate_index=600,
            )
            for number in range(16)
        ),
        shared=(Segment(stream(seed + 77, 200), b"WHOL"),) if shared else (),
        ancillary=Metadata(exif=stream(seed + 5, 300), icc=b"profile", orientation=6, comments=("a", "b")).chunks(),
        order=order,
    )


def examples() -> dict[str, PictureFile]:
    """One file of every kind that damage is tried on."""
    raw = Header(
        width_px=20, height_px=11, model_id=bytes(8), quality_100ths=QUALITY_LOSSLESS, tile_px=16,
        plane_groups=(PlaneGroup(planes=1, colour=Colour.GREY, depth=12), PlaneGroup(planes=1, colour=Colour.ALPHA, depth=1)),
    )  # fmt: skip
    return {
        "one tile": one_tile(300),
        "16 tiles": sixteen_tiles(),
        "progressive": sixteen_tiles(2, segments_each=3, shared=True, order=Order.BY_SEGMENT),
        "raw": PictureFile(
            header=raw,
            tiles=tuple(
                Tile(number=n, segments=(Segment(stream(n, raw.raw_bytes(n)), b"1234"),), mode=Mode.RAW)
                for n in range(raw.tiles)
            ),
            trailing=(Chunk("zzZz", b"parity of later"),),
        ),
    }
