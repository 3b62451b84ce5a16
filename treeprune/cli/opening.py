"""Saved models as the commands ask them: checked, and with their decision in words.

A file comes from a stranger until it is checked. `treeprune.saving` checks the archive and the
model; what the model says of its own decision is checked here, before any figure rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ..report import Costs, Study, Words
    from ..saving import Saved

__all__ = ["OpenedModel", "opened"]


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A saved model, ready to be asked.

    Parameters
    ----------
    file : str
        Name of its file.
    saved : Saved
        As it was loaded.
    model : Pipeline
        From raw columns on.
    grown : Pipeline or None
        The same preprocessing before the model as grown.
    costs : Costs or None
        Of the errors of its decision.
    words : Words
        How its decision is said.

    Examples
    --------
    >>> OpenedModel("a.skops", None, None, None, None, None).file
    'a.skops'
    """

    file: str
    saved: Saved
    model: Any
    grown: Any
    costs: Costs | None
    words: Words

    @property
    def about(self) -> dict[str, Any]:
        """What the file says of the model."""
        return self.saved.about

    @property
    def word(self) -> str:
        """What kind of model it is: "tree", "forest", "booster", "network", "linear model"."""
        from .. import native

        last = native.unwrap(self.model[-1])
        if native.is_network(last):
            return native.read_network(last).kind
        return native.family(last)

    @property
    def target(self) -> str:
        """The column that it predicts."""
        return str(self.about["target"])

    @property
    def task(self) -> str:
        """`binary`, `multiclass` or `regression`."""
        return str(self.about["task"])

    @property
    def labels(self) -> list[str]:
        """Text of each class; empty for regression."""
        return list(self.about["labels"])

    @property
    def columns(self) -> list[str]:
        """The raw columns that it takes, in its order."""
        return [column["name"] for column in self.about["columns"]]

    @property
    def cutoff_text(self) -> str:
        """From which P on it acts, as the report writes it."""
        return "1/2" if self.costs is None else self.costs.cutoff_text

    @property
    def acts_if(self) -> str | None:
        """The condition on P from which it acts, of two classes; None of others."""
        if self.task != "binary":
            return None
        return f"P {'>' if self.costs is None else '>='} {self.cutoff_text}"

    def decides(self, proba: npt.NDArray) -> npt.NDArray:
        """Whether the model acts, of two classes: from the cut-off on, else the likelier one."""
        if self.costs is None:
            return proba.argmax(axis=1) == 1
        return proba[:, 1] >= self.costs.acts_from

    def study(self, X: pd.DataFrame, y: npt.NDArray) -> Study:
        """Rows and outcomes as the report's functions take them; there are no training rows."""
        import numpy as np

        from ..report import Study

        return Study(
            name=self.about["name"],
            target=self.target,
            task=self.task,
            X_train=X.iloc[:0],
            X_test=X,
            y_train=y[:0],
            y_test=y,
            test_rows=np.arange(len(X)),
            labels=tuple(self.labels),
            costs=self.costs,
            words=self.words,
            seed=self.about["seed"],
        )

    def said(self) -> dict[str, Any]:
        """The model in a JSON document."""
        names = ("name", "target", "task", "labels", "decision", "seed", "sha256", "versions")
        return {"file": self.file, **{name: self.about[name] for name in names}}


def opened(path: Path) -> OpenedModel:
    """Load a saved model, and check what it says of itself.

    Parameters
    ----------
    path : Path
        A file that `treeprune fit` has written.

    Returns
    -------
    OpenedModel

    Raises
    ------
    UntrustedModelError
        If the file is refused; see `treeprune.saving.load_model`.

    Examples
    --------
    >>> from treeprune.exceptions import UntrustedModelError
    >>> try:
    ...     opened(Path("no_such_file.skops"))
    ... except UntrustedModelError as error:
    ...     print(error)
    no_such_file.skops: no such file
    """
    from sklearn.pipeline import make_pipeline

    from ..saving import load_model

    saved = load_model(path)
    _check_told(path, saved.about)
    encoder, last = saved.model[0], saved.model[-1]
    # What stands behind its own scaling becomes one pipeline, which can be read as a whole.
    steps = [step for _, step in getattr(last, "steps", [("", last)])]
    grown = None if saved.grown is None else make_pipeline(encoder, *steps[:-1], saved.grown)
    costs, words = _decision(path, saved.about)
    return OpenedModel(path.name, saved, make_pipeline(encoder, *steps), grown, costs, words)


def _check_told(path: Path, about: dict[str, Any]) -> None:
    """What `load_model` has not compared with the model."""
    from ..exceptions import UntrustedModelError

    for name in ("name", "target", "sha256"):
        if not isinstance(about[name], str):
            raise UntrustedModelError(f"{path}: about: {name} must be text")
    if type(about["seed"]) is not int or not 0 <= about["seed"] < 2**32:
        raise UntrustedModelError(f"{path}: about: seed must be a whole number from 0 to 2**32 - 1")


def _decision(path: Path, about: dict[str, Any]) -> tuple[Costs | None, Words]:
    """Costs and words of the decision that the file states."""
    from ..exceptions import UntrustedModelError
    from ..report import Costs, Words

    told = about["decision"] or {}
    words = told.get("words", {}) if isinstance(told, dict) else None
    costs = told.get("costs") if isinstance(told, dict) else None
    if not isinstance(words, dict) or not all(isinstance(w, str) for w in words.values()):
        raise UntrustedModelError(f"{path}: about: the decision's words must be text by name")
    known = {name: word for name, word in words.items() if name in Words.__dataclass_fields__}
    if costs is None:
        return None, Words(**known)
    told = costs if isinstance(costs, dict) else {}
    miss, alarm = (_cost(told.get(name)) for name in ("miss", "false_alarm"))
    if about["task"] != "binary" or miss is None or alarm is None:
        raise UntrustedModelError(
            f"{path}: about: costs must be two numbers above 0, miss and false_alarm, of a "
            "decision about two classes"
        )
    return Costs(miss, alarm, str(told.get("source") or "as the model says")), Words(**known)


def _cost(value: Any) -> float | None:
    """A cost; None where it is none."""
    is_cost = type(value) in (int, float) and isfinite(value) and value > 0
    return float(value) if is_cost else None
