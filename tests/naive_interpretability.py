"""Slow, obvious twins of what treeprune.explain.interpretability counts and measures."""

from __future__ import annotations

import itertools

import numpy as np


def tree_counts(model, X, slack=1e-12):
    """Effort and columns of every row, bits, of a scikit-learn tree over plain numbers.

    Follows each row down; a split is passed over where its box leaves one side no float, or where
    all leaves below tell the same.
    """
    tree = model.tree_
    values = tree.value.reshape(tree.node_count, -1)
    tol = slack * np.abs(values).max()

    def live(node, box):
        """(splits in use below, leaves below as node numbers) after simplification."""
        if tree.children_left[node] < 0:
            return [], [node]
        j, t = tree.feature[node], tree.threshold[node]
        low, high = box.get(j, (-np.inf, np.inf))
        left, right = tree.children_left[node], tree.children_right[node]
        if t >= high:
            return live(left, box)
        if t <= low:
            return live(right, box)
        a = live(left, {**box, j: (low, t)})
        b = live(right, {**box, j: (t, high)})
        told = values[a[1] + b[1]]
        if np.abs(told - told[0]).max() <= tol and not a[0] and not b[0]:
            return [], [a[1][0]]
        return [node, *a[0], *b[0]], a[1] + b[1]

    used, _ = live(0, {})
    inside = set(used)
    effort, columns = [], []
    for x in np.asarray(X, np.float32):
        node, asked = 0, []
        while tree.children_left[node] >= 0:
            if node in inside:
                asked.append(tree.feature[node])
            go = x[tree.feature[node]] <= tree.threshold[node]
            node = tree.children_left[node] if go else tree.children_right[node]
        effort.append(len(asked))
        columns.append(len(set(asked)))
    p = len({tree.feature[t] for t in used})
    bits = 9 * (len(used) + 1)
    for t in used:
        same = {last_float32(tree.threshold[s]) for s in used if tree.feature[s] == tree.feature[t]}
        bits += 1 + np.log2(p) + np.log2(len(same))
    return np.array(effort), np.array(columns), float(bits)


def last_float32(threshold):
    """The largest float32 that goes left: thresholds with the same one ask the same."""
    near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))


def accumulated_effects(rows, f, codes, weight, without=None):
    """Sum of the columns' accumulated effects by loops; each code of a column is a level.

    Also the same sum before effects are centred. Row `without` has no part in the steps, unless
    it is alone on one.
    """
    own = np.array([f(x) for x in rows])
    total = np.full(len(rows), np.average(own, weights=weight))
    heights = np.zeros(len(rows))
    for j, code in codes.items():
        levels = sorted(set(code))
        donor = {level: list(code).index(level) for level in levels}
        height = {levels[0]: 0.0}
        for a, b in itertools.pairwise(levels):
            gaps, mass = 0.0, 0.0
            on_it = [i for i in range(len(rows)) if code[i] in (a, b)]
            for i, x in enumerate(rows):
                if i not in on_it or (i == without and len(on_it) > 1):
                    continue
                moved = [x.copy(), x.copy()]
                moved[0][j], moved[1][j] = rows[donor[a]][j], rows[donor[b]][j]
                moved[0 if code[i] == a else 1][j] = x[j]
                gaps += weight[i] * (f(moved[1]) - f(moved[0]))
                mass += weight[i]
            height[b] = height[a] + (gaps / mass if mass else 0.0)
        effect = np.array([height[c] for c in code])
        total += effect - np.average(effect, weights=weight)
        heights += effect
    return total, heights


def overall_concordance(predictions, weight):
    """Overall concordance of several predictions (n_refits, n_rows, n_outputs), pair by pair."""
    w = weight / weight.sum()
    above = below = 0.0
    for x, y in itertools.combinations(predictions, 2):
        mx, my = w @ x, w @ y
        above += 2 * np.sum(w @ ((x - mx) * (y - my)))
        below += np.sum(w @ (x - mx) ** 2 + w @ (y - my) ** 2 + (mx - my) ** 2)
    return 1.0 if below == 0 else max(0.0, above / below)


def mean_cosine(attributions, weight):
    """Weighted mean over rows of the mean cosine over pairs; (n_refits, n_rows, n_columns)."""
    out = []
    for i in range(attributions.shape[1]):
        each = []
        for a, b in itertools.combinations(attributions[:, i], 2):
            la, lb = np.linalg.norm(a), np.linalg.norm(b)
            if la == 0 or lb == 0:
                each.append(float(la == lb))
            else:
                each.append(a @ b / (la * lb))
        out.append(np.mean(each))
    return max(0.0, float(np.average(out, weights=weight)))


def composite(components, weights):
    """100 times the weighted geometric mean, values below .01 as .01."""
    total = sum(weights[name] for name in components)
    product = 1.0
    for name, value in components.items():
        product *= max(value, 0.01) ** (weights[name] / total)
    return 100 * product
