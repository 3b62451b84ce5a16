"""Packages that can be called like the function they are named after."""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["make_callable"]


class _CallableModule(types.ModuleType):
    """A package and, called, its main function of the same name.

    Python binds a package's name in its parent whenever a module of it is first imported, so that
    a function of the same name would be there or not depending on what was imported before.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def make_callable(name: str) -> None:
    """Make a package callable: it must hold a function of its own last name.

    Parameters
    ----------
    name : str
        `__name__` of the package.

    Examples
    --------
    >>> import treeprune.explain  # made so
    >>> callable(treeprune.explain)
    True
    """
    sys.modules[name].__class__ = _CallableModule
