"""The tree as it is drawn: nodes, and on each way the condition that leads along it.

Conditions are in raw units and category names, with the limits that the rules print, so that the
ways from the root to a leaf say together what the leaf's rule says. Of a tree with many leaves
only the top is told: where most training rows are it goes deepest.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..explain.leaves import reachable
from ..explain.text import condition_text
from .read_as import readable_tree

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..explain import Explanation, RuleSet
    from ..explain.conditions import Column, Condition
    from ..trees import Trees
    from .read_as import Readable
    from .rivals import Fits
    from .study import Study

__all__ = ["MOST_LEAVES", "drawn_tree", "missing_values"]

MOST_LEAVES = 40  # lines of a picture that can still be read

Ways = dict[int, tuple[tuple[int, "Condition"], ...]]


def drawn_tree(study: Study, fits: Fits, ex: Explanation) -> dict[str, Any] | None:
    """Nodes of the pruned tree, or of the tree that imitates the model, parents first.

    Parameters
    ----------
    study : Study
    fits : Fits
    ex : Explanation
        Of the pruned pipeline, with limits printed so that all rows go where the model sends them.

    Returns
    -------
    dict or None
        None where no single tree is read: of a partition of several trees. Else left before
        right `nodes`, `n_leaves` and `n_shown_leaves` (fewer where the tree has more than
        `MOST_LEAVES`). Each node has `id` (as in the fitted tree) and `parent`; `column` and
        `edge`, the raw column and the condition of the way from the parent; `rule` at leaves,
        numbered as the rules are; `n` training rows; `p`, their share of the positive or of the
        likeliest class, or their mean; `label`, that class (multiclass); `decision`, whether a
        leaf is acted on (binary); `below`, the number of leaves below that are not shown.

    Notes
    -----
    A way says where missing values go if any row of the study misses the column's value and such
    a row can come by at all: what an earlier way has settled is not said again.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.explain import explain
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> fits = fit_rivals(study, Options(cv=2, n_resamples=1000))
    >>> told = drawn_tree(study, fits, explain(fits.pipeline, study.X_train))
    >>> [(node["edge"], node["rule"]) for node in told["nodes"]]
    [(None, None), ('x <= 44', 'R1'), ('x > 44', 'R2')]
    """
    read = readable_tree(fits, ex)
    if read is None:
        return None
    ways, root = _ways(read.trees, read.left, ex.rules.columns)
    leaves = _leaves_below(ways)
    opened = _opened(ways, root, read.trees.n_rows)
    missing = missing_values(ex.rules, pd.concat([study.X_train, study.X_test]))
    told = _Told(study, ex, read, {rule.node: i + 1 for i, rule in enumerate(ex.rules)}, missing)
    nodes = []
    stack: list[tuple[int, int | None, Condition | None, frozenset[int]]]
    stack = [(root, None, None, frozenset())]
    while stack:
        node, parent, condition, settled = stack.pop()
        below = 0 if node in opened or not ways[node] else leaves[node]
        nodes.append(told.node(node, parent, condition, settled, below))
        if condition is not None and not condition.missing:
            settled |= {condition.column}
        if node in opened:
            stack += [(child, node, asked, settled) for child, asked in reversed(ways[node])]
    shown = sum(node["rule"] is not None for node in nodes)
    return {"nodes": nodes, "n_leaves": leaves[root], "n_shown_leaves": shown}


def missing_values(rules: RuleSet, rows: pd.DataFrame) -> pd.Series:
    """Whether any row misses the value of each column that rules may speak of.

    Parameters
    ----------
    rules : RuleSet
    rows : DataFrame, shape (n_rows, n_raw_columns)

    Returns
    -------
    Series of bool
        By name. Of a derived column (a product, a logarithm): whether the model is given none.

    Examples
    --------
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune.explain import explain
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
    >>> products = PolynomialFeatures(interaction_only=True, include_bias=False)
    >>> model = make_pipeline(products, DecisionTreeRegressor(random_state=0)).fit(X, [1, 2, 3])
    >>> missing_values(explain(model, X).rules, X).to_dict()
    {'a': False, 'b': False, 'a b': False}
    """
    derived = {i: c.name for i, c in enumerate(rules.columns) if c.kind == "derived"}
    missing = rows.isna().any()
    if not derived:
        return missing
    values = rules.values(rows)
    own = {name: bool(np.isnan(values[i]).any()) for i, name in derived.items()}
    return pd.concat([missing, pd.Series(own, dtype=bool)])


def _ways(
    trees: Trees, left: dict[int, Condition], columns: tuple[Column, ...]
) -> tuple[Ways, int]:
    """Children of each node with the conditions that lead there, and the root.

    Where no row can go one of two ways nothing is asked: the node gives way to the other child.
    """
    ways: Ways = {}
    stands: dict[int, int] = {}  # the node that is shown in a node's place
    possible = reachable(trees, left, columns)
    for node in range(trees.n_nodes - 1, -1, -1):  # children come after their parents
        if not possible[node]:
            continue
        pair = [int(child) for child in (trees.left[node], trees.right[node]) if child >= 0]
        kept = [stands[child] for child in pair if possible[child]]
        stands[node] = kept[0] if len(kept) == 1 else node
        if len(kept) == 2:
            asked = left[node]
            away = asked.complement(columns[asked.column])
            ways[node] = ((kept[0], asked), (kept[1], away))
        elif not kept:
            ways[node] = ()
    return ways, stands[0]


def _leaves_below(ways: Ways) -> dict[int, int]:
    leaves: dict[int, int] = {}
    for node in sorted(ways, reverse=True):
        leaves[node] = sum(leaves[child] for child, _ in ways[node]) or 1
    return leaves


def _opened(ways: Ways, root: int, n_rows: npt.NDArray) -> set[int]:
    """Nodes whose children are shown: those with most rows, until so many ends are shown."""
    opened: set[int] = set()
    heap = [(-int(n_rows[root]), root)]
    ends = 1
    while heap and ends < MOST_LEAVES:
        _, node = heapq.heappop(heap)
        if ways[node]:
            opened.add(node)
            ends += 1
            for child, _ in ways[node]:
                heapq.heappush(heap, (-int(n_rows[child]), child))
    return opened


@dataclass(frozen=True, eq=False)
class _Told:
    """What is told of a node.

    `rules` has the number of each leaf's rule, `missing` whether any row misses a column's value.
    """

    study: Study
    ex: Explanation
    read: Readable
    rules: dict[int, int]
    missing: pd.Series

    def node(
        self,
        node: int,
        parent: int | None,
        condition: Condition | None,
        settled: frozenset[int],
        below: int,
    ) -> dict[str, Any]:
        rule = self.rules.get(node)
        return {
            "id": node,
            "parent": parent,
            **self._way(condition, settled),
            "rule": None if rule is None else f"R{rule}",
            "n": int(self.read.trees.n_rows[node]),
            **self._outcome(node, is_leaf=rule is not None),
            "below": below,
        }

    def _way(self, condition: Condition | None, settled: frozenset[int]) -> dict[str, Any]:
        if condition is None:
            return {"column": None, "edge": None}
        name = self.ex.rules.columns[condition.column].name
        say = bool(self.missing[name]) and condition.column not in settled
        return {"column": name, "edge": condition_text(condition, self.ex.rules, missing=say)}

    def _outcome(self, node: int, *, is_leaf: bool) -> dict[str, Any]:
        """As the leaf's rule tells it; inner nodes decide nothing."""
        value = self.read.value[node]
        study = self.study
        if not study.is_classification:
            return {"p": float(value[0]), "label": None, "decision": None}
        if study.task == "multiclass":
            likeliest = int(value.argmax())
            label = study.labels[int(self.ex.rules.classes[0][likeliest])]
            return {"p": float(value[likeliest]), "label": label, "decision": None}
        decision = bool(study.decide(value[None])[0]) if is_leaf else None
        return {"p": float(value[1]), "label": None, "decision": decision}
