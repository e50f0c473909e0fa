"""Rectangles of a picture: regions, the grid of tiles, batches of equal tiles. Geometry only; no samples live here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from calotype.errors import UsageError

__all__ = ["Batch", "Grid", "Region", "Step", "plan", "windows_of"]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of samples: rows [top, bottom) and columns [left, right) of some array."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Rows of samples."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns of samples."""
        return self.right - self.left

    @property
    def rows(self) -> slice:
        """The rows, to index an array with."""
        return slice(self.top, self.bottom)

    @property
    def cols(self) -> slice:
        """The columns, to index an array with."""
        return slice(self.left, self.right)

    def grown(self, px: int, height: int, width: int) -> Region:
        """`px` more samples on each side, clipped at an array of `height` x `width`."""
        return Region(
            max(0, self.top - px), min(height, self.bottom + px), max(0, self.left - px), min(width, self.right + px)
        )

    def over(self, stride: int) -> Region:
        """The samples of an array at 1/stride that cover this region."""
        return Region(self.top // stride, -(-self.bottom // stride), self.left // stride, -(-self.right // stride))

    def clipped(self, outer: Region) -> Region:
        """What of it lies in `outer`."""
        return Region(
            max(self.top, outer.top),
            min(self.bottom, outer.bottom),
            max(self.left, outer.left),
            min(self.right, outer.right),
        )

    def within(self, outer: Region) -> Region:
        """The same rectangle, counted from the corner of `outer`."""
        return Region(self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tiles of one size that are coded in lock-step: their numbers, ascending, and their sides in pixels."""

    tiles: tuple[int, ...]
    height: int
    width: int


@dataclass(frozen=True)
class Grid:
    """The tiles of a picture whose sides were padded to multiples of `align_px`. Tiles are numbered in raster order.

    height, width   of the picture, pixels, before padding
    side_px         of a tile; a multiple of align_px. Tiles at the right and bottom border may be smaller
    """

    height: int
    width: int
    side_px: int = 512
    align_px: int = 64

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise UsageError("picture size", value=(self.height, self.width), allowed="at least 1x1")
        if self.align_px < 1 or self.side_px < 1 or self.side_px % self.align_px:
            raise UsageError("side_px", value=self.side_px, allowed=f"a positive multiple of {self.align_px}")

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Height and width after padding, pixels."""
        return -(-self.height // self.align_px) * self.align_px, -(-self.width // self.align_px) * self.align_px

    @cached_property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.shape[0] // self.side_px)

    @cached_property
    def columns(self) -> int:
        """Columns of tiles."""
        return -(-self.shape[1] // self.side_px)

    def __len__(self) -> int:
        return self.rows * self.columns

    def __getitem__(self, tile: int) -> Region:
        """The pixels of a tile, in the padded picture."""
        if not 0 <= tile < len(self):
            raise IndexError(tile)
        row, column = divmod(tile, self.columns)
        top, left = row * self.side_px, column * self.side_px
        return Region(top, min(top + self.side_px, self.shape[0]), left, min(left + self.side_px, self.shape[1]))

    def needed(self, region: Region, reach_px: int = 0) -> tuple[int, ...]:
        """Numbers of the tiles, ascending, that a region of pixels and `reach_px` around it touches."""
        grown = region.grown(reach_px, *self.shape)
        if grown.height <= 0 or grown.width <= 0:
            return ()
        cells = grown.over(self.side_px)
        return tuple(
            row * self.columns + column
            for row in range(cells.top, cells.bottom)
            for column in range(cells.left, cells.right)
        )

    def pairs(self, batch: Batch) -> Iterator[tuple[int, ...]]:
        """The tiles of a batch in order, two at a time where they are neighbours in a row."""
        tiles = list(batch.tiles)
        while tiles:
            beside = len(tiles) > 1 and tiles[1] == tiles[0] + 1 and tiles[1] % self.columns > 0
            yield tuple(tiles[: 1 + beside])
            del tiles[: 1 + beside]

    def batches(self, most: int = 16, tiles: tuple[int, ...] | None = None) -> Iterator[Batch]:
        """Batches of at most `most` equal tiles, in an order that completes the picture from top to bottom.

        Full tile rows are taken together until a batch is full, so that a batch never waits for rows far below.
        `tiles` restricts the batches to some tiles (a region).
        """
        if most < 1:
            raise UsageError("most", value=most, allowed="at least 1")
        wanted = range(len(self)) if tiles is None else sorted(set(tiles))
        across = max(Counter(tile // self.columns for tile in wanted).values(), default=1)
        together = max(1, most // across)
        groups: dict[int, dict[tuple[int, int], list[int]]] = {}
        for tile in wanted:
            region = self[tile]
            shapes = groups.setdefault(tile // self.columns // together, {})
            shapes.setdefault((region.height, region.width), []).append(tile)
        for group in sorted(groups):
            for (height, width), members in groups[group].items():
                # Balanced: 17 tiles are 9 + 8, not 16 + 1, because lock-step is cheaper with many rows.
                parts = -(-len(members) // most)
                for k in range(parts):
                    part = members[len(members) * k // parts : len(members) * (k + 1) // parts]
                    yield Batch(tuple(part), height, width)


def windows_of(region: Region, side_px: int, height_px: int | None = None) -> tuple[Region, ...]:
    """Cut a region into windows of `side_px`, in raster order, counted from its corner.

    All have the same size except the last of each row and column: networks and memory patterns like equal shapes.

    height_px   of a window, where it should be lower than wide: the lower, the fewer tile rows are alive in `plan`
    """
    height_px = side_px if height_px is None else height_px
    if side_px < 1 or height_px < 1:
        raise UsageError("side_px, height_px", value=(side_px, height_px), allowed="at least 1")
    return tuple(
        Region(top, min(top + height_px, region.bottom), left, min(left + side_px, region.right))
        for top in range(region.top, region.bottom, height_px)
        for left in range(region.left, region.right, side_px)
    )


@dataclass(frozen=True, slots=True)
class Step:
    """Part of a plan: when these batches are decoded, too, these windows have all they need."""

    batches: tuple[Batch, ...]
    windows: tuple[Region, ...]


def plan(grid: Grid, windows: tuple[Region, ...], *, reach_px: int, most: int = 16) -> tuple[Step, ...]:
    """In which order to decode tiles and to synthesise windows, so that few tiles are alive at a time.

    windows    in raster order; only the tiles that they need are decoded
    reach_px   how far around a window its synthesis looks: `pyramid.reach_px(levels)` plus the post-filter's halo
    """
    needs = [grid.needed(window, reach_px) for window in windows]
    wanted = tuple(sorted({tile for need in needs for tile in need}))
    steps, batches, decoded, done = [], [], set(), 0
    for batch in grid.batches(most, wanted):
        batches.append(batch)
        decoded.update(batch.tiles)
        ready = done
        # Windows run in order, so results arrive in order: one that waits holds the later ones back.
        while ready < len(windows) and decoded.issuperset(needs[ready]):
            ready += 1
        if ready > done:
            steps.append(Step(tuple(batches), tuple(windows[done:ready])))
            batches, done = [], ready
    return tuple(steps)
