"""
Medicine: a report that advises against the tree
================================================

Thirty measurements of cell nuclei, all of them numbers, many of which say nearly the same; the
question is whether a breast mass is malignant. Pruning finds a tree of a few leaves that anybody
can carry out by hand. The report says why it should not be used all the same, and saying so is
what a report is for.
"""

# %%
# From the table to a model
# -------------------------
# There is nothing to encode. Leaves may be small, since the rows are few.

import tempfile
import warnings
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import treeprune
from treeprune import Decision, PrunedClassifier
from treeprune.datasets import load_breast_cancer

X = pd.read_csv(load_breast_cancer().filename)
y = X.pop("malignant")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
model = PrunedClassifier(tree, random_state=0).fit(X_train, y_train)

# %%
# A missed cancer is worse than a needless biopsy; by how much, these data do not say. Nine times is
# an assumption made here, so that the cut-off is not 1/2 by silence. No measurement can be changed
# by anybody: a report must not advise to shrink a cell.

decision = Decision(
    adverse=1,
    costs={"miss": 9, "false_alarm": 1},
    immutable=list(X.columns),
    adverse_word="suspicious",
    favourable_word="unsuspicious",
)
report = treeprune.report(
    model,
    X_test,
    y_test,
    X_train=X_train,
    y_train=y_train,
    decision=decision,
    limits=["one hospital; 30 measurements of which many say nearly the same"],
    name="Breast cancer",
    refits=5,
)
print(report.to_text(details=False))

# %%
# The verdict
# -----------
# Worse than the tree as grown, and worse than logistic regression by far: both differences exclude
# a gain. Between five folds of few rows the scores vary so much that the rule of one standard error
# puts up with a tree that is too small; and a weighted sum suits these measurements better than
# questions about one of them at a time.

differences = {row["rival"]: row for row in report.content["held_out"]["differences"]}
for rival in ("grown", "linear"):
    row = differences[rival]
    print(f"against {rival:<7} {row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] AUC")
    assert row["verdict"] == "worse"

# %%
# One split could be bad luck. Ten of them say the same.

linear = make_pipeline(StandardScaler(), LogisticRegression())
areas = []
for seed in range(10):
    one, rest, y_one, y_rest = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    fitted = clone(model).fit(one, y_one), clone(linear).fit(one, y_one)
    trees = fitted[0].path_.model, fitted[0]
    areas.append([roc_auc_score(y_rest, m.predict_proba(rest)[:, 1]) for m in (*trees, fitted[1])])
areas = pd.DataFrame(areas, columns=["as grown", "pruned", "logistic"])
print(areas.describe().loc[["mean", "min", "max"]].round(3).to_string())
assert (areas["logistic"] > areas["pruned"]).all()
assert (areas["as grown"] > areas["pruned"]).all()

# %%
# A cut-off needs something to cut
# --------------------------------
# In a clinic the cut-off is chosen for its sensitivity: how many cancers are found. A tree of a few
# leaves knows a few probabilities, and between two of them no cut-off makes a difference. The steps
# below are all that can be had from it.

linear.fit(X_train, y_train)
sick = (y_test == 1).to_numpy()


def rates(model, cutoff):
    called = model.predict_proba(X_test)[:, 1] >= cutoff
    return {"sensitivity": called[sick].mean(), "specificity": (~called[~sick]).mean()}


cutoffs = (0.01, 0.1, 0.3, 0.5, 0.9)
table = {
    (name, c): rates(m, c) for name, m in (("tree", model), ("logistic", linear)) for c in cutoffs
}
print(pd.DataFrame(table).T.round(3).to_string())
known = np.unique(model.predict_proba(X_test)[:, 1])
print("probabilities that the tree knows:", known.round(3))
assert rates(model, 0.1) == rates(model, 0.5)

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, fitted, style in (("pruned tree", model, "o:"), ("logistic", linear, "-")):
    p = fitted.predict_proba(X_test)[:, 1]
    at = [rates(fitted, c) for c in [*np.unique(p), 1.01]]
    found = [r["sensitivity"] for r in at]
    alarms = [1 - r["specificity"] for r in at]
    ax.plot(alarms, found, style, color="black" if fitted is model else "0.55", label=name)
ax.set(xlabel="benign masses called suspicious", ylabel="cancers found (sensitivity)")
ax.legend(frameon=False, loc="lower right")
ax.spines[["top", "right"]].set_visible(False)

# %%
# Is a probability what it says?
# ------------------------------
# A leaf's probability is a share of training rows, and the leaves were chosen on those rows too.
# On held-out rows the tree promises more cancers than there are: the interval of the difference
# excludes 0. The largest leaf among the suspicious shows where.

for told in report.content["calibration"]["models"]:
    gap = told["gap"]
    print(f"{told['label']:<26} {gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]")
pruned = next(m for m in report.content["calibration"]["models"] if m["key"] == "pruned")
assert pruned["gap"]["low"] > 0
for leaf in pruned["bins"]:
    print(f"P {leaf['p']:.3f}: {leaf['share']:.3f} of {leaf['n']} held-out rows are malignant")

# %%
# Which column is it?
# -------------------
# Radius, perimeter and area measure the same thing, and so do the mean and the worst of each. The
# tree names one of them, and on other rows another. Thirty refits on parts of the training rows:

X.corr().abs().pipe(lambda c: print(c["worst_perimeter"].nlargest(5).round(3).to_string()))
rng = np.random.default_rng(0)
roots = Counter()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for _ in range(30):
        part = rng.choice(len(X_train), int(0.632 * len(X_train)), replace=False)
        refit = clone(model).fit(X_train.iloc[part], y_train.iloc[part])
        roots[X.columns[refit.estimator_.tree_.feature[0]]] += 1
print(dict(roots.most_common()))
assert len(roots) > 2

# %%
# So "the tree uses concave points" is a fact about this tree, and "concave points matter and area
# does not" would be a mistake. The report's stability of predictions and attributions is about the
# same; of its five refits the interval leaves everything open for a tree, and not for logistic
# regression, whose attributions are shared out over all columns.

for scored in report.content["interpretability"]["models"]:
    stability = scored["components"]["stability"]
    print(
        f"{scored['label']:<26} {stability['value']:.2f} "
        f"[{stability['low']:.2f}, {stability['high']:.2f}]"
    )
    wide = stability["high"] - stability["low"] > 0.5
    assert wide == (scored["key"] != "linear")

# %%
# What must not be concluded
# --------------------------
# The composite of interpretability is higher for the tree than for logistic regression on thirty
# columns, and it is no argument: no part of it knows whether the model is right. One hospital, one
# way of taking images, no costs, nothing about the patients; more than a third of the samples are
# malignant because of how they were collected. What can be said is that a few leaves are too few
# here.

composite = {
    scored["key"]: scored["components"]["composite"]["value"]
    for scored in report.content["interpretability"]["models"]
}
assert composite["pruned"] > composite["linear"] and y.mean() > 1 / 3
print({key: round(value) for key, value in composite.items()}, f"{y.mean():.0%} malignant")
with tempfile.TemporaryDirectory() as folder:
    print([path.name for path in report.save(folder, ["html", "text", "json"])])

# %%
# The page.

report
