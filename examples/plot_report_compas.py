"""
Law: a report on a contested risk score
=======================================

COMPAS is the data set on which the debate about fair risk scores was held. A short tree is made of
it here, not for use on anybody, but because a report has to show what such a debate is about: who
is called high risk wrongly, how steady that is, and what a stated limit on the difference between
groups would cost.
"""

# %%
# From the table to a study
# -------------------------
# A study says once what is predicted, what is left out and why, and by which columns groups are
# compared; the models never see these. The vendor's own score would copy the tool that the data
# were published to examine. The length of the jail stay may hold what was not yet known when
# people were scored.

import tempfile
import textwrap

import matplotlib.pyplot as plt
import pandas as pd

from treeprune import choose_within
from treeprune.datasets import load_compas
from treeprune.metrics.group_fairness import fairness_path
from treeprune.report import (
    Options,
    Report,
    StatedLimit,
    Words,
    fit_rivals,
    read_table,
    report_of,
    study_of,
)

study = study_of(
    read_table(load_compas().filename),
    name="COMPAS",
    target="two_year_recid",
    exclude=[
        ("decile_score", "the vendor's own score"),
        ("jail_days", "may hold what was not yet known when people were scored"),
    ],
    sensitive=["race", "sex", "age"],
    words=Words(
        acts="Calls high risk",
        act="high risk",
        acted="called high risk",
        passed="called low risk",
        let="low risk",
        hit="were arrested again",
        miss="were not arrested again",
    ),
    limits=[
        "the outcome is a new arrest, not a new offence: who is arrested depends on where and "
        "whom the police watch",
        "no costs are documented: what a wrong decision costs, and whom, is in dispute",
        "one county in a few years: no basis for decisions about anybody",
    ],
)

# %%
# A limit is stated before anything is fitted. Here "selected" means called low risk, so that TPR
# is the share of those not arrested again who are rightly called low risk. **Its complement is
# what the debate calls the false positive rate**: people called high risk who were not arrested
# again. Groups of race shall differ in it by at most 10 points.

limit = StatedLimit.parsed("tpr_difference (race) <= 0.1")
options = Options(scoring="roc_auc", refits=5, n_resamples=1000, limits=(limit,))
fits = fit_rivals(study, options)
report = Report(report_of(study, fits, options))
print(report.to_text(details=False))

# %%
# What the tree is
# ----------------
# Nothing but counts of earlier offences and the degree of the charge. The rivals do as well within
# the margin: there is little in these columns, and no method finds more.

held = report.content["held_out"]
for row in held["rows"]:
    area = row["figures"]["auc"]
    print(f"{row['model']:<26} AUC {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]")
best = max(row["figures"]["auc"]["value"] for row in held["rows"])
assert best < 0.75
assert {row["verdict"] for row in held["differences"]} == {"non-inferior"}

# %%
# It is steady, which says that the rows are many and the columns few, not that the tree is right.

scored = report.content["interpretability"]["models"][1]
print(
    f"{scored['same_decision']:.0%} same decision over refits; "
    f"{scored['often_otherwise']:.0%} of people are often decided otherwise"
)

# %%
# Who is wrongly called high risk?
# --------------------------------
# No model has seen race, and the groups fare differently all the same: other columns stand in for
# it. "too low" is how far the predicted share of arrests stays below the true one.

race = next(told for told in report.content["fairness"]["columns"] if told["column"] == "race")


def told_of(group, when):
    figures = group[when]
    return {
        "people": group["count"],
        "arrested again": 1 - group["favourable"] / group["count"],
        "called high risk": 1 - figures["selection_rate"]["value"],
        "wrongly high": 1 - figures["tpr"]["value"],
        "wrongly low": figures["fpr"]["value"],
        "too low": figures["calibration"]["value"],
    }


after = pd.DataFrame({g["group"]: told_of(g, "after") for g in race["groups"]}).T
print(after.round(2).to_string())

# %%
# As long as groups are arrested again at unequal rates, no imperfect score can be right on average
# in every group and also make both kinds of error equally often in every group (Chouldechova 2017;
# Kleinberg, Mullainathan and Raghavan 2017). Which of these should be equal is no question of
# statistics.

assert after["arrested again"].idxmax() == after["wrongly high"].idxmax() == "African-American"
gap = next(d for d in race["differences"] if d["figure"] == "tpr_difference")
for when in ("before", "after", "change"):
    found = gap[when]
    print(f"{when:<7} {found['value']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]")

# %%
# "Before" is the tree as grown, "after" the pruned one. That pruning is to blame, or has helped,
# cannot be said where the interval of the change holds 0.

print("the change holds 0:", gap["change"]["low"] <= 0 <= gap["change"]["high"])

# %%
# What would the limit cost?
# --------------------------
# The whole path is measured at once, without refitting. A limit is never a silent filter: the
# report says which step would keep it and at what price, and leaves the chosen tree as it is.

path = fits.path
groups = study.sensitive["race"].astype(str)
steps = fairness_path(
    path,
    fits.Z_test,
    study.y_test,
    sensitive_features=groups,
    positive=0,
    scoring="roc_auc",
)
choice = choose_within(steps, {"tpr_difference": (None, 0.1)})
print(choice.to_text())

fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
ax.plot(steps["tpr_difference"], steps["score"], "o-", color="0.6", markersize=4)
for at, words in ((path.chosen, "chosen"), (choice.step, "best within the limit")):
    row = steps.set_index("step").loc[at]
    ax.plot(row["tpr_difference"], row["score"], "o", color="black")
    ax.annotate(
        f"{words}, {int(row['size'])} leaves" if row["size"] > 1 else f"{words}: one leaf",
        (row["tpr_difference"], row["score"]),
        xytext=(8, -12),
        textcoords="offset points",
        fontsize=9,
    )
ax.axvline(0.1, color="black", linewidth=0.8, linestyle="--")
ax.set(xlabel="difference between groups in being rightly called low risk", ylabel="AUC")
ax.set_xlim(-0.02, 0.35)
ax.margins(y=0.12)
ax.spines[["top", "right"]].set_visible(False)

# %%
# So the limit cannot be had from this path: only the last step keeps it, a single leaf that says
# the same of everybody. Pruning is no remedy for a difference that is in the data.

answer = report.content["fairness"]["limits"]
assert not answer["chosen_satisfies"]
assert answer["n_within"] == 1 and path.size[choice.step] == 1
print(
    f"{answer['n_within']} of {answer['n_steps']} steps keep the limit; the chosen tree does not. "
    f"Keeping it costs {answer['cost']:.3f} AUC."
)

# %%
# What must not be concluded
# --------------------------
# The label is an arrest. If some people are watched more than others, they are arrested more for
# the same behaviour, and a model that predicts arrests well repeats that; no figure on this page
# can tell. That the model is readable does not make it just: it only makes it possible to object.

print(textwrap.fill("; ".join(report.content["limits"]), 90))
with tempfile.TemporaryDirectory() as folder:
    print([path.name for path in report.save(folder, ["html", "text", "json"])])

# %%
# The page that a court's expert would read.

report
