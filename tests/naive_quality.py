"""Slow, obvious twin of the quality of explanations: every mixed row is made and asked by itself.

The draws are taken in the documented order from the same generator; all else is loops over rows,
background rows, rankings and numbers of exchanged columns.
"""

from __future__ import annotations

import math

import numpy as np

FIGURES = ("skill", "local_skill", "random", "inverse", "shuffled", "global")


def ranked(size, tie):
    """Columns by size, the largest first; equal ones by `tie`, the smallest first."""
    most = max(size)
    share = [float(np.round(s / most, 10)) if most > 0 else 0.0 for s in size]
    return sorted(range(len(size)), key=lambda c: (-share[c], tie[c]))


def used_columns(phi, names):
    """Columns that are attributed anything in any row, the most important first."""
    size = np.abs(phi).sum(axis=2)
    found = [j for j in range(size.shape[1]) if max(size[:, j]) > 1e-12]
    most = size.max()
    return sorted(found, key=lambda j: (-np.round(size[:, j].mean() / most, 10), names[j]))


def mixed(row, donor, columns):
    """The row, with these columns of the donor."""
    out = np.array(row)
    for j in columns:
        out[j] = donor[j]
    return out


def area(ask, row, donors, ranking):
    """Change over numbers of exchanged columns, on average: all columns but the last."""
    cuts = range(1, len(ranking))
    return float(np.mean([change(ask, row, donors, ranking[:m]) for m in cuts]))


def change(ask, row, donors, columns):
    """How far the mean over donors moves where these columns are exchanged, over all scores."""
    own = ask(np.array([row]))[0]
    asked = ask(np.array([mixed(row, z, columns) for z in donors]))
    moved = 0.0
    for s in range(len(own)):
        moved += abs(sum(own[s] - told[s] for told in asked) / len(donors))
    return moved


def rankings(phi, used, weight, n_orders, rng):
    """Name -> one ranking a row, of positions in `used`; `chance` holds several for each row."""
    n, k = len(phi), len(used)
    size = np.array([[np.abs(phi[i, j]).sum() for j in used] for i in range(n)])
    tie = rng.random((n, k))
    own = [ranked(size[i], tie[i]) for i in range(n)]
    moved = rng.permutation(n)
    shuffled = [None] * n
    for t in range(n):
        shuffled[moved[t]] = own[moved[t - 1]]
    mean = sum(weight[i] * size[i] for i in range(n)) / sum(weight)
    one = ranked(mean, rng.random((1, k))[0])
    keys = rng.random((1 + n_orders, n, k))
    random = [
        [sorted(range(k), key=lambda c: keys[r, i, c]) for i in range(n)]
        for r in range(1 + n_orders)
    ]
    return {
        "own": own,
        "inverse": [order[::-1] for order in own],
        "shuffled": shuffled,
        "global": [one] * n,
        "random": random[0],
        "chance": random[1:],
    }


def explanation_quality(
    ask,
    X,
    own_phi,
    given,
    names,
    *,
    seed,
    order,
    weight,
    n_rows,
    n_background,
    n_orders,
    n_draws,
    level,
):
    """Figure -> (value, low, high), and the number of columns in use.

    `ask` is from rows to scores (n, n_scores); `own_phi` are the model's attributions of the rows
    measured, `given` those that are judged, both (n_rows, n_columns, n_scores).
    """
    rng = np.random.default_rng([seed, 3])
    rows = sorted(int(i) for i in order[:n_rows])
    total = sum(weight[i] for i in order)
    drawn = rng.choice(order, (len(rows), n_background), p=[weight[i] / total for i in order])
    used = used_columns(own_phi, names)
    if len(rows) < 2 or len(used) < 2:
        return dict.fromkeys(FIGURES, (math.nan,) * 3), len(used)
    w = np.array([weight[i] for i in rows])
    found = rankings(given, used, w, n_orders, rng)

    def areas(orders):
        return np.array(
            [
                area(ask, X[i], [X[d] for d in drawn[at]], [used[c] for c in orders[at]])
                for at, i in enumerate(rows)
            ]
        )

    by_name = {name: areas(orders) for name, orders in found.items() if name != "chance"}
    chance = sum(areas(orders) for orders in found["chance"]) / n_orders
    full = np.array(
        [change(ask, X[i], [X[d] for d in drawn[at]], used) for at, i in enumerate(rows)]
    )
    counts = rng.multinomial(len(rows), [1 / len(rows)] * len(rows), size=n_draws)
    out = {}
    for name in FIGURES:
        a = by_name["own" if name in ("skill", "local_skill") else name]
        base = by_name["global"] if name == "local_skill" else chance
        ratios = []
        for c in [np.ones(len(rows)), *counts]:
            room = sum(c * w * (full - chance))
            enough = room > 1e-9 * sum(c * w * full)
            ratios.append(sum(c * w * (a - base)) / room if enough else math.nan)
        if any(math.isnan(r) for r in ratios):
            out[name] = (math.nan,) * 3
        else:
            low, high = np.quantile(ratios[1:], [(1 - level) / 2, (1 + level) / 2])
            out[name] = (ratios[0], low, high)
    return out, len(used)
