"""Writing the report's files: all of them, whole, or none."""

from __future__ import annotations

from ..files import write_all

__all__ = ["write_all"]
