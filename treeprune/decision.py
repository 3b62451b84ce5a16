"""Decision: what a prediction means to the person it is about.

A probability decides nothing. Which class is adverse, from which probability on a row gets the
adverse decision, how a reason is worded and which columns may not be named are said once, here,
and shared by reasons, counterfactuals, rules and reports; nothing of it is ever guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Decision"]

DIRECTIONS = ("high", "low", "missing", "any")
_COSTS = ("miss", "false_alarm")
_SLACK = 1e-9  # rounding that a sum of probabilities may carry
_NOT_GIVEN = object()


@dataclass(frozen=True)
class Decision:
    """Who gets the adverse decision, and in which words it is explained.

    Parameters
    ----------
    adverse : label
        The class that counts against the person: "bad", 1, True, …
    cutoff : float, optional
        The decision is adverse when P(adverse) >= cutoff; above 0, at most 1.
    costs : mapping or array, optional
        Instead of a cut-off, what wrong decisions cost: `{"miss": 5, "false_alarm": 1}` (a miss
        is a favourable decision about a row of the adverse class), or a 2 × 2 matrix [true,
        decided] in the order favourable, adverse. The cut-off is then where both decisions cost
        the same (Elkan 2001): false_alarm / (false_alarm + miss).
    wording : mapping, optional
        Column -> text, or column -> {"high": text, "low": text, "missing": text, a category:
        text, "any": text} for the reason that this column is.
    unnameable : sequence of str
        Columns that reasons never name.
    sensitive : sequence of str
        Columns such as sex or origin, which groups are compared by; reasons never name them.
    immutable : sequence of str
        Columns that a person cannot change: never part of a counterfactual.
    directions : mapping of str to {"increase", "decrease"}
        The only direction in which a person can change a number.
    adverse_word, favourable_word : str
        What the two decisions are called, such as "declined" and "approved".

    Raises
    ------
    ValueError
        If neither `cutoff` nor `costs` is given, if they contradict each other, or if one of
        the arguments is malformed.

    Examples
    --------
    >>> decision = Decision(
    ...     adverse="bad",
    ...     costs={"miss": 5, "false_alarm": 1},
    ...     wording={"duration": {"high": "The term of the loan is long"}},
    ... )
    >>> round(decision.cutoff, 4), decision.decide([0.1, 0.2]).tolist()
    (0.1667, [False, True])
    >>> decision.wording_for("duration", "high"), decision.wording_for("savings", "low")
    ('The term of the loan is long', 'savings: low')
    """

    adverse: Any
    cutoff: float | None = None
    costs: Any = None
    wording: Mapping[str, Any] = field(default_factory=dict)
    unnameable: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)
    adverse_word: str = "adverse"
    favourable_word: str = "favourable"

    def __post_init__(self) -> None:
        adverse = self.adverse.item() if isinstance(self.adverse, np.generic) else self.adverse
        if np.ndim(adverse) > 0 or _is_missing(adverse):
            raise ValueError(f"adverse must be the label of one class, got {self.adverse!r}")
        costs = _checked_costs(self.costs)
        checked = {
            "adverse": adverse,
            "cutoff": _checked_cutoff(self.cutoff, costs),
            "costs": costs,
            "wording": _checked_wording(self.wording),
            "unnameable": _checked_names("unnameable", self.unnameable),
            "sensitive": _checked_names("sensitive", self.sensitive),
            "immutable": _checked_names("immutable", self.immutable),
            "directions": _checked_directions(self.directions),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        for name in ("adverse_word", "favourable_word"):
            _check_text(name, getattr(self, name))
        if self.adverse_word == self.favourable_word:
            raise ValueError(
                f"adverse_word and favourable_word are both {self.adverse_word!r}: give two words"
            )

    def decide(self, p_adverse: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which rows get the adverse decision.

        Parameters
        ----------
        p_adverse : array-like of float, any shape
            Probability of the adverse class.

        Returns
        -------
        array of bool, same shape
            `p_adverse >= cutoff`.

        Raises
        ------
        ValueError
            If a value is no probability.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5).decide([0.4, 0.5]).tolist()
        [False, True]
        """
        p = np.asarray(p_adverse, dtype=np.float64)
        wrong = ~((p >= -_SLACK) & (p <= 1 + _SLACK))
        if wrong.any():
            raise ValueError(
                f"decide takes probabilities of the adverse class, got {p[wrong].flat[0]!r}; "
                "give a column of predict_proba"
            )
        return np.asarray(p >= np.float64(self.cutoff))

    def position(self, classes: Iterable) -> int:
        """Which class is the adverse one; all others together are the favourable side.

        Parameters
        ----------
        classes : array-like, shape (n_classes,)
            The estimator's `classes_`.

        Returns
        -------
        int
            Position in `classes`, which is the column of `predict_proba`.

        Raises
        ------
        ValueError
            If the adverse label is not one of at least two classes.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5).position(["bad", "good"])
        0
        """
        labels = np.asarray(classes).tolist()
        found = [i for i, label in enumerate(labels) if label == self.adverse]
        if len(found) != 1 or len(labels) < 2:
            raise ValueError(
                f"the adverse class {self.adverse!r} must be one of at least two classes of the "
                f"model, which has {labels if labels else 'none (it predicts a number)'}; "
                "give Decision(adverse=…) one of the model's classes_"
            )
        return found[0]

    def check_columns(
        self, names: Iterable[str], categories: Mapping[str, Iterable] | None = None
    ) -> None:
        """Refuse wording and lists that speak of what does not exist.

        Parameters
        ----------
        names : iterable of str
            Columns of the caller's rows.
        categories : mapping of str to iterable, optional
            The categories of each column that has them; wording for anything else is refused,
            so that a misspelt category cannot fall back to the default wording in silence.

        Raises
        ------
        ValueError
            If one of the arguments names another column, or `wording` a
            category that the column does not have.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5, sensitive=["age"]).check_columns(["age", "income"])
        """
        known = list(names)
        for argument in ("wording", "unnameable", "sensitive", "immutable", "directions"):
            lacking = [name for name in getattr(self, argument) if name not in known]
            if lacking:
                raise ValueError(
                    f"{argument} of the Decision speaks of {lacking}, which are no columns; "
                    f"columns are {known}"
                )
        if categories is None:
            return
        for column, words in self.wording.items():
            if isinstance(words, str):
                continue
            possible = [*DIRECTIONS, *categories.get(column, ())]
            lacking = [key for key in words if key not in possible]
            if lacking:
                raise ValueError(
                    f"wording of column {column!r} speaks of {lacking}; possible are {possible}"
                )

    def may_name(self, column: str) -> bool:
        """Whether a reason may name the column: it is neither unnameable nor sensitive.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5, unnameable=["branch"]).may_name("branch")
        False
        """
        return column not in self.unnameable and column not in self.sensitive

    def wording_for(
        self, column: str, direction: str | None = None, value: Any = _NOT_GIVEN
    ) -> str:
        """The text of the reason that a column is.

        Parameters
        ----------
        column : str
        direction : {"high", "low", "missing", "any"}, optional
            Of a number, on which side it counts against the person; None for a category.
        value : optional
            The row's own value. A missing one (None, NaN) is worded as missing whatever the
            direction; a category matters where there is no direction.

        Returns
        -------
        str
            The wording for this direction or category, else that for `any`, else the column and
            the direction or category.

        Raises
        ------
        ValueError
            If the direction is not one of these.

        Examples
        --------
        >>> decision = Decision("bad", cutoff=0.5, wording={"use": {"car": "A car loan"}})
        >>> decision.wording_for("use", value="car"), decision.wording_for("use", value="tv")
        ('A car loan', 'use: tv')
        """
        if direction is not None and direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {DIRECTIONS} or None, got {direction!r}")
        key = _plain(value) if direction is None else direction
        if value is _NOT_GIVEN:
            key = direction or "any"
        elif _is_missing(value):
            key = "missing"
        words = self.wording.get(column, {})
        if isinstance(words, str):
            return words
        for asked in (key, "any"):
            if asked in words:
                return str(words[asked])
        return _one_line(column) if key == "any" else f"{_one_line(column)}: {_one_line(key)}"

    def word(self, is_adverse: bool) -> str:
        """What the decision is called.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5, adverse_word="declined").word(True)
        'declined'
        """
        return self.adverse_word if is_adverse else self.favourable_word

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain values that JSON can hold.

        Examples
        --------
        >>> Decision("bad", cutoff=0.5).to_dict()["cutoff"]
        0.5
        """
        costs = self.costs
        return {
            "adverse": self.adverse
            if isinstance(self.adverse, str | int | float | bool)
            else str(self.adverse),
            "cutoff": self.cutoff,
            "costs": dict(costs) if isinstance(costs, dict) else costs and [list(r) for r in costs],
            "wording": {
                column: words
                if isinstance(words, str)
                else {str(key): text for key, text in words.items()}
                for column, words in self.wording.items()
            },
            "unnameable": list(self.unnameable),
            "sensitive": list(self.sensitive),
            "immutable": list(self.immutable),
            "directions": dict(self.directions),
            "adverse_word": self.adverse_word,
            "favourable_word": self.favourable_word,
        }


def _checked_costs(costs: Any) -> dict[str, float] | tuple[tuple[float, ...], ...] | None:
    """A mapping with both costs, or a matrix as tuples."""
    if costs is None:
        return None
    if isinstance(costs, Mapping):
        if set(costs) != set(_COSTS):
            raise ValueError(f"costs must have the keys {list(_COSTS)}, got {list(costs)}")
        return {name: float(costs[name]) for name in _COSTS}
    matrix = np.asarray(costs, dtype=np.float64)
    if matrix.shape != (2, 2):
        raise ValueError(
            "costs must be {'miss': …, 'false_alarm': …} or a 2 x 2 matrix [true, decided] in the "
            f"order favourable, adverse; got shape {matrix.shape}"
        )
    return tuple(tuple(row) for row in matrix.tolist())


def _checked_cutoff(
    cutoff: float | None, costs: dict[str, float] | tuple[tuple[float, ...], ...] | None
) -> float:
    """The cut-off that is given or follows from the costs."""
    if cutoff is None and costs is None:
        raise ValueError(
            "a Decision needs a cutoff (adverse when P(adverse) >= cutoff) or costs to derive it "
            "from, such as costs={'miss': 5, 'false_alarm': 1}"
        )
    if costs is None:
        if isinstance(cutoff, bool) or not isinstance(cutoff, int | float | np.number):
            raise ValueError(f"cutoff must be a probability, got {cutoff!r}")
        if not 0 < cutoff <= 1:
            raise ValueError(f"cutoff must be above 0 and at most 1, got {cutoff!r}")
        return float(cutoff)
    if isinstance(costs, dict):
        miss, false_alarm = costs["miss"], costs["false_alarm"]
    else:
        miss, false_alarm = costs[1][0] - costs[1][1], costs[0][1] - costs[0][0]
    if not (0 < miss < np.inf and 0 < false_alarm < np.inf):
        raise ValueError(
            "a wrong decision must cost more than the right one: a miss costs "
            f"{miss:g} more, a false alarm {false_alarm:g}; both must be above 0 and finite"
        )
    derived = false_alarm / (false_alarm + miss)
    if cutoff is not None and abs(cutoff - derived) > 1e-12:
        raise ValueError(
            f"cutoff={cutoff!r} contradicts costs, from which {derived!r} follows; give one of them"
        )
    return derived


def _checked_wording(wording: Mapping[str, Any]) -> dict[str, Any]:
    """A copy, with every text checked."""
    if not isinstance(wording, Mapping):
        raise ValueError(f"wording must map columns to texts, got {wording!r}")
    out: dict[str, Any] = {}
    for column, words in wording.items():
        if not isinstance(column, str):
            raise ValueError(f"wording is by column name, a text; got {column!r}")
        if not isinstance(words, Mapping):
            _check_text(f"wording of column {column!r}", words)
            out[column] = words
            continue
        if not words:
            raise ValueError(
                f"wording of column {column!r} is empty; give a text, or texts for "
                f"{list(DIRECTIONS)} or for categories"
            )
        for key, text in words.items():
            _check_text(f"wording of column {column!r}, {key!r},", text)
        out[column] = {_plain(key): text for key, text in words.items()}
    return out


def _checked_names(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError(f"{argument} is a list of columns: give [{names!r}] for a single one")
    out = tuple(names)
    wrong = [name for name in out if not isinstance(name, str)]
    if wrong:
        raise ValueError(f"{argument} must hold column names, which are texts; got {wrong}")
    return out


def _checked_directions(directions: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(directions, Mapping):
        raise ValueError(f"directions must map columns to a direction, got {directions!r}")
    for column, direction in directions.items():
        if direction not in ("increase", "decrease"):
            raise ValueError(
                f"the direction of column {column!r} must be 'increase' or 'decrease', got "
                f"{direction!r}"
            )
    return dict(directions)


def _check_text(what: str, text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{what} must be a text, not empty; got {text!r}")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _one_line(value: Any) -> str:
    """Names and categories on one line: control characters would break a notice."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
