"""What figures, scores and methods are called in prose, and how names from data are shown."""

from __future__ import annotations

from typing import Any

__all__ = [
    "FIGURES",
    "FORMATS",
    "MODELS",
    "amount",
    "method_words",
    "model_of",
    "printable",
    "score_words",
]

FORMATS = ("text", "markdown", "html", "json")
MODELS = ("tree", "forest", "lightgbm", "mlp")  # what can be grown and pruned
_TREE = {
    "kind": "tree",
    "word": "tree",
    "unit": "leaves",
    "sizes": ["leaves", "depth", "tests"],
    "reading": "model",
    "fidelity": None,
    "constant": None,
}

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


def amount(n: int | None, unit: str = "leaves", *, thousands: bool = False) -> str:
    """A number of leaves, weights or whatever else a size is counted in.

    Examples
    --------
    >>> amount(1), amount(7), amount(1200, "weights", thousands=True)
    ('1 leaf', '7 leaves', '1,200 weights')
    """
    one = {"leaves": "leaf"}.get(unit, unit.removesuffix("s"))
    return f"{n:,} {one if n == 1 else unit}" if thousands else f"{n} {one if n == 1 else unit}"


def rows_are(n: int, of: int | None = None) -> str:
    """A number of rows (of so many) and the verb that goes with it.

    Examples
    --------
    >>> rows_are(1), rows_are(0), rows_are(1, of=30), rows_are(7, of=30)
    ('1 row is', '0 rows are', '1 of 30 rows is', '7 of 30 rows are')
    """
    verb = "is" if n == 1 else "are"
    if of is not None:
        return f"{n} of {amount(of, 'rows')} {verb}"
    return f"{amount(n, 'rows')} {verb}"


def model_of(report: dict[str, Any]) -> dict[str, Any]:
    """What kind of model a report is about; a tree where the report is older than the question.

    Examples
    --------
    >>> model_of({})["word"], model_of({"model": {"word": "forest"}})["word"]
    ('tree', 'forest')
    """
    return {**_TREE, **report.get("model", {})}


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
