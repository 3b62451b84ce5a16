"""Reports that several tests read: hostile names, several classes, numbers, German credit, and each
kind of model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_iris

from treeprune.report import (
    Costs,
    Options,
    Report,
    StatedLimit,
    Table,
    embedded_study,
    fit_rivals,
    report_of,
    stamp,
    study_of,
)

OPTIONS = Options(cv=3, n_resamples=1000, refits=2)
HOSTILE = (
    "<script>document.title = 'x'</script>",
    "[a](javascript:alert(1)) ![b](http://example.org/p.png)",
    "a|b *c* _d_ `e` ~~f~~ $g$ &amp; &#60;",
    "www.example.org https://example.org x@example.org",
    "\"quoted\" 'single' \\ back {{ 7*7 }} {% raw %}",
)


def hostile_frame(n=240):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({HOSTILE[0]: rng.normal(size=n).round(2)})
    frame[HOSTILE[1]] = rng.integers(0, 9, n).astype(float)
    frame[HOSTILE[2]] = rng.choice([HOSTILE[3], HOSTILE[4], "# no head", "- no item"], n)
    frame["größe ☃ שלום"] = rng.choice(["=cmd()", "1. no list", "</td></table>"], n)
    signal = frame[HOSTILE[0]] + (frame[HOSTILE[2]] == HOSTILE[3]) + frame[HOSTILE[1]] / 4
    signal += frame["größe ☃ שלום"] == "</td></table>"
    frame["y"] = np.where(signal + rng.normal(size=n) / 2 > 2, "<b>yes</b>", "no*")
    frame["sex\n<i>"] = rng.choice(["f|", "<u>m</u>"], n)
    return frame


def made(frame, options=OPTIONS, **kwargs):
    text = frame.select_dtypes(exclude="number").columns
    frame = frame.astype(dict.fromkeys(text, "category"))
    study = study_of(Table(frame, "0" * 64), name="<h1>data</h1> | x", target="y", **kwargs)
    return done(study, options)


def done(study, options):
    fits = fit_rivals(study, options)
    return Report({**report_of(study, fits, options), "made": stamp(fits)})


def hostile():
    limits = (StatedLimit("selection_rate_ratio", low=0.9),)
    options = replace(OPTIONS, limits=limits)
    sensitive = ["sex\n<i>"]
    return made(hostile_frame(), options, costs=Costs(3, 1, "a <test>"), sensitive=sensitive)


def multiclass():
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "y"})
    frame["y"] = frame["y"].map({0: "setosa", 1: "[b]versicolor", 2: "virginica"})
    return made(frame)


def regression():
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "y"})
    return made(frame, replace(OPTIONS, refits=0))


def credit():
    options = replace(OPTIONS, strength="one_se", scoring="roc_auc")
    return done(embedded_study("german_credit"), options)


def forest():
    """Names that must be shown as written, groups and a limit; read through a surrogate."""
    limits = (StatedLimit("selection_rate_ratio", low=0.9),)
    options = replace(OPTIONS, model="forest", limits=limits)
    sensitive = ["sex\n<i>"]
    return made(hostile_frame(), options, costs=Costs(3, 1, "a <test>"), sensitive=sensitive)


def booster():
    """A booster of few leaves, which is read as the joint partition of its trees."""
    options = replace(OPTIONS, model="lightgbm", max_size=12, refits=0)
    return made(hostile_frame(), options, monotone={HOSTILE[0]: 1})


def network():
    """Several classes and a network, whose attributions are in log-odds."""
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "y"})
    frame["y"] = frame["y"].map({0: "setosa", 1: "[b]versicolor", 2: "virginica"})
    return made(frame, replace(OPTIONS, model="mlp", refits=0))
