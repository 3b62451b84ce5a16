"""Writing the report's files: all of them, whole, or none.

Each file is first written under a temporary name in its own folder and then moved into place, so
that a reader never meets a half-written report.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_all"]


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

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_all(Path(folder), {"a.txt": b"text"})]
    ['a.txt']
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting: list[tuple[str, Path]] = []
    try:
        for name, content in files.items():
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            waiting.append((temporary, folder / name))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
        for _, final in waiting:
            if final.is_dir():
                raise IsADirectoryError(f"{final} is a directory")
        for temporary, final in waiting:
            os.replace(temporary, final)
    finally:
        for temporary, _ in waiting:
            Path(temporary).unlink(missing_ok=True)
    return [final for _, final in waiting]


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
