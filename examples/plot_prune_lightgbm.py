"""
Prune a LightGBM model, or simply train a smaller one?
======================================================

A booster of 150 rounds of 31 leaves on Adult is pruned to a small part of its leaves. What comes
out is a LightGBM model. It is weighed, on rows that nobody has used, against its own first rounds
and against a booster that was *trained* at that size with tuned rounds, leaves and learning rate:
the rival that is easy to forget.
"""

# %%
# Data: what the model may not look at is named by the data set's card. LightGBM takes categories
# as they are.
import tempfile
from pathlib import Path

import lightgbm
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from treeprune import (
    METHODS,
    PrunedClassifier,
    compare_with_retraining,
    explain,
    native,
    pruning_path,
    verify,
)
from treeprune.datasets import load_adult

data = load_adult()
X = data.data.drop(columns=[*data.sensitive, *data.excluded])[:16_000]
y = data.target[:16_000]
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
booster = lightgbm.LGBMClassifier(
    n_estimators=150, num_leaves=31, random_state=0, n_jobs=1, verbose=-1
)
grown = lightgbm.LGBMClassifier(**booster.get_params()).fit(X_train, y_train)

# %%
# Four ways down. `cost_complexity` merges the weakest links of all trees jointly and refits the
# leaves that remain. `sequential` boosts again on the grown structure, so that later trees correct
# for what was cut from earlier ones. `additive` lets the model's splits stand alone, in a sum of
# functions of single columns: what is lost on the way there is what columns say together.
# `truncate` drops the last rounds.
paths = {
    name: pruning_path(grown, X_train, y_train, method=name)
    for name in ("cost_complexity", "sequential", "additive", "truncate")
}
figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, path in paths.items():
    scores = path.score(X_test, y_test, scoring="roc_auc")
    ax.plot(scores["size"], scores["score"], marker=".", label=name.replace("_", "-"))
    print(name, path)
ax.set(xscale="log", xlabel="leaves", ylabel="ROC AUC on held-out rows")

# %%
# Choose the size by cross-validation. Every fold trains one booster and scores its whole path.
model = PrunedClassifier(booster, scoring="roc_auc", cv=3, random_state=0).fit(X_train, y_train)
small = model.estimator_
print(type(small), int(model.path_.size[model.step_]), "leaves of", int(model.path_.size[0]))
print(verify(grown, small, X_test, y_test).to_text())

# %%
# Prune, or simply train smaller? The rival has as many leaves, and the best of 45 settings.
found = compare_with_retraining(model, X_train, y_train, X_test, y_test, cv=3)
print(found)
ax.plot(found.retrained_size, found.verification.before, "s", label="trained at that size")
ax.plot(found.pruned_size, found.verification.after, "o", label="chosen by cross-validation")
ax.set_xlim(left=15)
ax.set_ylim(bottom=0.79)
ax.legend(loc="lower right", fontsize="small")
figure.savefig(Path("lightgbm-pruned.png"), dpi=150)

# %%
# The pruned model needs no treeprune: its file is LightGBM's own, and so are its contributions.
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "small.txt"
    small.booster_.save_model(file)
    again = lightgbm.Booster(model_file=str(file))
assert np.array_equal(again.predict(X_test), small.predict_proba(X_test)[:, 1])
contributions = small.predict(X_test, pred_contrib=True)
assert np.allclose(contributions.sum(axis=1), small.predict(X_test, raw_score=True))
print(native.read(small).n_trees, "trees are left")

# %%
# Smaller still, it can be written down: the joint partition of a few trees is one exact tree.
tiny = pruning_path(grown, X_train, y_train, method=METHODS["sequential"].with_options(rate=3.0))
tiny = tiny.cut(size=24)
told = explain(tiny, X_test)
print(f"ROC AUC {roc_auc_score(y_test, tiny.predict_proba(X_test)[:, 1]):.3f}")
print(told.rules.to_text()[:1500])
