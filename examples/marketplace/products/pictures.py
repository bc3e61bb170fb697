"""What is a picture: known by its bytes, whatever it is called."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from metacore import InvalidDataError

LARGEST = 10 * 2**20
"""Bytes."""
MOST_PIXELS = 40_000_000

MEDIA_TYPES: Mapping[str, str] = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture is."""

    media_type: str
    width: int
    height: int


def picture_of(content: bytes) -> Picture:
    """What the bytes show, read to their end; InvalidDataError if that is no PNG, JPEG or WebP, or is not whole.

    It takes a moment: for a thread.
    """
    # Late: half of the time that the service takes to start would be this.
    from PIL import Image

    # Its own limit is higher, and a warning at first.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES)) as image:
            # By its beginning; what so much would be unpacked to is never made.
            if image.width * image.height > MOST_PIXELS:
                raise InvalidDataError(f"a picture has at most {MOST_PIXELS:,} pixels", field="body")
            # The checksums of a PNG up to its end, which `load` passes over; it leaves nothing to be loaded.
            image.verify()
        with Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES)) as image:
            image.load()
            return Picture(MEDIA_TYPES[str(image.format)], image.width, image.height)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, struct.error):
        # What the readers of the formats raise for what is broken in one way or another.
        raise InvalidDataError("it is no PNG, JPEG or WebP, or not all of it", field="body") from None
