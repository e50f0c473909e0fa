"""Reading the fields of one payload whose CRC is already right; what breaks here breaks the format, not the wire."""

from __future__ import annotations

from calotype.container import varint
from calotype.errors import FormatError

__all__ = ["Fields"]


class Fields:
    """A cursor over a payload: each read names its field of docs/format.md and checks its range.

    payload   the bytes of the payload
    where     name of the chunk, first word of every field in errors
    offset    position of the payload in the file, for errors
    """

    def __init__(self, payload: bytes | memoryview, where: str, offset: int = 0) -> None:
        self._payload, self._where, self._offset, self._at = payload, where, offset, 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._payload) - self._at

    def error(self, field: str, *, found: object, expected: object) -> FormatError:
        """A FormatError that says where we are."""
        return FormatError(f"{self._where} {field}", found=found, expected=expected, offset=self._offset + self._at)

    def varint(self, field: str, low: int, high: int) -> int:
        """An integer in low..high."""
        try:
            value, at = varint.read(self._payload, self._at, field)
        except FormatError as error:
            raise self.error(field, found=error.found or "too few bytes", expected=error.expected) from error
        if not low <= value <= high:
            raise self.error(field, found=value, expected=f"{low:_} to {high:_}")
        self._at = at
        return value

    def take(self, field: str, count: int) -> bytes:
        """The next `count` bytes."""
        if count > self.left:
            raise self.error(field, found=f"{self.left} bytes", expected=f"{count} bytes")
        taken = bytes(self._payload[self._at : self._at + count])
        self._at += count
        return taken

    def byte(self, field: str) -> int:
        """The next byte as an integer."""
        return self.take(field, 1)[0]

    def rest(self) -> bytes:
        """All bytes not yet read."""
        return self.take("rest", self.left)

    def done(self) -> None:
        """Refuse bytes that no field claims."""
        if self.left:
            raise self.error("end", found=f"{self.left} more bytes", expected="no more bytes")
