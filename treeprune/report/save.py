"""Writing the report's files: all of them, whole, or none.

Each file is first written under a temporary name in its own folder and then moved into place, so
that a reader never meets a half-written report.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..path import PruningPath

__all__ = ["path_png", "write_all"]


def path_png(path: PruningPath) -> bytes:
    """The picture of a pruning path as PNG.

    Parameters
    ----------
    path : PruningPath

    Returns
    -------
    bytes
        The same for the same path.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import pruning_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> path_png(pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y)))[1:4]
    b'PNG'
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = path.plot().figure
    FigureCanvasAgg(figure)  # draws without a display, whatever backend is set
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=150, metadata={"Software": None})
    return out.getvalue()


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
