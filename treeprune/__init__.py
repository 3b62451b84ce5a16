"""treeprune: prune, explain and score tabular models.

Names load when they are first used, so that `import treeprune` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, native
    from .decision import Decision
    from .estimators import PrunedClassifier, PrunedRegressor
    from .exceptions import (
        CheckFailedError,
        MalformedModelError,
        PrunedToRootWarning,
        UnsupportedModelError,
        UntrustedModelError,
    )
    from .explain import Explanation, FeatureMap, Rule, RuleSet, explain
    from .losses import cost_decision
    from .metrics import (
        Comparison,
        Fairness,
        InterpretabilityScore,
        choose_within,
        compare,
        fairness,
        interpretability,
        make_fairness_scorer,
        make_interpretability_scorer,
    )
    from .network import Network
    from .neural import SparseMLPClassifier, SparseMLPRegressor
    from .path import PruningPath
    from .pruning import (
        METHODS,
        Method,
        prune,
        pruning_path,
        pruning_strengths,
        refit_leaves,
        shrink,
    )
    from .report import Report, report
    from .retraining import Retraining, compare_with_retraining
    from .saving import Saved, load_model, save_model
    from .sizes import compression
    from .tree_estimators import PrunedTreeClassifier, PrunedTreeRegressor
    from .trees import Splits, Trees
    from .verification import Verification, verify

    __version__: str

_HOMES = {
    "CheckFailedError": "exceptions",
    "Comparison": "metrics",
    "Decision": "decision",
    "Explanation": "explain",
    "Fairness": "metrics",
    "FeatureMap": "explain",
    "InterpretabilityScore": "metrics",
    "METHODS": "pruning",
    "MalformedModelError": "exceptions",
    "Method": "pruning",
    "Network": "network",
    "PrunedClassifier": "estimators",
    "PrunedRegressor": "estimators",
    "PrunedToRootWarning": "exceptions",
    "PrunedTreeClassifier": "tree_estimators",
    "PrunedTreeRegressor": "tree_estimators",
    "PruningPath": "path",
    "Report": "report",
    "Retraining": "retraining",
    "Rule": "explain",
    "RuleSet": "explain",
    "Saved": "saving",
    "SparseMLPClassifier": "neural",
    "SparseMLPRegressor": "neural",
    "Splits": "trees",
    "Trees": "trees",
    "UnsupportedModelError": "exceptions",
    "UntrustedModelError": "exceptions",
    "Verification": "verification",
    "choose_within": "metrics",
    "compare": "metrics",
    "compare_with_retraining": "retraining",
    "compression": "sizes",
    "cost_decision": "losses",
    "fairness": "metrics",
    "interpretability": "metrics",
    "load_model": "saving",
    "make_fairness_scorer": "metrics",
    "make_interpretability_scorer": "metrics",
    "prune": "pruning",
    "pruning_path": "pruning",
    "pruning_strengths": "pruning",
    "refit_leaves": "pruning",
    "save_model": "saving",
    "shrink": "pruning",
    "verify": "verification",
}

__all__ = [
    "METHODS",
    "CheckFailedError",
    "Comparison",
    "Decision",
    "Explanation",
    "Fairness",
    "FeatureMap",
    "InterpretabilityScore",
    "MalformedModelError",
    "Method",
    "Network",
    "PrunedClassifier",
    "PrunedRegressor",
    "PrunedToRootWarning",
    "PrunedTreeClassifier",
    "PrunedTreeRegressor",
    "PruningPath",
    "Report",
    "Retraining",
    "Rule",
    "RuleSet",
    "Saved",
    "SparseMLPClassifier",
    "SparseMLPRegressor",
    "Splits",
    "Trees",
    "UnsupportedModelError",
    "UntrustedModelError",
    "Verification",
    "choose_within",
    "compare",
    "compare_with_retraining",
    "compression",
    "cost_decision",
    "datasets",
    "explain",
    "fairness",
    "interpretability",
    "load_model",
    "make_fairness_scorer",
    "make_interpretability_scorer",
    "native",
    "prune",
    "pruning_path",
    "pruning_strengths",
    "refit_leaves",
    "report",
    "save_model",
    "shrink",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("treeprune")
        except PackageNotFoundError:  # a checkout that is not installed
            return "0+unknown"
    if name in ("datasets", "explain", "native", "report"):
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
