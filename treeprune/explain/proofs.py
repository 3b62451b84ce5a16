"""Proofs: whether a model never falls (or never rises) in a column, and what it cannot use.

Two rows that differ in one column only meet two rules that overlap in every other column. So all
pairs of such rules decide the question for a partition, exactly: a proof, or two rows as a
counterexample. A sum of trees is monotone if each of them is; where some are not, counterexamples
are sought on the model itself, and without any the question stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..trees import Splits, Trees
from .cells import Cells, cells_of, everything, representative
from .conditions import Condition, NumberCondition, limits_of
from .features import FeatureMap
from .leaves import tree_rules
from .raw_rows import rows_with
from .rules import RuleSet
from .tables import as_frame
from .text import printable

__all__ = ["Monotone", "monotone", "monotone_sum", "rule_outputs", "unused", "unused_by_rules"]

DIRECTIONS = ("increasing", "decreasing")
SLACK = 1e-12  # rounding of sums of leaf values, in units of the largest output
_BLOCK = 256  # rules whose pairs are looked at together
_ROWS, _POINTS = 100, 64  # rows, and values of a column, that a search tries
OutputOf = Callable[[Any], npt.ArrayLike]


@dataclass(frozen=True, eq=False)
class Monotone:
    """Whether the output never falls (increasing) or never rises (decreasing) in a column.

    Parameters
    ----------
    column : str
    direction : {"increasing", "decreasing"}
    holds : bool or None
        None where it could not be decided.
    counterexample : DataFrame or None
        Two raw rows that differ in this column only, the lower value first.
    outputs : tuple of (float, float) or None
        What the rules (or the model) say of these two rows.
    scope : str
        What the answer is about, and how it was found.

    Examples
    --------
    Made by `monotone` and `monotone_sum`; see there.

    >>> Monotone("age", "increasing", None).holds is None
    True
    """

    column: str
    direction: str
    holds: bool | None
    counterexample: pd.DataFrame | None = None
    outputs: tuple[float, float] | None = None
    scope: str = ""

    def to_text(self) -> str:
        """The answer on one line.

        Examples
        --------
        >>> Monotone("age", "increasing", True, scope="all inputs").to_text()
        'never falls in age: proved (all inputs)'
        """
        claim = f"never {'falls' if self.direction == 'increasing' else 'rises'} in"
        word = {True: "proved", False: "refuted", None: "undecided"}[self.holds]
        text = f"{claim} {printable(self.column)}: {word}"
        if self.counterexample is not None and self.outputs is not None:
            low, high = self.counterexample[self.column]
            text += f" by {low} -> {high}, output {self.outputs[0]:.6g} -> {self.outputs[1]:.6g}"
        return text + (f" ({self.scope})" if self.scope else "")


def rule_outputs(rules: RuleSet, label: Any = None, *, target: int = 0) -> npt.NDArray[np.float64]:
    """The number that each rule gives: a class's probability, or the target.

    Parameters
    ----------
    rules : RuleSet
    label : optional
        The class; by default the second of two.
    target : int
        Which output of a model with several.

    Returns
    -------
    array of float64, shape (n_rules,)

    Raises
    ------
    ValueError
        If the class is not one of the model's, or has to be given.

    Examples
    --------
    >>> from treeprune.explain.rules import Rule
    >>> rules = RuleSet((), (Rule((), np.array([[0.3, 0.7]])),), (np.array(["bad", "good"]),))
    >>> rule_outputs(rules).tolist(), rule_outputs(rules, "bad").tolist()
    ([0.7], [0.3])
    """
    value = np.stack([rule.value for rule in rules.rules])[:, target]
    if not rules.is_classifier:
        return np.asarray(value[:, 0])
    labels = rules.classes[target].tolist()
    if label is None and len(labels) == 2:
        return np.asarray(value[:, 1])
    if label not in labels:
        raise ValueError(f"label must be one of the classes {labels}, got {label!r}")
    return np.asarray(value[:, labels.index(label)])


def monotone(
    rules: RuleSet,
    column: str,
    direction: str = "increasing",
    *,
    outputs: npt.ArrayLike,
    reference: Any = None,
    output_of: OutputOf | None = None,
) -> Monotone:
    """Whether the output of a partition never falls (or rises) in a column: exact.

    Parameters
    ----------
    rules : RuleSet
        A partition: the leaves of a tree, or the joint partition of several.
    column : str
        A raw column of numbers.
    direction : {"increasing", "decreasing"}
    outputs : array-like of float, shape (n_rules,)
        A number for each rule, as from `rule_outputs`.
    reference : DataFrame or array, optional
        Raw rows; counterexamples are then made of values that occur, where possible.
    output_of : callable, optional
        From raw rows to the model's own output, shape (n_rows,); verifies a counterexample.

    Returns
    -------
    Monotone

    Raises
    ------
    ValueError
        If the column is not a raw column of numbers, or another argument is malformed.

    Notes
    -----
    O(n_rules² · bits of the columns), in blocks of rules, without looking at rows. Missing values
    of the column itself are not compared; those of other columns are values like others. Outputs
    within 1e-12 (of the largest) count as equal. Where rules ask for derived columns, a proof
    still holds for all inputs, but a counterexample can only be sought on reference rows.

    Examples
    --------
    >>> from treeprune.explain.conditions import Column
    >>> from treeprune.explain.rules import Rule
    >>> short, long = (
    ...     Rule((NumberCondition(0, (interval,), False),), np.zeros((1, 1)))
    ...     for interval in ((-np.inf, 11.5), (11.5, np.inf))
    ... )
    >>> rules = RuleSet((Column("months", integer=True),), (short, long))
    >>> monotone(rules, "months", outputs=[0.2, 0.5]).holds
    True
    >>> monotone(rules, "months", outputs=[0.5, 0.2]).counterexample["months"].tolist()
    [11, 12]
    """
    position = _number_column(rules, column, direction)
    value = np.asarray(outputs, dtype=np.float64)
    if value.shape != (len(rules),):
        raise ValueError(f"outputs must be {len(rules)} numbers, one a rule; got {value.shape}")
    frame = None if reference is None else as_frame(reference)
    used = [rules.columns[c] for c in rules.used]
    through = [c.name for c in used if column in c.sources]
    if through:
        scope = f"{', '.join(map(printable, through))} is made of it and cannot be undone"
        return _sought(rules, position, direction, reference, output_of, scope)
    if position not in rules.used:
        return Monotone(column, direction, True, scope="all inputs: no rule asks for it")
    pair = _worst_pair(cells_of(rules), position, value if direction == "increasing" else -value)
    if pair is None:
        return Monotone(column, direction, True, scope="all inputs: every pair of rules")
    if any(c.kind == "derived" for c in used):
        scope = "two rules contradict it, but perhaps no row meets both"
        return _sought(rules, position, direction, reference, output_of, scope)
    rows = _rows_of(rules, pair, position, frame, reference)
    told = (float(value[pair[0]]), float(value[pair[1]]))
    if output_of is not None:
        first, second = (float(v) for v in np.asarray(output_of(rows)).reshape(-1))
        if not _falls(first, second, direction):
            scope = "two rules contradict it, but the model itself does not on their rows"
            return Monotone(column, direction, None, scope=scope)
        told = (first, second)
    scope = "two rules" if output_of is None else "two rules, verified on the model"
    return Monotone(column, direction, False, as_frame(rows), told, scope)


def _number_column(rules: RuleSet, column: str, direction: str) -> int:
    numbers = [c.name for c in rules.columns if c.kind == "number"]
    if column not in numbers:
        raise ValueError(f"monotone is about raw columns of numbers, {numbers}; got {column!r}")
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}, got {direction!r}")
    return next(i for i, c in enumerate(rules.columns) if c.name == column)


def _worst_pair(
    cells: Cells, column: int, value: npt.NDArray[np.float64]
) -> tuple[int, int] | None:
    """The pair of rules, lower and higher in the column, between which the value falls most."""
    present = ~np.isnan(cells.points[column])
    meets = cells.meets[column][:, present]
    some = meets.any(axis=1)
    lowest = np.where(some, meets.argmax(axis=1), len(meets[0]))
    highest = np.where(some, meets.shape[1] - 1 - meets[:, ::-1].argmax(axis=1), -1)
    # Columns with many cells rule out most pairs, so that the others have few left to look at.
    others = sorted((c for c in cells.bits if c != column), key=lambda c: -len(cells.points[c]))
    slack = SLACK * max(1.0, float(np.abs(value).max(initial=0.0)))
    best, worst = None, slack
    for start in range(0, cells.n_rules, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, cells.n_rules))
        falls = (value[rows, None] - value > worst) & (lowest[rows, None] < highest)
        first, second = np.nonzero(falls)
        first += start
        for c in others:
            both = cells.overlap_pairs(c, first, second)
            first, second = first[both], second[both]
        if len(first):
            k = int(np.argmax(value[first] - value[second]))
            best = (int(first[k]), int(second[k]))
            worst = float(value[first[k]] - value[second[k]])
    return best


def _falls(first: float, second: float, direction: str) -> bool:
    """Whether the outputs of a lower and a higher value go against the direction."""
    fall = first - second if direction == "increasing" else second - first
    return fall > SLACK * max(1.0, abs(first), abs(second))


def _rows_of(
    rules: RuleSet, pair: tuple[int, int], column: int, frame: pd.DataFrame | None, reference: Any
) -> Any:
    """Two rows that meet a pair of rules and differ in the column only."""
    seen: list[npt.NDArray] | None = None if frame is None else rules.values(reference)
    shared: dict[int, Condition] = {}
    for i in pair:
        for condition in rules.rules[i].conditions:
            c = condition.column
            if c != column:
                known = shared.get(c)
                shared[c] = condition if known is None else known & condition  # type: ignore[operator]
    base = 0
    if seen is not None:  # the row that meets most of it already
        met = sum(condition.meets(seen[c]).astype(int) for c, condition in shared.items())
        base = int(np.argmax(met)) if shared else 0
        shared = {c: k for c, k in shared.items() if not k.meets(seen[c][[base]])[0]}
    values = {
        c: representative(condition, rules.columns[c], None if seen is None else seen[c])
        for c, condition in shared.items()
    }
    row = _row(reference, base) if seen is not None else _blank(rules)
    ends = []
    for i, last in zip(pair, (False, True), strict=True):
        asked = rules.rules[i].condition(column)
        assert isinstance(asked, NumberCondition)  # else the two rules would be one
        interval = asked.intervals[-1 if last else 0]
        number = NumberCondition(column, (interval,), False)
        ends.append(
            representative(number, rules.columns[column], None if seen is None else seen[column])
        )
    return rows_with(rules, row, [{**values, column: end} for end in ends])


def _blank(rules: RuleSet) -> pd.DataFrame:
    """A row of plain values for rules that came without any row."""
    cells: dict[str, Any] = {}
    for i, about in enumerate(rules.columns):
        if about.kind == "derived":
            continue
        value = representative(everything(i, about), about)
        if about.kind == "category":
            categories = about.categories
            cells[about.name] = [categories[int(value)] if value >= 0 else None]
        else:
            cells[about.name] = [int(value) if about.integer else value]
    return pd.DataFrame(cells)


def _sought(
    rules: RuleSet,
    column: int,
    direction: str,
    reference: Any,
    output_of: OutputOf | None,
    scope: str,
) -> Monotone:
    """A counterexample among reference rows whose column takes other values that occur."""
    name = rules.columns[column].name
    if reference is None or output_of is None:
        return Monotone(name, direction, None, scope=scope)
    values = rules.values(reference)[column]
    points = np.unique(values[np.isfinite(values)])
    rows = np.random.default_rng(0).permutation(len(values))[:_ROWS]
    starts = (_row(reference, int(row)) for row in rows)
    found = _search(rules, column, direction, starts, points, output_of)
    if found is None:
        return Monotone(name, direction, None, scope=f"{scope}; none found on {len(rows)} rows")
    return Monotone(name, direction, False, as_frame(found[0]), found[1], "found on the model")


def _search(
    rules: RuleSet,
    column: int,
    direction: str,
    starts: Iterable[Any],
    points: npt.NDArray,
    output_of: OutputOf,
) -> tuple[Any, tuple[float, float]] | None:
    """Two points of the column between which the output of a row goes against the direction."""
    if len(points) > _POINTS:
        points = points[np.unique(np.linspace(0, len(points) - 1, _POINTS).astype(int))]
    for row in starts:
        line = rows_with(rules, row, [{column: float(point)} for point in points])
        told = np.asarray(output_of(line), dtype=np.float64).reshape(-1)
        signed = told if direction == "increasing" else -told
        # The largest fall from any lower point to any higher one.
        high = int(np.argmax(np.maximum.accumulate(signed) - signed))
        low = int(np.argmax(signed[: high + 1]))
        if _falls(float(told[low]), float(told[high]), direction):
            pair = _rows(line, np.array([low, high]))
            pair = pair.reset_index(drop=True) if hasattr(pair, "columns") else pair
            return pair, (float(told[low]), float(told[high]))
    return None


def monotone_sum(
    trees: Trees,
    splits: Splits,
    feature_map: FeatureMap,
    column: str,
    direction: str = "increasing",
    *,
    position: tuple[int, int] = (0, 0),
    reference: Any,
    output_of: OutputOf,
    random_state: int = 0,
    n_rows: int = _ROWS,
) -> Monotone:
    """Whether the output of a sum of trees never falls (or rises) in a column.

    Parameters
    ----------
    trees : Trees
    splits : Splits
    feature_map : FeatureMap
    column : str
        A raw column of numbers.
    direction : {"increasing", "decreasing"}
    position : tuple of (int, int)
        Output and class (or score) on the raw scale that the statement is about.
    reference : DataFrame or array
        Raw rows that counterexamples start from.
    output_of : callable
        From raw rows to the model's own output, shape (n_rows,).
    random_state : int
        Which rows are tried, and in which order.
    n_rows : int
        How many.

    Returns
    -------
    Monotone
        Holds if every tree is monotone in itself (which is sufficient, not necessary); refuted by
        two rows that the model itself contradicts it on; else undecided.

    Notes
    -----
    O(sum over trees of leaves²) for the proof, n_rows · 64 predictions for the search. With more
    than one score behind a softmax (or normalised logits) the other scores must go the other way.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from treeprune import native
    >>> X = np.arange(20.0)[:, None]
    >>> model = RandomForestRegressor(3, random_state=0, monotonic_cst=[1]).fit(X, X[:, 0])
    >>> map = FeatureMap.of(None, X)
    >>> monotone_sum(
    ...     native.read(model), native.splits(model), map, "x0",
    ...     reference=X, output_of=model.predict,
    ... ).holds
    True
    """
    rules = RuleSet(feature_map.columns, (), feature_map=feature_map)
    place = _number_column(rules, column, direction)
    rows = np.random.default_rng(random_state).permutation(len(as_frame(reference)))[:n_rows]
    sample = _rows(reference, rows)
    failed = []
    for part in _one_by_one(trees, splits, feature_map):
        told = _of_one_tree(part, column, direction, position, trees.link, sample)
        failed += [told] if told.holds is not True else []
    if not failed:
        return Monotone(column, direction, True, scope="all inputs: every tree is monotone")
    scope = f"{len(failed)} of {trees.n_trees} trees are not monotone, or may not be"
    points = _points(splits, feature_map, place, sample)
    contradicted = [t.counterexample for t in failed if t.counterexample is not None][:_ROWS]
    starts = [_like(sample, pair.iloc[[0]]) for pair in contradicted]
    starts += [_row(sample, i) for i in range(len(rows))]
    found = _search(rules, place, direction, starts, points, output_of)
    if found is None:
        return Monotone(column, direction, None, scope=f"{scope}; none found on {len(starts)} rows")
    return Monotone(column, direction, False, as_frame(found[0]), found[1], "found on the model")


def _of_one_tree(
    part: RuleSet,
    column: str,
    direction: str,
    position: tuple[int, int],
    link: str,
    sample: Any,
) -> Monotone:
    """Whether what one tree adds goes the right way, and to rival scores the other way."""
    value = np.stack([rule.value for rule in part.rules])[:, position[0]]
    asked = [(value[:, position[1]], direction)]
    if link not in ("identity", "logit", "exp"):
        opposite = DIRECTIONS[1 - DIRECTIONS.index(direction)]
        rivals = (k for k in range(value.shape[1]) if k != position[1])
        asked += [(value[:, k], opposite) for k in rivals]
    for outputs, way in asked:
        told = monotone(part, column, way, outputs=outputs, reference=sample)
        if told.holds is not True:
            break
    return told


def _rows(X: Any, rows: npt.NDArray) -> Any:
    """Some rows of a table, as a table."""
    X = X.to_pandas() if hasattr(X, "to_pandas") else X
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _row(X: Any, i: int) -> Any:
    return _rows(X, np.array([i]))


def _like(reference: Any, frame: pd.DataFrame) -> Any:
    """Rows in the form in which the model takes them."""
    return frame if hasattr(reference, "columns") else frame.to_numpy()


def _one_by_one(trees: Trees, splits: Splits, feature_map: FeatureMap) -> Iterator[RuleSet]:
    """The leaves of each tree as rules, with what each leaf adds to the sum."""
    ends = np.append(trees.roots[1:], trees.n_nodes)
    offsets = splits.category_offsets
    for j, (start, end) in enumerate(zip(trees.roots, ends, strict=True)):
        own = slice(int(start), int(end))
        part = replace(
            trees,
            left=_moved(trees.left[own], start),
            right=_moved(trees.right[own], start),
            roots=np.zeros(1, np.int32),
            value=trees.value[own],
            weight=trees.weight[own],
            n_rows=trees.n_rows[own],
            impurity=trees.impurity[own],
            tree_weight=trees.tree_weight[[j]],
            tree_output=trees.tree_output[[j]],
        )
        categories = slice(0, 0)
        if len(offsets) > 1:
            categories = slice(int(offsets[start]), int(offsets[end]))
        own_splits = replace(
            splits,
            feature=splits.feature[own],
            threshold=splits.threshold[own],
            missing_left=splits.missing_left[own],
            category_offsets=offsets[start : end + 1] - offsets[start]
            if len(offsets) > 1
            else offsets,
            category_values=splits.category_values[categories],
        )
        leaves = tree_rules(part, own_splits, feature_map, lambda raw: raw)
        yield RuleSet(feature_map.columns, leaves, feature_map=feature_map)


def _moved(child: npt.NDArray, start: int) -> npt.NDArray:
    return np.where(child < 0, child, child - start)


def _points(
    splits: Splits, feature_map: FeatureMap, column: int, reference: Any
) -> npt.NDArray[np.float64]:
    """Values on both sides of all limits of a column, whole ones where its values are."""
    limits = limits_of(c for c in feature_map.left(splits).values() if c.column == column)
    about = feature_map.columns[column]
    ascending = np.array([-np.inf, *limits, np.inf])
    seen = feature_map.values(reference)[column]
    return np.unique(
        [
            representative(NumberCondition(column, ((low, high),), False), about, seen)
            for low, high in zip(ascending[:-1].tolist(), ascending[1:].tolist(), strict=True)
        ]
    )


def unused(splits: Splits, feature_map: FeatureMap) -> tuple[str, ...]:
    """Raw columns that the model cannot use: no split reads any model column made of them.

    Parameters
    ----------
    splits : Splits
        Of any number of trees.
    feature_map : FeatureMap

    Returns
    -------
    tuple of str
        In the order of the raw columns. Their values do not matter to any prediction, so that
        every attribution of them is exactly zero.

    Notes
    -----
    O(nodes); proved from the structure, without rows.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import native
    >>> X = np.array([[0.0, 1.0], [1.0, 1.0]])
    >>> model = DecisionTreeRegressor().fit(X, [0.0, 1.0])
    >>> unused(native.splits(model), FeatureMap.of(None, X))
    ('x1',)
    """
    read = np.unique(splits.feature[splits.feature >= 0])
    used = {raw for j in read for raw in feature_map.sources[int(j)].raw}
    raw = feature_map.columns[: feature_map.n_raw]
    return tuple(column.name for i, column in enumerate(raw) if i not in used)


def unused_by_rules(rules: RuleSet) -> tuple[str, ...]:
    """Raw columns that no rule asks for, nor for anything made of them.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    tuple of str

    Notes
    -----
    Can be more than `unused`: splits that no raw row can reach make no rule.

    Examples
    --------
    >>> from treeprune.explain.conditions import Column
    >>> from treeprune.explain.rules import Rule
    >>> unused_by_rules(RuleSet((Column("age"),), (Rule((), np.zeros((1, 1))),)))
    ('age',)
    """
    asked = [rules.columns[c] for c in rules.used]
    used = {c.name for c in asked if c.kind != "derived"}
    used |= {name for c in asked for name in c.sources}
    return tuple(c.name for c in rules.columns if c.kind != "derived" and c.name not in used)
