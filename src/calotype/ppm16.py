"""What Pillow does not do for PPM files: RGB of 16 bits a sample, which it cuts to 8. Both ways, samples alone."""

from __future__ import annotations

import re

import numpy as np

from calotype.errors import TruncatedError

__all__ = ["is_deep", "read", "write"]

_SPACE = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])"
_HEADER = re.compile(
    rb"P([36])" + _SPACE + rb"+(\d{1,9})" + _SPACE + rb"+(\d{1,9})" + _SPACE + rb"+65535(?:[ \t\r\n\v\f])"
)


def is_deep(data: bytes) -> bool:
    """Whether these bytes begin a PPM with colours from 0 to 65535; others above 255 would have to be scaled."""
    return _HEADER.match(data) is not None


def read(data: bytes) -> np.ndarray:
    """Samples of a PPM that `is_deep`: uint16 [h, w, 3]. Its size is within the caller's limits.

    errors   TruncatedError
    """
    found = _HEADER.match(data)
    assert found is not None, "is_deep was not asked"
    width, height = int(found[2]), int(found[3])
    wanted = 3 * width * height
    if found[1] == b"3":
        words = re.sub(rb"#[^\r\n]*", b"", data[found.end() :]).split(maxsplit=wanted)[:wanted]
        have = len(words)
        samples = np.array([min(int(word), 65535) for word in words], np.uint16)
    else:
        have = (len(data) - found.end()) // 2
        samples = np.frombuffer(data, ">u2", min(have, wanted), found.end()).astype(np.uint16)
    if have < wanted:
        raise TruncatedError("PPM picture data", found=f"{have} samples", expected=f"{wanted}")
    return samples.reshape(height, width, 3)


def write(samples: np.ndarray) -> bytes:
    """The bytes of a binary PPM of 16-bit RGB, uint16 [h, w, 3]."""
    height, width, _ = samples.shape
    return b"P6\n%d %d\n65535\n" % (width, height) + np.ascontiguousarray(samples, ">u2").tobytes()
