"""The command line: results on stdout, progress and remarks on stderr.

Exit codes: 0 done, 1 failed, 2 usage, 3 input refused. A refusal is one line that says what is
wrong, and nothing has been written then. Heavy libraries load only once a command runs.
"""

from __future__ import annotations

from .app import app, main

__all__ = ["app", "main"]
