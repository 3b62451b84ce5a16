"""
A declined applicant: from model to reason codes to what would change the decision
===================================================================================

A credit score is pruned to a size that fits on a page. One applicant of the held-out rows is
declined; the letter must say why, and the applicant will ask what could be done about it. Every
sentence below is compared with the fitted model before it is printed.
"""

# %%
# The model
# ---------
# German credit, without the columns that its card calls sensitive. A default that was not foreseen
# costs the bank five times as much as a good customer turned away, so that it declines from a
# probability of 1/6 on.

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from treeprune import Decision, PrunedClassifier, explain
from treeprune.datasets import load_german_credit

RED, GREEN = "#d98c6a", "#8fb3a3"

data = load_german_credit()
X = data.data.drop(columns=data.sensitive)
y = data.target.map({0: "repaid", 1: "default"}).rename("outcome")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
model = make_pipeline(
    make_column_transformer(
        (
            OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20),
            make_column_selector(dtype_include="category"),
        ),
        remainder="passthrough",
    ),
    PrunedClassifier(
        DecisionTreeClassifier(min_samples_leaf=20, random_state=0),
        scoring="roc_auc",
        strength="best",
        max_size=10,
        random_state=0,
    ),
).fit(X_train, y_train)

# %%
# What a decision means is said once: who is declined, in which words reasons are given, and which
# columns may not be named to an applicant.

decision = Decision(
    adverse="default",
    costs={"miss": 5, "false_alarm": 1},
    wording={
        "checking_status": {
            "overdrawn": "Your checking account is overdrawn",
            "0 to 200 DM": "The balance of your checking account is low",
            "any": "The state of your checking account",
        },
        "duration_months": {"high": "The term of the loan is long"},
        "amount_dm": {"high": "The amount is large", "low": "The amount is small"},
        "savings": "The amount of your savings",
        "credit_history": "Your record with earlier credits",
        "property": "The property you own",
        "employment": "The length of your employment",
        "other_plans": "You have other instalment plans",
    },
    adverse_word="declined",
    favourable_word="approved",
)
explanation = explain(model, X_train, y_train, decision=decision)
print(explanation.to_text(held_out=(X_test, y_test), n_rows=1))

# %%
# The rules, as a picture
# -----------------------
# Each rule is a leaf in raw columns and categories. Its bar is the model's probability, the dot
# the share of defaults among held-out applicants, the line that share's 95 % Wilson interval.

rules = explanation.rules
p_default = np.array([rule.value[0, 0] for rule in rules])
fares = rules.evaluate(X_test, y_test)
share = (fares["n_default"] / fares["rows"]).to_numpy()
# The table's interval is of the likeliest class; for the other it is turned round.
turned = p_default < 0.5
low = np.where(turned, 1 - fares["high"], fares["low"])
high = np.where(turned, 1 - fares["low"], fares["high"])
order = np.argsort(p_default)
place = np.arange(len(rules))
conditions = rules.to_frame()["conditions"]

fig, ax = plt.subplots(figsize=(10, 0.62 * len(rules) + 1.4), layout="constrained")
declined = decision.decide(p_default[order])
ax.barh(place, p_default[order], color=np.where(declined, RED, GREEN), height=0.7)
ax.hlines(place, low[order], high[order], color="black", linewidth=0.8)
ax.plot(share[order], place, "o", color="black", markersize=4)
ax.axvline(decision.cutoff, color="black", linewidth=0.8, linestyle="--")
ax.text(decision.cutoff + 0.005, len(rules) - 0.52, "declined from 1/6 on", fontsize=8)
names = [f"{fill(conditions[i], 58)}\n{fares['rows'][i]} held-out applicants" for i in order]
ax.set_yticks(place, names, fontsize=7)
ax.set_xlim(0, 1)
ax.set_xlabel("probability of default (bar), share of defaults in held-out rows (dot, 95 %)")
ax.set_title(f"The {len(rules)} rules of the pruned tree", fontsize=10, loc="left")
ax.spines[["top", "right"]].set_visible(False)
fig.savefig("german-credit-rules.png", dpi=120)

# %%
# One applicant
# -------------
# Of the declined held-out applicants who own no home, the one in the middle. Reasons are exact
# Shapley values over raw columns, against approved applicants near the cut-off: what makes the
# difference to somebody who just passed?

p = model.predict_proba(X_test)[:, 0]
candidates = np.flatnonzero(decision.decide(p) & (X_test["housing"] != "own"))
row = candidates[np.argsort(p[candidates], kind="stable")[len(candidates) // 2]]
applicant = X_test.iloc[[row]]
print(explanation.reasons(applicant).to_text())

# %%
# All columns, also those that spoke for the applicant, from the average of all training rows to
# the applicant's own probability.

found = explanation.attributions(applicant, game="interventional")
values = found.values[0, :, 0]
moved = [j for j in np.argsort(-np.abs(values)) if abs(values[j]) > 1e-6]
edges = found.base_values[0, 0] + np.concatenate([[0], np.cumsum(values[moved])])

fig, ax = plt.subplots(figsize=(9, 0.45 * len(moved) + 1.6), layout="constrained")
for i, j in enumerate(moved):
    ax.barh(i, values[j], left=edges[i], color=RED if values[j] > 0 else GREEN, height=0.6)
    ax.text(max(edges[i : i + 2]) + 0.006, i, f"{values[j]:+.3f}", va="center", fontsize=8)
    if i:
        ax.plot([edges[i]] * 2, [i - 0.7, i - 0.3], color="grey", linewidth=0.6)
for x, words in (
    (edges[0], f"average {edges[0]:.2f}"),
    (edges[-1], f"applicant {p[row]:.2f}"),
    (decision.cutoff, "cut-off"),
):
    ax.axvline(x, color="black", linewidth=0.7, linestyle="--" if words == "cut-off" else ":")
    ax.text(x, -0.75, words, fontsize=8, ha="center")
labels = [f"{explanation.columns[j]} = {applicant.iloc[0, j]}" for j in moved]
ax.set_yticks(range(len(moved)), labels, fontsize=8)
ax.set_xlim(min(edges.min(), decision.cutoff) - 0.05, max(edges) + 0.08)
ax.set_ylim(len(moved) - 0.4, -1.1)
ax.set_xlabel("probability of default")
ax.set_title("What each column adds for this applicant", fontsize=10, loc="left")
ax.spines[["top", "right"]].set_visible(False)
fig.savefig("german-credit-applicant.png", dpi=120)

# %%
# What could change it
# --------------------
# The cheapest change that leads to approval: exact over all leaves, in steps that the columns
# really have. A record or an employment cannot be changed by tomorrow, and term and amount only
# be lowered. Then the model itself is asked again.

change = explanation.counterfactual(
    applicant,
    immutable=["credit_history", "employment", "purpose"],
    directions={"duration_months": "decrease", "amount_dm": "decrease"},
)[0]
print(change.to_text(decision))
if change.feasible:
    after = model.predict_proba(change.apply(applicant))[0, 0]
    print(f"asked again, the model says {after:.3f}")

# %%
# For approval before use
# -----------------------
# All reasons that an applicant of each declined leaf can receive, and which columns make the
# difference between applicants of one leaf.

table = explanation.leaf_notice_table(k=2)
common = table[table["reference_rows"] >= 10]
print(f"{len(table)} sets of reasons, of which {len(common)} with ten or more training rows:")
print(common[["rule", "probability", "reasons", "reference_rows"]].to_string(index=False))
for rule, columns in table[["rule", "differs_by"]].drop_duplicates().values[:3]:
    print(f"applicants of {rule} differ by: {columns or 'nothing that was tried'}")
