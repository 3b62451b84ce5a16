"""The package's version, also where it runs from a checkout that was not installed."""

from __future__ import annotations

from importlib import metadata

__all__ = ["version"]


def version() -> str:
    """Version of the installed package; `(not installed)` in a bare checkout.

    Examples
    --------
    >>> isinstance(version(), str)
    True
    """
    try:
        return metadata.version("treeprune")
    except metadata.PackageNotFoundError:
        return "(not installed)"
