"""Every error Calotype raises, as one small tree ordered by whose fault it is; nothing here imports any other part.

CalotypeError (an OSError, so that `except OSError` works as it does for Pillow)          exit code
    FormatError            the bytes break docs/format.md                                  4
        TruncatedError         they end too early
        CorruptError           they were changed
    UnsupportedError       legal, but this release can't do it                             5
        UnsupportedMode        a picture mode we would have to change silently
    ModelError             a model is missing, damaged, unproven or another one            6
    ExtraMissing           an optional package is absent                                   6
    LimitError             legal, but more than the caller allows                          7
    TargetExists           the output is there and nobody said --force                     8
    FileError              the file system refused: not found, permission, a directory     9
    TargetMissed           no rate of the model gives the size or quality asked for        10
    UsageError             the call is wrong (also a ValueError)                           2

Each carries its particulars as attributes and says the value, the limit and the way out in its sentence.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CalotypeError",
    "CorruptError",
    "ExtraMissing",
    "FileError",
    "FormatError",
    "LimitError",
    "ModelError",
    "TargetExists",
    "TargetMissed",
    "TruncatedError",
    "UnsupportedError",
    "UnsupportedMode",
    "UsageError",
]


def _said(value: object) -> str:
    """How a value is shown in a sentence: long ones are cut, large integers grouped."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}"
    if isinstance(value, bytes):
        return value[:16].hex() + ("..." if len(value) > 16 else "")
    text = str(value)
    return text if len(text) <= 200 else text[:197] + "..."


class CalotypeError(OSError):
    """The root of the tree. `exit_code` is what the command line returns for it. Errors survive pickling."""

    exit_code = 1

    def __str__(self) -> str:
        """The sentence, also where `filename` was set: OSError would then say "[Errno None]" instead."""
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> Any:
        # OSError would call the class with its sentence alone, which has lost the particulars.
        return _restored, (type(self), str(self), dict(self.__dict__))


def _restored(kind: type[CalotypeError], sentence: str, particulars: dict[str, Any]) -> CalotypeError:
    """An error as another process raised it."""
    error = kind.__new__(kind, sentence)
    error.args = (sentence,)
    error.__dict__.update(particulars)
    return error


class FormatError(CalotypeError):
    """The bytes break docs/format.md.

    field      the name of the field in docs/format.md
    found      what stands there
    expected   what the format asks for
    offset     byte position in the file, where known
    """

    exit_code = 4
    _verb = "is wrong"

    def __init__(
        self, field: str, *, found: object = None, expected: object = None, offset: int | None = None, hint: str = ""
    ) -> None:
        self.field, self.found, self.expected, self.offset = field, found, expected, offset
        where = "" if offset is None else f" at byte {offset:_}"
        said = f"{field} {self._verb}{where}"
        if found is not None:
            said += f": found {_said(found)}"
        if expected is not None:
            said += f"{',' if found is not None else ':'} expected {_said(expected)}"
        super().__init__(said + (f"; {hint}" if hint else ""))


class TruncatedError(FormatError):
    """The bytes end too early."""

    _verb = "is cut short"


class CorruptError(FormatError):
    """The bytes were changed: a checksum, a hash or an impossible value says so."""

    _verb = "is damaged"


class UnsupportedError(CalotypeError):
    """Legal, but this release can't do it: a newer format version, a coding mode of a later release."""

    exit_code = 5

    def __init__(self, what: str, *, found: object, supported: object, hint: str = "") -> None:
        self.what, self.found, self.supported = what, found, supported
        super().__init__(
            f"{what} {_said(found)} is not supported, only {_said(supported)}" + (f"; {hint}" if hint else "")
        )


class UnsupportedMode(UnsupportedError):
    """The picture has a mode that we would have to change silently. The sentence names the conversion."""

    def __init__(self, mode: str, *, conversion: str) -> None:
        self.mode, self.conversion = mode, conversion
        supported = "grey and RGB with or without alpha, 8 or 16 bits"
        super().__init__("picture mode", found=mode, supported=supported, hint=f"convert it first: {conversion}")


class ModelError(CalotypeError):
    """A model is missing, damaged, unproven or another one than wanted."""

    exit_code = 6

    def __init__(
        self, problem: str, *, wanted: object = None, found: object = None, looked: object = None, hint: str = ""
    ) -> None:
        self.problem, self.wanted, self.found, self.looked = problem, wanted, found, looked
        said = problem
        if wanted is not None:
            said += f"; wanted {_said(wanted)}"
        if found is not None:
            said += f"; found {_said(found)}"
        if looked is not None:
            said += f"; looked in {_said(looked)}"
        super().__init__(said + (f"; {hint}" if hint else ""))


class ExtraMissing(CalotypeError):
    """An optional package is absent; the sentence is the command that installs it."""

    exit_code = 6

    def __init__(self, feature: str, *, package: str, extra: str) -> None:
        self.feature, self.package, self.extra = feature, package, extra
        super().__init__(f"{feature} needs the package {package}: pip install 'calotype[{extra}]'")


class LimitError(CalotypeError):
    """Legal, but more than the caller allows.

    quantity   what there is too much of
    value      how much there is
    limit      how much is allowed
    field      the field of `Limits` to raise, or empty where the limit is the format's own
    """

    exit_code = 7

    def __init__(self, quantity: str, *, value: int, limit: int, field: str = "") -> None:
        self.quantity, self.value, self.limit, self.field = quantity, value, limit, field
        way_out = f"pass Limits({field}=...) to allow it" if field else "this limit is part of the format"
        super().__init__(f"{quantity}: {value:_} is above the limit {limit:_}; {way_out}")


class TargetExists(CalotypeError):
    """The output is already there; nothing was written."""

    exit_code = 8

    def __init__(self, path: object) -> None:
        self.path = path
        super().__init__(f"{path} exists already and was left as it is; pass --force to replace it")


class FileError(CalotypeError):
    """The file system refused."""

    exit_code = 9

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class TargetMissed(CalotypeError):
    """No file within the tolerance of the target was found; nothing was written.

    target    what was asked for, with its unit
    reached   the nearest that was allowed, likewise; None where there is none (nothing fits below a size)
    quality   the quality that gives it
    around    what lies next to the target on its other side, a clause
    """

    exit_code = 10

    def __init__(self, target: str, *, reached: str | None, quality: float | None, around: str) -> None:
        self.target, self.reached, self.quality, self.around = target, reached, quality, around
        best = "" if reached is None else f"; the nearest is {reached} (quality {quality:g})"
        way_out = "" if reached is None else "; --best-effort (best_effort=True) writes that one"
        super().__init__(f"{target} is missed{best}; {around}{way_out}")


class UsageError(CalotypeError, ValueError):
    """The call is wrong: the argument, its value and what is allowed."""

    exit_code = 2

    def __init__(self, argument: str, *, value: object, allowed: object) -> None:
        self.argument, self.value, self.allowed = argument, value, allowed
        super().__init__(f"{argument}: {_said(value)} is not allowed, only {_said(allowed)}")
