"""The bytes of a file, within a limit: nothing that hangs, nothing that swells.

Devices and pipes are never waited for. Gzip data are inflated twice, the first time only to count
what comes out, so that a file made to swell is refused without ever being held.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ...files import UnfitFileError, read_regular
from .table import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .table import ReadLimits

__all__ = ["GZIP", "bytes_of", "inflated"]

GZIP = b"\x1f\x8b"
_STEP = 1 << 20
_GZIP_BITS = 16 + zlib.MAX_WBITS


def bytes_of(path: Path, limits: ReadLimits) -> bytes:
    """The bytes of a regular file.

    Parameters
    ----------
    path : Path
    limits : ReadLimits

    Returns
    -------
    bytes
        Not only white space.

    Raises
    ------
    InputRefused
        If there is no such file, it is no regular file, too large, empty, or cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from treeprune.report.intake import ReadLimits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "a.csv"
    ...     _ = file.write_text("x")
    ...     bytes_of(file, ReadLimits())
    b'x'
    """
    try:
        raw = read_regular(path, limits.bytes)
    except FileNotFoundError as error:
        raise InputRefused(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputRefused(f"{path}: is a directory; name a file in it") from error
    except UnfitFileError as error:
        limits.check(path, "bytes", error.size or 0)
        raise InputRefused(f"{path}: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        told = getattr(error, "strerror", None) or error
        raise InputRefused(f"{path}: cannot be read ({told})") from error
    if not raw or raw.isspace():
        raise InputRefused(f"{path}: the file is empty")
    return raw


def inflated(path: Path, raw: bytes, limits: ReadLimits) -> bytes:
    """What gzip data hold, of one or several members.

    Parameters
    ----------
    path : Path
        The file, for messages.
    raw : bytes
    limits : ReadLimits

    Returns
    -------
    bytes

    Raises
    ------
    InputRefused
        If the data are broken or end early, or hold too many bytes or none.

    Examples
    --------
    >>> import gzip, pathlib
    >>> from treeprune.report.intake import ReadLimits
    >>> inflated(pathlib.Path("a.csv.gz"), gzip.compress(b"x,y"), ReadLimits())
    b'x,y'
    """
    size = 0
    for piece in _pieces(path, raw):
        size += len(piece)
        if size > limits.bytes:
            raise InputRefused(
                f"{path}: {len(raw):,} bytes that unpack to more than the limit of "
                f"{limits.bytes:,} bytes; --max-bytes raises it"
            )
    text = b"".join(_pieces(path, raw))
    if not text or text.isspace():
        raise InputRefused(f"{path}: the file is empty once unpacked")
    return text


def _pieces(path: Path, raw: bytes) -> Iterator[bytes]:
    """What comes out, at most a mebibyte at a time, whatever goes in."""
    data, at = memoryview(raw), 0
    while at < len(raw):
        member = zlib.decompressobj(_GZIP_BITS)
        rest: bytes = b""
        try:
            while not member.eof:
                if not rest:
                    rest = bytes(data[at : at + _STEP])
                    at += len(rest)
                    if not rest:
                        raise InputRefused(f"{path}: the gzip data end too early")
                yield member.decompress(rest, _STEP)
                rest = member.unconsumed_tail
        except zlib.error as error:
            raise InputRefused(f"{path}: the gzip data are broken ({error})") from error
        at -= len(member.unused_data)
        while at < len(raw) and data[at] == 0:  # members may be padded with zeros
            at += 1
