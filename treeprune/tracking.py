"""Watching a long fit: one logger of the user's own, scikit-learn's callbacks, a progress bar.

The package imports neither TensorBoard nor Weights & Biases: whatever has `add_scalar` (as a
`SummaryWriter`) or `log` (as a run of W&B) is told a row of the history at a time. Callbacks
follow scikit-learn's protocol where the installed version has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["CallbackSupportMixin", "progress", "teller", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands where scikit-learn has no callbacks: there is nothing to set or call."""

    def with_callbacks(method: Callable) -> Callable:
        """The method as it is."""
        return method


def teller(logger: Any) -> Callable[[Mapping[str, float], int], None]:
    """A function that tells a logger a row of figures and its step.

    Parameters
    ----------
    logger : object or None
        With `add_scalar(name, value, step)` or `log(figures, step=step)`.

    Raises
    ------
    TypeError
        If it has neither.

    Examples
    --------
    >>> class Run:
    ...     def log(self, figures, step):
    ...         print(step, figures)
    >>> teller(Run())({"loss": 0.5}, 3)
    3 {'loss': 0.5}
    """
    if logger is None:
        return lambda figures, step: None
    if callable(getattr(logger, "add_scalar", None)):

        def each(figures: Mapping[str, float], step: int) -> None:
            for name, value in figures.items():
                logger.add_scalar(name, value, step)

        return each
    if callable(getattr(logger, "log", None)):
        return lambda figures, step: logger.log(dict(figures), step=step)
    raise TypeError(
        f"logger is a {type(logger).__name__} without add_scalar(name, value, step) or "
        "log(figures, step=step); give a TensorBoard SummaryWriter, a W&B run, or None"
    )


@contextmanager
def progress(total: int, what: str, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """A bar on the standard error stream; what it yields moves it on by one and says a word.

    Examples
    --------
    >>> with progress(2, "steps", shown=False) as on:
    ...     on("first")
    """
    if not shown:
        yield lambda said: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
    )
    # What others print meanwhile stays where they print it.
    console = Console(stderr=True)
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(what, total=total, said="")
        yield lambda said: bar.update(task, advance=1, said=said)
