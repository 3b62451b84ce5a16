"""The file around a saved model: a plain zip archive, read with limits and written without a clock.

Everything is read once and checked as bytes, so that a file cannot change between check and use.
Sizes are limited as declared and as unpacked, and names are the few this package writes itself.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

from ..exceptions import UntrustedModelError
from ..files import UnfitFileError, read_regular

__all__ = ["FILE_LIMIT", "SCHEMA_LIMIT", "UNPACKED_LIMIT", "members_of", "packed", "read_bytes"]

FILE_LIMIT = 80 * 2**20  # bytes of a file, unless the caller says otherwise
# Bytes of all members together, and of the arrays once for each time they are referred to: two
# trees of 200,000 nodes for ten classes take 55 MiB.
UNPACKED_LIMIT = 64 * 2**20
SCHEMA_LIMIT = 4 * 2**20  # bytes of the description, which unfolds to many small objects
DIRECTORY_LIMIT = 2 * 2**20  # bytes of the table of contents
MEMBER_LIMIT = 20_000
RATIO_LIMIT = 200  # unpacked to packed, of members over RATIO_FROM bytes; ours stay under 60
RATIO_FROM = 2**20
LEVEL = 6

SCHEMA = "schema.json"
_NAME = re.compile(r"schema\.json|(0|[1-9][0-9]{0,5})\.npy")
_START, _END, _ZIP64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _ZIP64_SIZE = 22, 20
_PLAIN_FLAGS = 0x0800  # names in UTF-8; encryption, patches and sizes given later are not read


def read_bytes(path: str | Path, limit: int = FILE_LIMIT) -> bytes:
    """The content of a regular file.

    Parameters
    ----------
    path : str or Path
    limit : int
        Most bytes.

    Returns
    -------
    bytes

    Raises
    ------
    UntrustedModelError
        If there is no such file, or it is empty, too large or not a regular file.

    Examples
    --------
    >>> try:
    ...     read_bytes(".")
    ... except UntrustedModelError as error:
    ...     print(error)
    .: is a directory; name the file of a saved model
    """
    try:
        raw = read_regular(path, limit)
    except FileNotFoundError:
        raise UntrustedModelError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UntrustedModelError(
            f"{path}: is a directory; name the file of a saved model"
        ) from None
    except UnfitFileError as error:
        raise UntrustedModelError(f"{path}: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UntrustedModelError(f"{path}: cannot be read: {error}") from error
    if not raw:
        raise UntrustedModelError(f"{path}: is empty")
    return raw


def members_of(raw: bytes) -> dict[str, bytes]:
    r"""The members of an archive, unpacked within limits.

    Parameters
    ----------
    raw : bytes
        The archive.

    Returns
    -------
    dict of str to bytes
        `schema.json`, and arrays named `0.npy`, `1.npy`, ….

    Raises
    ------
    UntrustedModelError
        If it is no zip archive, is damaged or cut short, would unpack to too much, or has members
        that a saved model does not have.

    Examples
    --------
    >>> members_of(packed({"schema.json": b"{}", "0.npy": b"x"}))["0.npy"]
    b'x'
    >>> try:
    ...     members_of(b"\x80\x04N.")
    ... except UntrustedModelError as error:
    ...     print(str(error)[:69])
    is not a saved model, which is a zip archive; a pickle is never loade
    """
    _check_frame(raw)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            infos = archive.infolist()
            _check_directory(infos)
            return {info.filename: _unpacked(archive, info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError) as error:
        raise UntrustedModelError(f"is damaged or cut short: {error}") from error
    except (RuntimeError, ValueError, OverflowError) as error:  # unknown methods, odd numbers
        if isinstance(error, UntrustedModelError):
            raise
        raise UntrustedModelError(f"is not an archive of this package: {error}") from error


def _check_frame(raw: bytes) -> None:
    """First and last bytes, from which alone the table of contents is found."""
    if not raw.startswith(_START):
        raise UntrustedModelError(
            "is not a saved model, which is a zip archive; a pickle is never loaded, because "
            "loading one can run any code. Save models with treeprune's save_model"
        )
    end = raw[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(_END):
        raise UntrustedModelError("is damaged or cut short: a zip archive does not end like this")
    # Another table of contents, which would take precedence over the one whose size is checked.
    if raw[-_END_SIZE - _ZIP64_SIZE :].startswith(_ZIP64):
        raise UntrustedModelError("is an archive of a kind (zip64) that saved models never need")
    if int.from_bytes(end[12:16], "little") > DIRECTORY_LIMIT:
        raise UntrustedModelError(
            f"its table of contents has more than {DIRECTORY_LIMIT} bytes, the limit"
        )


def _check_directory(infos: list[zipfile.ZipInfo]) -> None:
    """What the table of contents says, before anything is unpacked."""
    if len(infos) > MEMBER_LIMIT:
        raise UntrustedModelError(f"has {len(infos)} members; the limit is {MEMBER_LIMIT}")
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        if not _NAME.fullmatch(name) or name != info.orig_filename:
            raise UntrustedModelError(
                f"has a member {ascii(info.orig_filename)[:60]}; possible are {SCHEMA} and arrays "
                "such as 0.npy, in no folder"
            )
        if name in seen:
            raise UntrustedModelError(f"has two members named {name}")
        seen.add(name)
        _check_member(info)
    if SCHEMA not in seen:
        raise UntrustedModelError(f"has no {SCHEMA}: it is a zip archive, but not a saved model")
    total = sum(info.file_size for info in infos)
    if total > UNPACKED_LIMIT:
        raise UntrustedModelError(
            f"says it unpacks to {total} bytes; the limit is {UNPACKED_LIMIT}"
        )


def _check_member(info: zipfile.ZipInfo) -> None:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UntrustedModelError(f"{info.filename} is compressed in a way that is not read")
    if info.flag_bits & ~_PLAIN_FLAGS:
        raise UntrustedModelError(f"{info.filename} is encrypted or written in a way not read")
    if info.filename == SCHEMA and info.file_size > SCHEMA_LIMIT:
        raise UntrustedModelError(
            f"{SCHEMA} says it unpacks to {info.file_size} bytes; the limit is {SCHEMA_LIMIT}"
        )
    if info.file_size > max(RATIO_FROM, RATIO_LIMIT * info.compress_size):
        raise UntrustedModelError(
            f"{info.filename} says it unpacks from {info.compress_size} to {info.file_size} bytes, "
            f"more than {RATIO_LIMIT} times as much: a decompression bomb"
        )


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member: as many as were declared, whatever the packed data hold."""
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise UntrustedModelError(
            f"{info.filename} unpacks to {len(content)} bytes, not to {info.file_size} as it says"
        )
    return content


def packed(members: dict[str, bytes]) -> bytes:
    """An archive of members, the same bytes for the same members.

    Parameters
    ----------
    members : dict of str to bytes
        Name to content, in the order wanted.

    Returns
    -------
    bytes

    Examples
    --------
    >>> packed({"schema.json": b"{}"}) == packed({"schema.json": b"{}"})
    True
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            # The earliest date a zip archive can hold, and no traces of the system.
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0
            info.compress_type = zipfile.ZIP_STORED if _is_flat(content) else zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=LEVEL)
    return out.getvalue()


def _is_flat(content: bytes) -> bool:
    """Whether a long member packs so well that it would be taken for a bomb."""
    if len(content) <= RATIO_FROM:
        return False
    return len(content) > RATIO_LIMIT * len(zlib.compress(content, LEVEL)) // 2
