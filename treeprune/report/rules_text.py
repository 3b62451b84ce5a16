"""The leaves of a tree as lines of conditions on model columns, checked by following them.

scikit-learn rounds inputs to float32 before it compares them, so that a printed threshold can
route a row otherwise than the model. Every bound is therefore printed as a decimal that routes
all checked rows as the model does, kept beside it is the exact limit, and `follow` re-executes
what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import native

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..trees import Splits
    from .columns import ModelColumns

    Array = npt.NDArray[np.float64]

__all__ = ["Condition", "Rule", "float32_limit", "follow", "printed_limit", "rules_of"]

MOST_DECIMALS = 6


@dataclass(frozen=True)
class Condition:
    """What a rule asks of one model column: low < x <= high.

    Parameters
    ----------
    column : int
        Model column.
    low, high : str or None
        Printed bounds; None where there is none.
    low_exact, high_exact : float or None
        Bounds that route every float64 as the model does.
    missing : bool
        Whether a missing value meets the condition.
    present : bool
        Whether any value that is not missing meets it.

    Examples
    --------
    >>> Condition(0, None, "11", None, 11.5).high
    '11'
    """

    column: int
    low: str | None
    high: str | None
    low_exact: float | None
    high_exact: float | None
    missing: bool = False
    present: bool = True


@dataclass(frozen=True)
class Rule:
    """A leaf and the conditions that lead to it; columns in the order in which they are asked.

    Examples
    --------
    >>> Rule(0, ()).conditions
    ()
    """

    node: int
    conditions: tuple[Condition, ...]


def float32_limit(threshold: float) -> float:
    """The largest float64 that is <= threshold once rounded to float32.

    Parameters
    ----------
    threshold : float
        As the model has it.

    Returns
    -------
    float
        L such that float32(x) <= threshold exactly when x <= L.

    Examples
    --------
    >>> L = float32_limit(0.1)
    >>> float(np.float32(L)) <= 0.1, float(np.float32(np.nextafter(L, 1))) <= 0.1
    (True, False)
    """
    with np.errstate(over="ignore"):  # beyond the largest float32 comes infinity
        below = np.float32(threshold)
        if float(below) > threshold:
            below = np.nextafter(below, np.float32(-np.inf))
        above = np.nextafter(below, np.float32(np.inf))
    if not np.isfinite(above):
        return float("inf")
    # Both are float32, so that their midpoint is exact in float64; it rounds to the even one.
    middle = (float(below) + float(above)) / 2
    return float(np.nextafter(middle, -np.inf)) if np.float32(middle) == above else middle


def printed_limit(limit: float, values: Array) -> str:
    """A decimal for `<= limit` that sends all `values` to the same side.

    Parameters
    ----------
    limit : float
        The exact limit.
    values : array of float64
        Values of the column to respect; NaN is ignored.

    Returns
    -------
    str
        The values' own last decimal at or below the limit, which is exact for every number with
        as many decimals; else the shortest decimal that routes all values alike.

    Examples
    --------
    >>> printed_limit(11.5, np.array([6.0, 12.0])), printed_limit(0.1849, np.array([0.1, 0.25]))
    ('11', '0.18')
    """
    values = np.unique(values[np.isfinite(values)])
    wanted = values <= limit

    def same(text: str) -> bool:
        return bool(np.array_equal(values <= float(text), wanted))

    decimals = _decimals(values)
    if decimals is not None and abs(limit) < 1e9:
        unit = Decimal(1).scaleb(-decimals)
        last = Decimal(limit).quantize(unit, rounding=ROUND_FLOOR)
        if float(last + unit) <= limit:  # the limit is that number but for binary rounding
            last += unit
        text = f"{last:f}"
        if decimals:
            text = text.rstrip("0").rstrip(".")
        if same(text):
            return "0" if float(text) == 0 else text
    for digits in range(1, 18):
        text = _plain(float(f"{limit:.{digits}g}"))
        if same(text):
            return text
    return repr(limit)


def _decimals(values: Array) -> int | None:
    """The fewest decimals that write all values exactly; None where more than six are needed."""
    for decimals in range(MOST_DECIMALS + 1):
        if np.array_equal(np.round(values, decimals), values):
            return decimals
    return None


def _plain(number: float) -> str:
    text = repr(number + 0.0)
    return text[:-2] if text.endswith(".0") else text


def rules_of(tree: Any, Z: Array) -> list[Rule]:
    """A rule for every leaf of a fitted tree, from left to right.

    Parameters
    ----------
    tree : fitted native tree
    Z : array of float64, shape (n_rows, n_model_columns)
        Rows whose values the printed bounds must respect.

    Returns
    -------
    list of Rule

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> Z = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> tree = DecisionTreeClassifier(random_state=0).fit(Z, [0, 0, 1, 1])
    >>> [(rule.conditions[0].low, rule.conditions[0].high) for rule in rules_of(tree, Z)]
    [(None, '2'), ('2', None)]
    """
    trees, splits = native.read(tree), native.splits(tree)
    texts = _limits(splits, Z)
    rules = []
    for leaf in _leaves_in_order(trees):
        steps = []
        node = leaf
        while trees.parent[node] >= 0:
            above = int(trees.parent[node])
            steps.append((above, int(trees.left[above]) == node))
            node = above
        rules.append(Rule(leaf, _merged(steps[::-1], splits, texts)))
    return rules


def _leaves_in_order(trees: Any) -> list[int]:
    leaves, stack = [], [int(trees.roots[0])]
    while stack:
        node = stack.pop()
        if trees.left[node] < 0:
            leaves.append(node)
        else:
            stack += [int(trees.right[node]), int(trees.left[node])]
    return leaves


def _limits(splits: Splits, Z: Array) -> dict[int, tuple[str, float]]:
    """Printed and exact limit of every split."""
    limits = {}
    for node in np.flatnonzero(splits.feature >= 0):
        threshold = float(splits.threshold[node])
        exact = float32_limit(threshold) if splits.cast32 else threshold
        text = "inf"
        if np.isfinite(exact):
            text = printed_limit(exact, Z[:, splits.feature[node]])
        limits[int(node)] = (text, exact)
    return limits


def _merged(
    steps: list[tuple[int, bool]], splits: Splits, limits: dict[int, tuple[str, float]]
) -> tuple[Condition, ...]:
    """One condition a column: the tightest bounds, and whether missing values go all the way."""
    found: dict[int, dict[str, Any]] = {}
    for node, goes_left in steps:
        text, exact = limits[node]
        column = found.setdefault(int(splits.feature[node]), {"missing": True})
        column["missing"] &= bool(splits.missing_left[node]) == goes_left
        side = "high" if goes_left else "low"
        known = column.get(side)
        if known is None or (exact < known[1] if goes_left else exact > known[1]):
            column[side] = (text, exact)
    conditions = []
    for name, column in found.items():
        low, high = column.get("low"), column.get("high")
        if high is not None and np.isinf(high[1]):
            high = None  # every number goes left of an infinite threshold
        nothing = low is not None and np.isinf(low[1])
        conditions.append(
            Condition(
                name,
                None if low is None or nothing else low[0],
                None if high is None or nothing else high[0],
                None if low is None or nothing else low[1],
                None if high is None or nothing else high[1],
                column["missing"],
                not nothing,
            )
        )
    return tuple(conditions)


def follow(rules: list[Rule], Z: Array, *, exact: bool = False) -> npt.NDArray[np.int64]:
    """The leaf that the rules name for every row.

    Parameters
    ----------
    rules : list of Rule
    Z : array of float64, shape (n_rows, n_model_columns)
    exact : bool
        Follow the exact limits instead of the printed ones.

    Returns
    -------
    array of int64, shape (n_rows,)
        -1 where no rule, or more than one, takes the row.

    Examples
    --------
    >>> rule = Rule(3, (Condition(0, None, "2", None, 2.0),))
    >>> follow([rule], np.array([[1.0], [5.0]])).tolist()
    [3, -1]
    """
    node = np.full(len(Z), -1, dtype=np.int64)
    taken = np.zeros(len(Z), dtype=np.int64)
    for rule in rules:
        meets = np.ones(len(Z), dtype=bool)
        for condition in rule.conditions:
            meets &= _meets(condition, Z[:, condition.column], exact)
        node[meets] = rule.node
        taken += meets
    node[taken != 1] = -1
    return node


def _meets(condition: Condition, x: Array, exact: bool) -> npt.NDArray[np.bool_]:
    low: float | None
    high: float | None
    if exact:
        low, high = condition.low_exact, condition.high_exact
    else:
        low = None if condition.low is None else float(condition.low)
        high = None if condition.high is None else float(condition.high)
    missing = np.isnan(x)
    meets = np.full(len(x), condition.present)
    if low is not None:
        meets &= x > low
    if high is not None:
        meets &= x <= high
    return np.where(missing, condition.missing, meets)


def condition_text(
    condition: Condition, columns: ModelColumns, has_missing: npt.NDArray[np.bool_]
) -> str:
    """A condition in words, such as `11 < age <= 30 or missing`, `purpose=car is no`.

    Parameters
    ----------
    condition : Condition
    columns : ModelColumns
    has_missing : array of bool, shape (n_model_columns,)
        Columns of which some value is missing: only there the direction is said.

    Returns
    -------
    str

    Examples
    --------
    >>> from treeprune.report.columns import ModelColumns
    >>> columns = ModelColumns(("age",), ("age",), (False,), {})
    >>> condition_text(Condition(0, "11", "30", 11.5, 30.5, True), columns, np.array([True]))
    '11 < age <= 30 or missing'
    """
    name = columns.names[condition.column]
    if columns.is_indicator[condition.column]:
        return f"{name} is {'no' if condition.low is None else 'yes'}"
    if not condition.present:
        return f"{name} is missing"
    if condition.low is None and condition.high is None:
        return f"{name} is present" if not condition.missing else f"{name} is anything"
    if condition.low is None:
        text = f"{name} <= {condition.high}"
    elif condition.high is None:
        text = f"{name} > {condition.low}"
    else:
        text = f"{condition.low} < {name} <= {condition.high}"
    if not has_missing[condition.column]:
        return text
    return f"{text} {'or missing' if condition.missing else 'and not missing'}"
