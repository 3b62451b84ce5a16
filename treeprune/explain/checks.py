"""Checks: what was compared with the model itself, on which inputs, and whether it held."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """One comparison of what is said with what the model does.

    Parameters
    ----------
    passed : bool
    scope : str
        `all inputs` where it is proved, else `n of n rows`.
    detail : str
        What was compared, and where it failed.

    Examples
    --------
    >>> str(Check(True, "all inputs", "two models agree"))
    'passed (all inputs): two models agree'
    """

    passed: bool
    scope: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{'passed' if self.passed else 'FAILED'} ({self.scope}): {self.detail}"
