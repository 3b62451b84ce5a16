"""Counterfactuals: the cheapest change of a row that brings it to the outcome that is wanted.

Rules are boxes over raw columns and costs are separable, so that the cheapest way into a rule is
the cheapest value of each column on its own, and the cheapest way to the outcome is the minimum
over the rules that lead there: exact, without any search. Where the rules only imitate a model,
they propose changes, cheapest first, and the model itself decides which is the first that works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from .change_costs import ChangeCosts
from .conditions import Condition
from .raw_rows import raw_value, row_of, rows_with, with_values
from .rules import RuleSet
from .text import category_text, printable, shortened

__all__ = ["Change", "Counterfactual", "Way", "cheapest_change", "cheapest_changes", "find"]

OutputOf = Callable[[Any], npt.ArrayLike]
IsWanted = Callable[[npt.NDArray], npt.ArrayLike]
_BLOCK, _NEAREST = 16, 100  # changes tried at once, rows that values are borrowed from
Values = dict[int, float | int]  # by column: a number, or the code of a category


@dataclass(frozen=True)
class Change:
    """One value that changes.

    Parameters
    ----------
    column : str
    old, new : number, category or None
        None for a missing value.
    cost : float

    Examples
    --------
    >>> Change("months", 36, 11, 1.7).to_text()
    'months 36 -> 11'
    """

    column: str
    old: Any
    new: Any
    cost: float

    def to_text(self) -> str:
        """The change on one line.

        Examples
        --------
        >>> Change("savings", None, "over 100", 1.0).to_text()
        'savings missing -> over 100'
        """
        # What must be set is said in full, what was there is only recognised.
        new = "missing" if self.new is None else category_text(self.new)
        is_number = isinstance(self.old, float)
        old = shortened(self.old) if is_number else category_text(self.old)
        old = "missing" if self.old is None else old
        return f"{printable(self.column)} {old} -> {new}"


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """A change of one row that leads to the wanted outcome, or why there is none.

    Parameters
    ----------
    changes : tuple of Change
        Dearest first; empty if the row has the outcome already or there is no way.
    cost : float
        Sum of their costs; infinite if there is no way.
    feasible : bool
    exact : bool
        Whether no cheaper change exists under the costs given (of continuous numbers up to a
        thousandth of their scale, which pays for shorter decimals).
    rule : int
        The rule that takes the changed row; -1 if there is none.
    before, after : float
        The output (the probability of the adverse class, or the number) of the row as it is and
        as changed; NaN where not known.
    note : str
        Why there is no way, or what was not considered.
    values : mapping of int to number or code
        The new values, by position of the column.
    rules : RuleSet or None
        Knows which column stands where.

    Examples
    --------
    Made by `find`; see there.

    >>> there = Counterfactual((Change("months", 36, 11, 1.7),), 1.7, True, True)
    >>> there.feasible, there.changes[0].new
    (True, 11)
    """

    changes: tuple[Change, ...]
    cost: float
    feasible: bool
    exact: bool
    rule: int = -1
    before: float = np.nan
    after: float = np.nan
    note: str = ""
    values: Mapping[int, float | int] = field(default_factory=dict)
    rules: RuleSet | None = field(default=None, repr=False)

    def apply(self, X_row: Any) -> Any:
        """The row with the changes made.

        Parameters
        ----------
        X_row : DataFrame or array, shape (1, n_raw_columns)

        Returns
        -------
        DataFrame or array
            As given (pandas for polars), with the same types wherever they hold the new values.

        Examples
        --------
        >>> from treeprune.explain.conditions import Column
        >>> change = Change("months", 36, 11, 1.7)
        >>> rules = RuleSet((Column("months"),), ())
        >>> there = Counterfactual((change,), 1.7, True, True, values={0: 11.0}, rules=rules)
        >>> there.apply(pd.DataFrame({"months": [36]}))["months"].tolist()
        [11]
        """
        if self.rules is None or not self.values:
            return row_of(X_row)
        return with_values(self.rules, X_row, self.values)

    def to_text(self, decision: Decision | None = None) -> str:
        """The changes, their cost and what follows, as lines of text.

        Parameters
        ----------
        decision : Decision, optional
            Says what the outcomes are called; without one only the outputs are given.

        Examples
        --------
        >>> there = Counterfactual((Change("months", 36, 11, 1.7),), 1.7, True, True)
        >>> print(there.to_text())
        Cheapest change: months 36 -> 11 (cost 1.7)
        """
        if not self.feasible:
            return f"No change found: {self.note}"
        words = ""
        if decision is not None:
            words = f"{decision.word(False)} instead of {decision.word(True)}"
        if not self.changes:
            already = f" ({decision.word(False)})" if decision is not None else ""
            return f"No change needed: the outcome is the wanted one already{already}"
        title = "Cheapest change" if self.exact else "Change"
        listed = "; ".join(change.to_text() for change in self.changes)
        lines = [f"{title}: {listed} (cost {self.cost:.3g})"]
        if not np.isnan(self.after):
            numbers = f"{self.before:.3g} -> {self.after:.3g}"
            lines.append(f"Output then: {numbers}" + (f", {words}" if words else ""))
        elif words:
            lines.append(f"Then: {words}")
        if self.note:
            lines.append(self.note[0].upper() + self.note[1:])
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """A row for each change: `column`, `old`, `new`, `cost`.

        Examples
        --------
        >>> there = Counterfactual((Change("months", 36, 11, 1.7),), 1.7, True, True)
        >>> there.to_frame()["new"].tolist()
        [11]
        """
        rows = [(c.column, c.old, c.new, c.cost) for c in self.changes]
        frame = pd.DataFrame(rows, columns=["column", "old", "new", "cost"])
        return frame.astype({"old": object, "new": object, "cost": np.float64})


@dataclass(frozen=True)
class Way:
    """The cheapest way of a row into one rule.

    Parameters
    ----------
    rule : int
    values : mapping of int to number or code
        New values of the columns that change.
    cost : float
        Where `blocked`, of the changes that can be made: no way is cheaper.
    blocked : tuple of int
        Columns that would have to change and cannot.

    Examples
    --------
    >>> Way(3, {0: 11.0}, 1.7).order
    (1.7, 1, 3)
    """

    rule: int
    values: Values
    cost: float
    blocked: tuple[int, ...] = ()

    @property
    def order(self) -> tuple[float, int, int]:
        """What ways are compared by: cost (but for rounding), number of changes, rule."""
        return round(self.cost, 12), len(self.values), self.rule


def cheapest_changes(
    rules: RuleSet, values: Sequence[npt.ArrayLike], wanted: npt.ArrayLike, costs: ChangeCosts
) -> list[Way]:
    """The cheapest way into every wanted rule, cheapest first; blocked ways last.

    Parameters
    ----------
    rules : RuleSet
    values : sequence of array-like, one a column, of length 1
        `rules.values(X)` of one row.
    wanted : array-like of bool, shape (n_rules,)
    costs : ChangeCosts

    Returns
    -------
    list of Way
        New values never are missing values or unseen categories.

    Raises
    ------
    ValueError
        If `wanted` does not fit the rules.

    Notes
    -----
    O(conditions of the wanted rules): each distinct condition is priced once.

    Examples
    --------
    >>> from treeprune.explain.conditions import Column
    >>> from treeprune.explain.rules import Rule
    >>> rules = RuleSet((Column("months"),), (Rule((), np.zeros((1, 1))),))
    >>> costs = ChangeCosts.of(rules.columns, [np.array([6.0, 12.0])])
    >>> cheapest_changes(rules, [36.0], [True], costs)
    [Way(rule=0, values={}, cost=0.0, blocked=())]
    """
    mask = np.asarray(wanted)
    if mask.shape != (len(rules),) or mask.dtype != bool:
        raise ValueError(
            f"wanted must be {len(rules)} booleans, one a rule; got shape {mask.shape} of "
            f"{mask.dtype}"
        )
    row = [np.atleast_1d(value)[0] for value in values]
    known: dict[Condition, Any] = {}
    ways = []
    for i in np.flatnonzero(mask):
        new: Values = {}
        cost, blocked = 0.0, []
        for condition in rules.rules[i].conditions:
            column = condition.column
            if condition not in known:
                known[condition] = costs.cheapest(row[column], condition, rules.text_of)
            best = known[condition]
            if best is None:
                blocked.append(column)
            elif best.cost > 0:
                new[column] = best.value
                cost += best.cost
        ways.append(Way(int(i), new, cost, tuple(blocked)))
    return sorted(ways, key=lambda way: (bool(way.blocked), way.order))


def cheapest_change(
    rules: RuleSet, values: Sequence[npt.ArrayLike], wanted: npt.ArrayLike, *, costs: ChangeCosts
) -> Way | None:
    """The cheapest way into any wanted rule; None where there is none.

    Parameters
    ----------
    rules, values, wanted, costs
        As in `cheapest_changes`.

    Returns
    -------
    Way or None

    Notes
    -----
    Exact for rules that are a partition in raw columns: whatever row has the outcome meets one of
    the wanted rules, and meets it column by column. Derived columns cannot be changed, so that
    rules which need that are blocked; see `find` for what is said of them.

    Examples
    --------
    >>> from treeprune.explain.conditions import Column, NumberCondition
    >>> from treeprune.explain.rules import Rule
    >>> short, long = (
    ...     Rule((NumberCondition(0, (interval,), False),), np.zeros((1, 1)))
    ...     for interval in ((-np.inf, 11.5), (11.5, np.inf))
    ... )
    >>> rules = RuleSet((Column("months", integer=True),), (short, long))
    >>> costs = ChangeCosts.of(rules.columns, [np.array([6.0, 12.0, 24.0])])
    >>> cheapest_change(rules, [36.0], np.array([True, False]), costs=costs).values
    {0: 11.0}
    """
    ways = cheapest_changes(rules, values, wanted, costs)
    return ways[0] if ways and not ways[0].blocked else None


def find(
    rules: RuleSet,
    X_row: Any,
    reference: Sequence[npt.NDArray],
    wanted: npt.ArrayLike,
    *,
    outputs: npt.ArrayLike | None = None,
    output_of: OutputOf | None = None,
    is_wanted: IsWanted | None = None,
    examples: Any = None,
    immutable: Iterable[str] = (),
    directions: Mapping[str, str] | None = None,
    steps: Mapping[str, float | None] | None = None,
    weights: Mapping[str, float] | None = None,
    moves: Mapping[str, Mapping[Any, Iterable]] | None = None,
    unnamed: Iterable[str] = (),
    n: int = 1,
) -> tuple[Counterfactual, ...]:
    """The cheapest changes of one row that lead to a wanted outcome.

    Parameters
    ----------
    rules : RuleSet
        Of the model, or of a surrogate that proposes changes.
    X_row : DataFrame or array, shape (1, n_raw_columns)
    reference : sequence of array
        `rules.values(X)` of rows that scales, steps and typical values are read from.
    wanted : array-like of bool, shape (n_rules,)
        Rules that lead to the outcome.
    outputs : array-like of float, shape (n_rules,), optional
        Output of each rule (the probability of the adverse class, …), to be shown.
    output_of : callable, optional
        From changed rows to the model's own output, shape (n_rows,). Every change is then
        verified by it. Needed for surrogates.
    is_wanted : callable, optional
        From such outputs to booleans; with `output_of`.
    examples : DataFrame or array, shape (n_rows, n_raw_columns), optional
        Rows to borrow values from when nothing that the rules of a surrogate propose works.
    immutable, directions, steps, weights, moves
        As in `ChangeCosts.of`.
    unnamed : iterable of str
        Columns that no text may name.
    n : int
        Number of changes wanted; each changes other columns than those before it.

    Returns
    -------
    tuple of Counterfactual
        Cheapest first (as far as they are exact); at least one, which says why where there is no
        way.

    Raises
    ------
    ValueError
        If `X_row` is not one row that the model takes, or an option does not suit.

    Notes
    -----
    O(conditions) for the rules, and a call of the model for each change that is tried. A change
    verified on the model but proposed by a surrogate is reduced greedily: changes are undone,
    dearest first, as long as the outcome stays; it is not claimed to be the cheapest
    (Wachter, Mittelstadt and Russell 2018 for the aim; Cui et al. 2015 for trees).

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> from treeprune.explain.features import FeatureMap
    >>> from treeprune.explain.leaves import tree_rules
    >>> X = pd.DataFrame({"months": [6, 12, 24, 36], "age": [20, 50, 20, 50]})
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, ["good", "good", "bad", "bad"])
    >>> map = FeatureMap.of(None, X)
    >>> leaves = tree_rules(native.read(model), native.splits(model), map, lambda raw: raw)
    >>> rules = RuleSet(map.columns, leaves, (model.classes_,), map)
    >>> p_bad = [rule.value[0, 0] for rule in rules]
    >>> best, = find(
    ...     rules, X.iloc[[3]], rules.values(X), np.array(p_bad) < 0.5, outputs=p_bad,
    ...     immutable=["age"],
    ... )
    >>> model.predict(best.apply(X.iloc[[3]])).tolist()
    ['good']
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if (output_of is None) != (is_wanted is None):
        raise ValueError("output_of and is_wanted go together: an output, and whether it is wanted")
    if rules.kind == "surrogate" and output_of is None:
        raise ValueError(
            "these rules imitate a model: give output_of and is_wanted, so that it is the model "
            "that verifies the changes"
        )
    costs = ChangeCosts.of(
        rules.columns,
        reference,
        immutable=immutable,
        directions=directions,
        steps=steps,
        weights=weights,
        moves=moves,
    )
    search = _Search(rules, row_of(X_row), costs, np.asarray(wanted), outputs, output_of, is_wanted)
    search.unnamed = frozenset(unnamed)
    if search.already is not None:
        return (search.already,)
    ways = cheapest_changes(rules, search.values, search.wanted, costs)
    found = search.first(ways, n)
    if not found and examples is not None:
        found = search.borrow(examples, n)
    return tuple(found) or (search.nothing(ways),)


