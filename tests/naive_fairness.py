"""Slow, obvious twins for fairness: every row, every pair of rows and every pair of groups in turn.

Rows are dicts with `group`, `favourable`, `selected` and `p`; nothing is vectorised.
"""

from __future__ import annotations

import math

import numpy as np

FEWEST = 10


def share(rows, asked):
    """Share of rows for which something holds; NaN of none."""
    return sum(1 for row in rows if asked(row)) / len(rows) if rows else math.nan


def area(rows):
    """Share of pairs (favourable, other) that p ranks right; ties count one half."""
    wins = [
        1.0 if good["p"] > bad["p"] else 0.5 if good["p"] == bad["p"] else 0.0
        for good in rows
        if good["favourable"]
        for bad in rows
        if not bad["favourable"]
    ]
    return sum(wins) / len(wins) if wins else math.nan


def figures(rows):
    """Counts and figures of some rows."""
    good = [row for row in rows if row["favourable"]]
    other = [row for row in rows if not row["favourable"]]
    return {
        "count": len(rows),
        "favourable": len(good),
        "selected": sum(1 for row in rows if row["selected"]),
        "selection_rate": share(rows, lambda row: row["selected"]),
        "tpr": share(good, lambda row: row["selected"]),
        "fpr": share(other, lambda row: row["selected"]),
        "auc": area(rows),
        "calibration": sum(row["p"] - row["favourable"] for row in rows) / len(rows),
    }


def by_group(rows):
    """Figures of each group that is large enough, and how many groups and rows are not."""
    parts = {}
    for row in rows:
        parts.setdefault(row["group"], []).append(row)
    shown = {group: figures(part) for group, part in parts.items() if len(part) >= FEWEST}
    small = [part for part in parts.values() if len(part) < FEWEST]
    return shown, (len(small), sum(map(len, small)))


def apart(shown):
    """Largest minus smallest of each figure, and the ratio of selection rates."""
    out = {}
    for name in ("selection_rate", "tpr", "fpr", "auc", "calibration"):
        known = [part[name] for part in shown.values() if not math.isnan(part[name])]
        enough = len(known) >= 2
        out[f"{name}_difference"] = max(known) - min(known) if enough else math.nan
        if name == "selection_rate":
            ratio = min(known) / max(known) if enough and max(known) > 0 else math.nan
            out["selection_rate_ratio"] = ratio
    return out


def delong_se(rows):
    """Standard error of an area from the placements of every row."""
    good = [row["p"] for row in rows if row["favourable"]]
    other = [row["p"] for row in rows if not row["favourable"]]

    def beats(a, b):
        return 1.0 if a > b else 0.5 if a == b else 0.0

    of_good = [sum(beats(a, b) for b in other) / len(other) for a in good]
    of_other = [sum(beats(a, b) for a in good) / len(good) for b in other]
    return math.sqrt(np.var(of_good, ddof=1) / len(good) + np.var(of_other, ddof=1) / len(other))


def pair_bounds(families, level):
    """Simultaneous bounds of all ordered pairs in all families of (values, drawn, floors)."""
    spread, furthest = {}, [0.0] * len(families[0][1])
    for f, (values, drawn, _) in enumerate(families):
        for i in range(len(values)):
            for j in range(len(values)):
                if i == j:
                    continue
                gap = values[i] - values[j]
                moved = [row[i] - row[j] - gap for row in drawn]
                known = [x for x in moved if not math.isnan(x)]
                se = float(np.std(known)) if known else 0.0
                spread[f, i, j] = se if se >= 1e-12 else 0.0
                for b, x in enumerate(moved):
                    if spread[f, i, j] > 0 and not math.isnan(x):
                        furthest[b] = max(furthest[b], abs(x) / se)
    q = float(np.quantile(furthest, level))
    bounds = {}
    for (f, i, j), se in spread.items():
        values, _, floors = families[f]
        gap = values[i] - values[j]
        down = math.sqrt((q * se) ** 2 + floors[i][0] ** 2 + floors[j][1] ** 2)
        up = math.sqrt((q * se) ** 2 + floors[i][1] ** 2 + floors[j][0] ** 2)
        bounds[f, i, j] = (gap - down, gap + up)
    return bounds


def range_interval(values, drawn, floors, level):
    """Bounds of the largest difference of ordered pairs."""
    bounds = pair_bounds([(values, drawn, floors)], level)
    return max(0.0, max(low for low, _ in bounds.values())), max(h for _, h in bounds.values())


def change_interval(values, drawn, floors, level):
    """Bounds of the change of a range, pair by pair."""
    change = np.asarray(values[1]) - np.asarray(values[0])
    moved = np.asarray(drawn[1]) - np.asarray(drawn[0])
    families = [
        (list(values[0]), np.asarray(drawn[0]).tolist(), floors[0]),
        (list(values[1]), np.asarray(drawn[1]).tolist(), floors[1]),
        (change.tolist(), moved.tolist(), floors[2]),
    ]
    bounds = pair_bounds(families, level)
    pairs = [(i, j) for f, i, j in bounds if f == 0]
    least = [max(0.0, max(bounds[f, i, j][0] for i, j in pairs)) for f in (0, 1)]
    rise = max(
        min(bounds[2, i, j][1], bounds[1, i, j][1] - least[0])
        for i, j in pairs
        if bounds[1, i, j][1] >= least[1]
    )
    fall = max(
        min(-bounds[2, i, j][0], bounds[0, i, j][1] - least[1])
        for i, j in pairs
        if bounds[0, i, j][1] >= least[0]
    )
    return -fall, rise


def nearest(table, limits):
    """Position of the row whose worst miss in units of spread is smallest; then the best score."""

    def worst(row):
        missed = []
        for name, (low, high) in limits.items():
            column = [r[name] for r in table if not math.isnan(r[name])]
            spread = max(column) - min(column)
            if math.isnan(row[name]):
                missed.append(math.inf)
            elif spread > 0:
                below = 0.0 if low is None else max(0.0, low - row[name])
                above = 0.0 if high is None else max(0.0, row[name] - high)
                missed.append(max(below, above) / spread)
        return max(missed, default=0.0)

    return min(range(len(table)), key=lambda i: (worst(table[i]), -table[i]["score"]))
