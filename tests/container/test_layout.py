"""The tables of docs/format.md and the constants of calotype.container.layout are the same, cell by cell, both ways."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

from calotype.container import layout

PAGE = Path(__file__).parents[2] / "docs" / "format.md"


def tables() -> list[tuple[list[str], list[list[str]]]]:
    """Every table of the page: its head and its rows, as cells without spaces around."""
    found, block = [], []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in line.strip("|").split("|")])
        elif block:
            head, rule, *rows = block
            assert all(set(cell) == {"-"} for cell in rule)
            assert all(len(row) == len(head) for row in rows)
            found.append((head, rows))
            block = []
    return found


def rows_under(*head: str) -> list[list[str]]:
    """The rows of all tables with this head."""
    return [row for found, rows in tables() if found == list(head) for row in rows]


def spelled(value: object) -> str:
    """A constant as the page writes it."""
    if isinstance(value, bytes):
        return value.hex(" ").upper()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_every_constant_is_in_a_table_and_every_row_is_a_constant():
    """Numbers, bytes and tuples of numbers."""
    rows = rows_under("Constant", "Value", "Meaning")
    said = {name: value for name, value, _ in rows}
    assert len(said) == len(rows)
    simple = {
        name: getattr(layout, name) for name in layout.__all__ if isinstance(getattr(layout, name), (int, bytes, tuple))
    }
    assert said == {name: spelled(value) for name, value in simple.items()}


def test_everything_public_in_layout_is_exported():
    """No constant hides from the comparison."""
    public = {name for name in vars(layout) if re.fullmatch(r"[A-Z][A-Z0-9_]+|[A-Z]\w+", name)} - {"IntEnum"}
    assert public == set(layout.__all__)


def test_chunk_types():
    """Critical, ancillary and reserved types, in order, with what the page says of each."""
    assert rows_under("Type", "Payload") == [[kind, meaning] for kind, meaning in layout.CRITICAL.items()]
    assert rows_under("Type", "Meant for") == [[kind, meaning] for kind, meaning in layout.RESERVED.items()]
    assert rows_under("Type", "Payload", "Bytes", "In a file") == [
        [kind, meaning, "any" if size is None else str(size), "any number" if several else "at most one"]
        for kind, (meaning, size, several) in layout.ANCILLARY.items()
    ]


def test_the_case_of_each_type_means_what_the_page_says():
    """Critical types are capitals, ancillary ones begin small, all are public."""
    assert all(kind.isupper() for kind in layout.CRITICAL)
    assert all(kind[0].islower() and kind[1:3].isupper() for kind in layout.ANCILLARY)
    assert all(kind[1:3].isupper() for kind in layout.RESERVED)
    assert not {*layout.CRITICAL, *layout.ANCILLARY} & {*layout.RESERVED}


def test_enumerations():
    """Sample types, colours with their planes, modes."""

    def codes(kind: type[IntEnum]) -> list[list[str]]:
        return [[member.name, str(member.value)] for member in kind]

    assert rows_under("Sample type", "Code") == codes(layout.SampleType)
    assert [row[:2] for row in rows_under("Mode", "Code", "Data")] == codes(layout.Mode)
    colours = rows_under("Colour", "Code", "Planes", "Meaning")
    assert [row[:2] for row in colours] == codes(layout.Colour)
    assert [row[2] for row in colours] == [str(layout.COLOUR_PLANES.get(colour, "any")) for colour in layout.Colour]


def test_the_order_bit_is_the_order():
    """The flag of the index and the enumeration agree; the pairs of bits do not overlap."""
    assert layout.Order.BY_SEGMENT == layout.INDEX_BY_SEGMENT
    assert len({layout.INDEX_BY_SEGMENT, layout.INDEX_SEVERAL, layout.INDEX_SHARED}) == 3
    assert max(layout.Mode) < layout.TILE_SEVERAL
    assert max(layout.Colour) < layout.GROUP_REPEATED
