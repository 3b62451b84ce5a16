"""
Prune a credit tree and choose its size by evidence
===================================================

A tree on German credit, grown through a preprocessing pipeline; its whole pruning path scored by
cross-validation from one fit a fold; the chosen tree as a plain scikit-learn model; and whether
the smaller tree is worse, on rows that nobody has used.
"""

# %%
# Data: what the model may not look at is named by the data set's card.
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, export_text

from treeprune import PrunedClassifier, pruning_path, pruning_strengths, shrink
from treeprune.datasets import load_german_credit

data = load_german_credit()
X = data.data.drop(columns=data.sensitive)
X_train, X_test, y_train, y_test = train_test_split(
    X, data.target, test_size=0.3, stratify=data.target, random_state=0
)

# %%
# Grow, prune, choose. `path_` holds every step with its score and standard error.
encode = make_column_transformer(
    (
        OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
        make_column_selector(dtype_include="category"),
    ),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
model = make_pipeline(encode, PrunedClassifier(tree, cv=10, scoring="roc_auc", random_state=0))
model.fit(X_train, y_train)
path = model[-1].path_
print(path.to_frame()[["step", "strength", "size", "risk", "score", "score_se"]].to_string())

# %%
# The path, with the best, the one-SE and the chosen step.
axes = path.plot()
axes.figure.savefig(Path("german-credit-path.png"), dpi=150)

# %%
# The chosen tree needs no treeprune: it is a scikit-learn tree.
chosen = model[-1].estimator_
print(type(chosen), chosen.get_n_leaves(), "leaves of", path.size[0])
print(export_text(chosen, feature_names=list(chosen.feature_names_in_)))

# %%
# Every step on the held-out rows, which no choice was made on.
Z_test = model[:-1].transform(X_test)
held_out = path.score(Z_test, y_test, scoring="roc_auc")
rng = np.random.default_rng(0)
grown_p = path.cut(0).predict_proba(Z_test)[:, 1]
chosen_p = chosen.predict_proba(Z_test)[:, 1]
y = y_test.to_numpy()
draws = [rng.integers(0, len(y), len(y)) for _ in range(2000)]
gains = [roc_auc_score(y[i], chosen_p[i]) - roc_auc_score(y[i], grown_p[i]) for i in draws]
low, high = np.quantile(gains, [0.025, 0.975])
print(f"AUC, pruned minus grown: {np.mean(gains):+.3f} [{low:+.3f}, {high:+.3f}]")

# %%
# Where cross-validation and the held-out rows disagree, one split shows how little it can say.
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(path.size, path.step_score, marker=".", label="10-fold mean on training rows")
axes.plot(held_out["size"], held_out.score, marker=".", label="held-out rows")
axes.axvline(path.size[path.chosen], color="0.6", lw=1, ls=":", label="chosen")
axes.set(xlabel="leaves", ylabel="ROC AUC (higher is better)", xscale="log")
axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(Path("german-credit-held-out.png"), dpi=150)

# %%
# Other ways to the same end: a search over strengths, pruning by held-out errors that cost, by
# unlabelled rows, and shrinkage of what the remaining leaves say.
strengths = pruning_strengths(tree, model[:-1].transform(X_train), y_train, n=12)
search = GridSearchCV(
    model.set_params(prunedclassifier__strength="auto"),
    {"prunedclassifier__strength": strengths, "prunedclassifier__method": ["cost_complexity"]},
    scoring="neg_log_loss",
)
search.fit(X_train, y_train)
print("search:", search.best_estimator_[-1].estimator_.get_n_leaves(), "leaves")

Z_train = model[:-1].transform(X_train)
grown = tree.fit(Z_train.iloc[::2], y_train.iloc[::2])
costly = pruning_path(
    grown,
    Z_train.iloc[1::2],
    y_train.iloc[1::2],
    method="reduced_error",
    risk="cost",
    cost_matrix=data.cost_matrix,
)
print("reduced cost:", costly.cut(strength=0).get_n_leaves(), "leaves")
unlabelled = pruning_path(grown, Z_train.iloc[1::2], method="agreement")
print("agreement of at least 95 %:", unlabelled.size[np.flatnonzero(unlabelled.risk <= 0.05)[-1]])
for lam in (0, 10, 100):
    p = shrink(chosen, lam).predict_proba(Z_test)[:, 1]
    print(f"shrunk by {lam:>3}: P from {p.min():.2f} to {p.max():.2f}")
