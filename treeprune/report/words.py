"""What figures, scores and methods are called in prose, and how names from data are shown."""

from __future__ import annotations

__all__ = ["FIGURES", "FORMATS", "method_words", "printable", "score_words"]

FORMATS = ("text", "markdown", "html", "json")

_SCORES = {
    "neg_brier_score": "Brier score",
    "neg_log_loss": "log loss",
    "neg_mean_squared_error": "mean squared error",
    "neg_root_mean_squared_error": "root mean squared error",
    "neg_mean_absolute_error": "mean absolute error",
    "r2": "R²",
    "roc_auc": "AUC",
    "brier": "Brier score",
}
FIGURES = {
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "accuracy": "accuracy",
    "cost_argmax": "cost, argmax",
    "cost": "cost, cut-off",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
}


def score_words(name: str | None) -> str:
    """A score's or risk's name in prose.

    Examples
    --------
    >>> score_words("neg_brier_score"), score_words("average_precision")
    ('Brier score', 'average precision')
    """
    name = name or ""
    return _SCORES.get(name, name.removeprefix("neg_").replace("_", " "))


def method_words(name: str) -> str:
    """A pruning method's name in prose.

    Examples
    --------
    >>> method_words("cost_complexity"), method_words("reduced_error")
    ('cost-complexity', 'reduced error')
    """
    return name.replace("cost_complexity", "cost-complexity").replace("_", " ")


def printable(value: object) -> str:
    r"""Text in which what a terminal would obey is spelt out.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value)
    )
