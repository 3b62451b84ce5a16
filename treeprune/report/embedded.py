"""Studies of the data sets that come with the package, as a careful validator would set them up.

A study is a row of `SETTINGS`: what the decision is called, what the data cannot say, and whether
groups may be compared by its sensitive columns at all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets import NAMES, load
from .intake import Table
from .study import Costs, Study, Words, study_of

__all__ = ["SETTINGS", "embedded_study", "german_credit_study"]


@dataclass(frozen=True)
class _Setting:
    title: str
    words: Words = field(default_factory=Words)
    limits: tuple[str, ...] = ()
    compares_groups: bool = True
    cost_source: str = ""


SETTINGS = {
    "german_credit": _Setting(
        "GERMAN CREDIT",
        Words(
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
        (
            "granted credits only: nothing is known of applicants who were turned down "
            "(no reject inference)",
            "no claim about groups: several code labels of this data are known to be wrong "
            "(Groemping 2019)",
        ),
        compares_groups=False,
        cost_source="the donor's cost matrix",
    ),
    "compas": _Setting(
        "COMPAS",
        Words(
            acts="Calls high risk",
            act="high risk",
            acted="called high risk",
            passed="called low risk",
            let="low risk",
            hit="were arrested again",
            miss="were not arrested again",
        ),
        (
            "the outcome is a new arrest, not a new offence: who is arrested depends on where and "
            "whom the police watch",
            "no costs are documented: what a wrong decision costs, and whom, is in dispute",
            "jail_days may hold what was not yet known when people were scored",
            "one county in a few years: no basis for decisions about anybody",
        ),
    ),
    "hmda": _Setting(
        "BOSTON HMDA",
        Words(
            acts="Expects denial of",
            act="denial",
            acted="expected to be denied",
            passed="expected to be approved",
            let="approval",
            hit="were denied",
            miss="were approved",
        ),
        (
            "the outcome is what lenders decided in 1990, not who repaid: a model of it repeats "
            "their decisions, right or wrong",
        ),
    ),
    "adult": _Setting(
        "ADULT",
        Words(hit="earn over 50,000 dollars", miss="earn no more"),
        ("a census of 1994: no decision about anybody was made by it",),
    ),
    "breast_cancer": _Setting(
        "BREAST CANCER",
        Words(
            acts="Calls suspicious",
            act="call suspicious",
            acted="called suspicious",
            passed="called benign",
            let="benign",
            hit="were malignant",
            miss="were benign",
        ),
        (
            "no costs are documented: a cut-off of 1/2 takes a missed cancer for no worse than a "
            "needless operation",
            "one hospital about 1990, and one image a sample: other laboratories measure other "
            "values",
            "how many are malignant comes from how samples were collected: P is no patient's "
            "probability",
            "many columns measure nearly the same: which of them the tree names is near to chance",
            "nothing is recorded about the patients, so that nothing can be said about groups",
        ),
    ),
}


def embedded_study(name: str, seed: int = 0) -> Study:
    """A data set of the package, 70 % for training, sensitive and excluded columns left out.

    Parameters
    ----------
    name : str
        One of `treeprune.datasets.NAMES`.
    seed : int
        Seed of the split and of everything after it.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If there is no data set of that name.

    Examples
    --------
    >>> study = embedded_study("german_credit")
    >>> len(study.X_train), len(study.X_test), study.costs.cutoff
    (700, 300, Fraction(1, 6))
    """
    if name not in SETTINGS:
        raise ValueError(f"no data set is named {name!r}; possible are {', '.join(NAMES)}")
    data, setting = load(name), SETTINGS[name]
    exclude = dict.fromkeys(data.excluded, "not a feature, see the data's card")
    if not setting.compares_groups:
        exclude = dict.fromkeys(data.sensitive, "sensitive") | exclude
    costs = None
    if data.cost_matrix is not None:
        miss, alarm = float(data.cost_matrix[1, 0]), float(data.cost_matrix[0, 1])
        costs = Costs(miss=miss, false_alarm=alarm, source=setting.cost_source)
    return study_of(
        Table(data.frame, hashlib.sha256(Path(data.filename).read_bytes()).hexdigest()),
        name=setting.title,
        target=data.target.name,
        positive="1",
        costs=costs,
        exclude=list(exclude.items()),
        sensitive=data.sensitive if setting.compares_groups else (),
        seed=seed,
        words=setting.words,
        limits=setting.limits,
    )


def german_credit_study(seed: int = 0) -> Study:
    """German credit, with the donor's costs.

    Parameters
    ----------
    seed : int
        Seed of the split and of everything after it.

    Returns
    -------
    Study

    Examples
    --------
    >>> german_credit_study().words.acted
    'declined'
    """
    return embedded_study("german_credit", seed)
