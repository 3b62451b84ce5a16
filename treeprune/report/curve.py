"""Figures of a pruning path at so many steps as can be drawn: what the picture of the path shows.

Paths of large trees have thousands of steps. At most 200 are kept, evenly spaced in the logarithm
of the size, and among them the steps that the choice rests on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..path import PruningPath

__all__ = ["curve_of"]

MOST_STEPS = 200


def curve_of(path: PruningPath) -> dict[str, Any]:
    """Score and risk of the path's steps, by size.

    Parameters
    ----------
    path : PruningPath

    Returns
    -------
    dict
        Lists of one length, at most 200: `step` (rising), `leaves` (falling; of networks what the
        path counts, such as `weights`), `score` and its
        standard error `se` over folds, `risk`. Scores have the sign that people know them by: a
        Brier score is not negative. `score` and `se` are None for a path without scores, and so is
        each of their entries, or a risk, that is not a finite number. JSON-able.

    Notes
    -----
    Kept are both ends, the best step, that of the one-SE rule and the one chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import pruning_path
    >>> X, y = load_iris(return_X_y=True)
    >>> path = pruning_path(DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y))
    >>> curve = curve_of(path)
    >>> curve["step"], curve["leaves"], curve["score"]
    ([0, 1, 2, 3], [4, 3, 2, 1], None)
    """
    steps = _kept(path)
    score = se = None
    if path.step_score is not None and path.step_score_se is not None:
        score = _numbers(_sign(path) * path.step_score[steps])
        se = _numbers(path.step_score_se[steps])
    return {
        "step": steps.tolist(),
        path.size_unit: [int(size) for size in path.size[steps]],
        "score": score,
        "se": se,
        "risk": _numbers(path.risk[steps]),
    }


def _sign(path: PruningPath) -> int:
    return -1 if path.scoring and path.scoring.startswith("neg_") else 1


def _numbers(values: npt.NDArray) -> list[float | None]:
    # Adding nothing turns -0.0 into 0.0.
    return [float(value) + 0.0 if np.isfinite(value) else None for value in values]


def _kept(path: PruningPath) -> npt.NDArray:
    """Steps that must be kept, and of the others, in equal distances of the log of size, some."""
    n = len(path)
    if n <= MOST_STEPS:
        return np.arange(n)
    must, asked = {0, n - 1}, np.arange(n)
    if path.chosen is not None:
        must.add(path.chosen)
    if path.step_score is not None:
        must |= {path.best_step, path.one_se_step}
        asked = np.flatnonzero(np.isfinite(path.step_score))  # some scores are not taken everywhere
    kept = np.array(sorted(must))
    wanted = np.geomspace(path.size[0], path.size[-1], MOST_STEPS - len(kept))
    # The size falls: the first step whose size is at most the one wanted.
    evenly = np.searchsorted(-path.size[asked], -wanted).clip(max=len(asked) - 1)
    return np.unique(np.concatenate([kept, asked[evenly]]))
