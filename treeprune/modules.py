"""Packages that can be called like the function they are named after."""

from __future__ import annotations

import inspect
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
        return getattr(self, _function_of(self.__name__))(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        """The function's; what `inspect.signature` and notebooks show."""
        return inspect.signature(getattr(self, _function_of(self.__name__)))


def _function_of(package: str) -> str:
    return package.rpartition(".")[2]


def make_callable(name: str) -> None:
    """Make a package callable: it must hold a function of its own last name.

    Parameters
    ----------
    name : str
        `__name__` of the package.

    Notes
    -----
    The signature is the function's, and the docstring begins by saying so, as `help` shows the
    package and not the function.

    Examples
    --------
    >>> import inspect
    >>> import treeprune.explain  # made so
    >>> callable(treeprune.explain), list(inspect.signature(treeprune.explain).parameters)[:3]
    (True, ['model', 'X', 'y'])
    >>> treeprune.explain.__doc__.splitlines()[0]
    'Called, the package is its function: help(treeprune.explain.explain) says how.'
    """
    package, function = sys.modules[name], _function_of(name)
    package.__class__ = _CallableModule
    first = f"Called, the package is its function: help({name}.{function}) says how."
    package.__doc__ = f"{first}\n\n{package.__doc__ or ''}"
