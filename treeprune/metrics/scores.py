"""interpretability: one model, or every step of a path."""

from __future__ import annotations

from typing import Any

from ..explain.interpretability import InterpretabilityScore, score_model
from ..explain.interpretability.score import Setting
from ..path import PruningPath
from .paths import measure_path

__all__ = ["InterpretabilityScore", "interpretability"]


def interpretability(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    X_train: Any = None,
    y_train: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    decision: Any = None,
    loss: str | None = None,
    n_refits: int = 20,
    n_draws: int = 500,
    max_rows: int | None = 10_000,
    quality: bool = True,
    estimator: Any = None,
    feature_map: Any = None,
    steps: Any = None,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> Any:
    """Say how interpretable a fitted model is, or every step of a path, and how sure that is.

    Parameters
    ----------
    model : fitted estimator or PruningPath
        Trees, forests, boosters, networks and linear models, alone or at the end of pipelines,
        searches and wrappers of this package, are counted themselves; of any other model, a tree
        that stands for it.
    X : array-like, shape (n_rows, n_raw_columns)
        Rows to measure on. Of a path: as its model receives them, or raw ones with `feature_map`.
    y : array-like, shape (n_rows,), optional
        Outcomes. Without them nothing is refitted, and stability and loss are not known.
    X_train, y_train : array-like, optional
        Rows that refits draw from; `X` and `y` by default. Then the loss is that of the model
        itself on `X`, else of refits on rows they had left out.
    sample_weight : array-like, shape (n_rows,), optional
        Weights of the rows of `X` in all means, and in refits where these draw from `X`. Rows
        without weight are left out.
    groups : array-like, optional
        Groups of the training rows: a refit has all rows of a group or none, and its `fit` is
        given them if it asks. Intervals over rows and standard errors take rows as independent.
    decision : Decision, optional
        Says when a row is decided otherwise; by default the model's own `predict` does.
    loss : {"brier", "log_loss", "error", "squared_error"}, optional
        The Brier score for classifiers, squared error for regressors by default.
    n_refits : int, default=20
        Refits of the same procedure (the model's own `fit`) on 63.2 % of the rows; 0 for none.
    n_draws : int, default=500
        Bootstrap samples of the rows.
    max_rows : int or None, default=10000
        More rows are sampled; None for all.
    quality : bool, default=True
        Whether to measure how good the model's explanations are (not of paths).
    estimator : PrunedClassifier, PrunedRegressor or pruned tree, optional
        Of a path: what made it (or the pipeline that ends in it), so that refits are made with
        all its settings; by default with the path's model and method alone.
    feature_map : FeatureMap or fitted transformer, optional
        Of a path inside a pipeline: `pipeline[:-1]`, so that raw columns are counted; `X` is then
        raw. The transformer is not fitted anew.
    steps : sequence of int, optional
        Of a path: steps to measure; by default all, or about 50 spread over the logarithm of the
        size, with the chosen one. `cut(interpretability=…)` chooses among those measured.
    random_state : int, default=0
    n_jobs : int, optional
        Of joblib, for refits.

    Returns
    -------
    InterpretabilityScore
        Of a model.
    PruningPath
        Of a path: a copy with `measures`, from which `cut(interpretability=…)` and
        `cut(loss=…)` choose.

    Raises
    ------
    ValueError
        If settings or rows do not fit.
    UnsupportedModelError
        If the model predicts nothing that can be explained.

    Notes
    -----
    Six components, each from 0 to 1 with fixed anchors. *simulate* 1/(1 + e/50), e the operations
    that it takes to carry the model out for a row (a comparison 1; an addition, a multiplication
    and a nonlinearity 2 each); *size* 1/(1 + b/250), b the bits of its description; *focus*
    1/(1 + k/7), k the columns that a row's prediction looks at: all counted in raw columns after
    simplification, and never worse in a smaller nested model. Derived columns cost the terms of
    their sum, or of a formula of up to three columns; what stands on others counts as not read,
    as does a model that can only be asked and that no tree imitates. *additive* 1 - min(IAS, 1),
    IAS the share of the output's variation that is no sum of effects of single columns;
    *concentration* the share of absolute attribution in the top four columns, both in the unit in
    which the model adds up (`unit`): log-odds and probabilities are not the same scale;
    *stability* the root of the concordance of predictions times the cosine of attributions over
    refits. These may fall as a model shrinks. The composite is their geometric mean with weights
    .25 .20 .15 .10 .10 .20, times 100, in which a component below .01 counts as .01. The weights of
    operations were chosen so that the order comes out in which people could simulate trees, linear
    models and networks: that is calibration, not validation.

    Intervals "rows" are bootstrap percentiles; they hold for this very model. Intervals "refits"
    are a delete-d jackknife, and of stability two standard deviations of pairs of refits; they
    hold for the procedure. Neither says anything of people: clear
    models can also hinder the detection of errors (Poursabzi-Sangdeh et al. 2021).

    References
    ----------
    Slack et al. (2019), Assessing the local interpretability of machine learning models. Molnar,
    Casalicchio & Bischl (2019), Quantifying model complexity via functional decomposition. Izza,
    Ignatiev & Marques-Silva (2022), On tackling explanation redundancy in decision trees. Barnhart,
    Haber & Song (2002), Overall concordance correlation coefficient. Piltaver et al.
    (2016), What makes classification trees comprehensible? Lage et al. (2019), An evaluation of
    the human-interpretability of explanation.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import interpretability, pruning_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> score = interpretability(model, X, y, n_refits=5, quality=False)
    >>> path = interpretability(pruning_path(model), X, y, n_refits=5)
    >>> round(float(path.measures["size"][0]), 6) == round(score.components["size"], 6)
    True
    >>> small = path.cut(interpretability=75)
    >>> bool(small.get_n_leaves() < model.get_n_leaves())
    True
    """
    setting = Setting(
        X,
        y,
        X_train=X_train,
        y_train=y_train,
        sample_weight=sample_weight,
        groups=groups,
        decision=decision,
        loss=loss,
        n_refits=n_refits,
        n_draws=n_draws,
        max_rows=max_rows,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    if isinstance(model, PruningPath):
        return measure_path(
            model, setting, estimator=estimator, feature_map=feature_map, steps=steps
        )
    for name, value in (("estimator", estimator), ("feature_map", feature_map), ("steps", steps)):
        if value is not None:
            raise ValueError(f"{name} is for a PruningPath; a {type(model).__name__} needs none")
    return score_model(model, setting, quality=quality)
