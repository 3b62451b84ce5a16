"""The demonstration's study: German credit, as a lender's model validator would set it up."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..datasets import load_german_credit
from .intake import Table
from .study import Costs, Study, Words, study_of

__all__ = ["german_credit_study"]


def german_credit_study(seed: int = 0) -> Study:
    """German credit, 70 % for training, sensitive columns left out, the donor's costs.

    Parameters
    ----------
    seed : int
        Seed of the split and of everything after it.

    Returns
    -------
    Study

    Examples
    --------
    >>> study = german_credit_study()
    >>> len(study.X_train), len(study.X_test), study.costs.cutoff
    (700, 300, Fraction(1, 6))
    """
    data = load_german_credit()
    costs = Costs(
        miss=float(data.cost_matrix[1, 0]),
        false_alarm=float(data.cost_matrix[0, 1]),
        source="the donor's cost matrix",
    )
    reasons = dict.fromkeys(data.sensitive, "sensitive")
    reasons |= dict.fromkeys(data.excluded, "not a feature")
    table = Table(data.frame, hashlib.sha256(Path(data.filename).read_bytes()).hexdigest())
    return study_of(
        table,
        name="GERMAN CREDIT",
        target=data.target.name,
        positive="1",
        costs=costs,
        exclude=list(reasons.items()),
        seed=seed,
        words=Words(
            acts="Declines",
            act="decline",
            acted="declined",
            passed="approved",
            let="approve",
            hit="defaulted",
            miss="repaid",
            missed="approving a default",
            alarm="declining a good payer",
        ),
        limits=(
            "granted credits only: nothing is known of applicants who were turned down "
            "(no reject inference)",
            "no claim about groups: several code labels of this data are known to be wrong "
            "(Groemping 2019)",
        ),
    )
