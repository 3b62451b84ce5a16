"""Files read and written as a whole: what is read is a plain file, what is written is never half.

What a name stands for may change a moment later, so the file that is looked at is the one that is
read, and nothing is waited for that may never end.

Content is first written under a temporary name in the same folder and then moved into place. The
temporary file is made new, never through a link, with the permissions that any new file gets.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

__all__ = ["UnfitFileError", "read_regular", "write_all", "write_whole"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_OLD = os.O_RDONLY | sum(getattr(os, n, 0) for n in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


class UnfitFileError(OSError):
    """A file that is there and is not read: no regular one, too large, or still changing.

    Parameters
    ----------
    why : str
        What is wrong, to be written after the file's name.
    size : int, optional
        Bytes of the file, if it is too large.

    Examples
    --------
    >>> str(UnfitFileError("is not a regular file"))
    'is not a regular file'
    """

    def __init__(self, why: str, size: int | None = None) -> None:
        super().__init__(why)
        self.size = size


def read_regular(path: str | Path, limit: int) -> bytes:
    """The bytes of a regular file, without ever waiting for a pipe or a device.

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
    IsADirectoryError
        If it is a directory.
    UnfitFileError
        If it is not a regular file, has more bytes than the limit (`size` says how many), or
        changes while it is read.
    OSError
        If there is no such file (`FileNotFoundError`), or it cannot be read.
    ValueError
        If the name is none that a file can have.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.csv"
    ...     _ = file.write_text("x")
    ...     read_regular(file, limit=10)
    b'x'
    """
    _check_kind(os.stat(path).st_mode)  # opening a device may already do something
    # If a pipe has taken the file's place meanwhile, opening it must not wait for a writer.
    handle = os.open(path, _OLD)
    try:
        about = os.fstat(handle)
        _check_kind(about.st_mode)
        size = about.st_size
        if size > limit:
            raise UnfitFileError(f"has {size:,} bytes, more than the limit of {limit:,}", size)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            raw = stream.read(size + 1)
    finally:
        os.close(handle)
    if len(raw) != size:  # still being written, or made up by the system as it is read
        raise UnfitFileError("changes while it is read; give a finished file")
    return raw


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("is a directory")
    if not stat.S_ISREG(mode):
        raise UnfitFileError("is not a regular file")


def write_whole(path: Path, content: bytes) -> None:
    """Write one file whole, in place of any that was there.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind, and what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", b"text")
    ...     os.listdir(folder)
    ['a.txt']
    """
    _moved([(path, content)])


def write_all(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if need be; nothing is left half-written.

    Parameters
    ----------
    folder : Path
    files : dict of str to bytes
        File name to content.

    Returns
    -------
    list of Path
        The files, in the order given.

    Raises
    ------
    OSError
        If a file cannot be written; temporary files are removed first.

    Notes
    -----
    No file is moved into place before all are written. A move that fails after that, which takes
    a change from outside, leaves the files moved before it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_all(Path(folder), {"a.txt": b"text"})]
    ['a.txt']
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(folder / name, content) for name, content in files.items()]
    _moved(wanted)
    return [path for path, _ in wanted]


def _moved(wanted: list[tuple[Path, bytes]]) -> None:
    """Write all under temporary names, then move all."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, content in wanted:
            # Not the file's own name with something added, which might be too long.
            temporary = path.parent / f".treeprune-{secrets.token_hex(8)}"
            # The system takes the umask off these permissions.
            with os.fdopen(os.open(temporary, _NEW, 0o666), "wb") as file:
                waiting.append((temporary, path))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for _, path in waiting:
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a directory")
        for temporary, path in waiting:
            os.replace(temporary, path)
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