class _Search:
    """One row's search: what was asked, and how a change is tried."""

    def __init__(
        self,
        rules: RuleSet,
        row: Any,
        costs: ChangeCosts,
        wanted: npt.NDArray,
        outputs: npt.ArrayLike | None,
        output_of: OutputOf | None,
        is_wanted: IsWanted | None,
    ) -> None:
        self.rules, self.row, self.costs, self.wanted = rules, row, costs, wanted
        self.outputs = np.full(len(rules), np.nan) if outputs is None else np.asarray(outputs)
        self.output_of, self.is_wanted = output_of, is_wanted
        self.unnamed: frozenset[str] = frozenset()
        self.values = rules.values(row)
        self.own_rule = int(rules.match_values(self.values)[0])
        if self.own_rule < 0:
            raise ValueError(
                "the row meets no rule: it misses a value, or has a category, that the model "
                "itself refuses"
            )
        if wanted.shape != (len(rules),):
            raise ValueError(f"wanted must be {len(rules)} booleans, one a rule")
        self.before = self._output(self.own_rule, row)

    def _output(self, rule: int, row: Any) -> float:
        if self.output_of is None:
            return float(self.outputs[rule])
        return float(np.asarray(self.output_of(row)).reshape(-1)[0])

    def _works(self, rule: int, output: float) -> bool:
        if self.is_wanted is None:
            return bool(self.wanted[rule])
        return bool(np.asarray(self.is_wanted(np.array([output]))).reshape(-1)[0])

    @property
    def already(self) -> Counterfactual | None:
        """What to say of a row that has the outcome."""
        if not self._works(self.own_rule, self.before):
            return None
        return Counterfactual((), 0.0, True, True, self.own_rule, self.before, self.before)

    def tried(self, changes: list[Values]) -> list[tuple[int, float, bool]]:
        """Rule and output of the row once changed, and whether that is wanted, for each change."""
        rows = rows_with(self.rules, self.row, changes)
        taken = self.rules.match(rows)
        outputs = self.outputs[taken].astype(np.float64)  # where no rule matches it is not used
        asked = np.flatnonzero(taken >= 0)
        if self.output_of is not None and len(asked):
            rows = rows.iloc[asked] if hasattr(rows, "iloc") else rows[asked]
            outputs[asked] = np.asarray(self.output_of(rows)).reshape(-1)
        return [
            (int(rule), float(output), rule >= 0 and self._works(int(rule), float(output)))
            for rule, output in zip(taken, outputs, strict=True)
        ]

    def _in_turn(self, ways: list[Way]) -> Iterator[tuple[Way, tuple[int, float, bool]]]:
        """Ways with what comes of them; several are tried at once after the first."""
        start, size = 0, 1
        while start < len(ways):
            block = ways[start : start + size]
            yield from zip(block, self.tried([way.values for way in block]), strict=True)
            start, size = start + size, _BLOCK

    def first(self, ways: list[Way], n: int) -> list[Counterfactual]:
        """The first ways that work, each changing other columns than those before it."""
        found: list[Counterfactual] = []
        failed = False
        open_ways = [way for way in ways if way.values and not way.blocked]
        for way, (rule, output, works) in self._in_turn(open_ways):
            if len(found) == n:
                break
            failed |= not works
            if not works or any(set(f.values) <= set(way.values) for f in found):
                continue
            exact = self.rules.kind != "surrogate" and not failed
            values = dict(way.values) if exact else self._reduced(way.values)
            if any(set(f.values) <= set(values) for f in found):
                continue
            if values != way.values:
                rule, output, _ = self.tried([values])[0]
            note, exact = self._limits(ways, way.cost, exact)
            found.append(self._result(values, rule, output, exact, note))
        return found

    def _limits(self, ways: list[Way], cost: float, exact: bool) -> tuple[str, bool]:
        """What was not considered: ways that need derived columns and might be cheaper."""
        if self.rules.kind == "surrogate":
            return "verified on the model; a cheaper change may exist", False
        skipped = [  # where anything else is blocked as well, there is no way anyhow
            way.blocked
            for way in ways
            if way.cost < cost
            and way.blocked
            and all(self.rules.columns[c].kind == "derived" for c in way.blocked)
        ]
        if skipped:
            names = sorted({printable(self.rules.columns[c].name) for cs in skipped for c in cs})
            return (
                f"not considered: changes of {', '.join(names)}, which cannot be traced to raw "
                f"columns ({len(skipped)} rules need them)"
            ), False
        return ("" if exact else "a cheaper change may exist"), exact

    def _reduced(self, values: Values) -> Values:
        """Changes undone, dearest first, as long as the outcome stays."""
        kept = dict(values)
        for column in sorted(kept, key=lambda c: -self._cost(c, kept[c])):
            fewer = {c: v for c, v in kept.items() if c != column}
            if fewer and self.tried([fewer])[0][2]:
                kept = fewer
        return kept

    def _cost(self, column: int, new: float | int) -> float:
        cost = self.costs.cost(column, self.values[column][0], new)
        return np.inf if cost is None else cost

    def _result(
        self, values: Values, rule: int, output: float, exact: bool, note: str
    ) -> Counterfactual:
        changes = [
            Change(
                self.rules.columns[c].name,
                raw_value(self.rules, self.row, c),
                self._raw(c, new),
                self._cost(c, new),
            )
            for c, new in values.items()
        ]
        changes.sort(key=lambda change: -change.cost)
        return Counterfactual(
            tuple(changes),
            float(sum(change.cost for change in changes)),
            True,
            exact,
            rule,
            self.before,
            output,
            note,
            values,
            self.rules,
        )

    def _raw(self, column: int, new: float | int) -> Any:
        about = self.rules.columns[column]
        if about.kind == "category":
            return about.categories[int(new)]
        return int(new) if about.integer and float(new).is_integer() else float(new)

    def borrow(self, examples: Any, n: int) -> list[Counterfactual]:
        """Changes towards rows that have the outcome, nearest first, undone where not needed."""
        assert self.output_of is not None and self.is_wanted is not None
        outputs = np.asarray(self.output_of(examples)).reshape(-1)
        rows = np.flatnonzero(np.asarray(self.is_wanted(outputs)))
        theirs = self.rules.values(examples)
        changeable = [i for i, c in enumerate(self.rules.columns) if c.kind != "derived"]
        ways = []
        for row in rows:
            priced = {c: self._cost(c, theirs[c][row]) for c in changeable}
            values: Values = {
                c: self.costs.on_grid(c, self.values[c][0], theirs[c][row].item())
                for c, cost in priced.items()
                if 0 < cost < np.inf
            }
            ways.append(Way(int(row), values, sum(priced[c] for c in values)))
        ways.sort(key=lambda way: way.order)
        found: list[Counterfactual] = []
        nearest = [way for way in ways if way.values][:_NEAREST]
        for way, (_, _, works) in self._in_turn(nearest):
            if not works:
                continue
            values = self._reduced(way.values)
            if any(set(f.values) <= set(values) for f in found):
                continue
            rule, output, _ = self.tried([values])[0]
            note = "verified on the model; a cheaper change may exist"
            found.append(self._result(values, rule, output, False, note))
            if len(found) == n:
                break
        return found

    def nothing(self, ways: list[Way]) -> Counterfactual:
        """Why there is no way."""
        count = Counter(c for way in ways for c in way.blocked)
        blocked = sum(bool(way.blocked) for way in ways)
        if not ways:
            note = "no rule leads to the wanted outcome"
        elif blocked < len(ways):
            note = (
                f"none of the {len(ways) - blocked} changes that the rules propose has the wanted "
                "outcome once it is made"
            )
        else:
            names = [self.rules.columns[c].name for c, _ in count.most_common()]
            named = [printable(name) for name in names if name not in self.unnamed][:4]
            rules = f"each of the {len(ways)} rules" if len(ways) > 1 else "the only rule"
            note = (
                f"{rules} with the wanted outcome needs a change that is not allowed or not "
                "possible"
            )
            if named:
                note += f", most often of {', '.join(named)}"
        return Counterfactual((), np.inf, False, False, before=self.before, note=note)
