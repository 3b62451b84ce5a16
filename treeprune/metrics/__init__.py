"""Measures of models and of the steps of a path: interpretability, its price, and fairness.

- `scores`: one model, or every step of a path (`paths`); `comparison`: several models
- `searches`: scorers for scikit-learn's searches
- `group_fairness` (with `groups`, `outcomes`, `group_figures`, `ranges`): figures by group
- `limits`: the best step within stated limits, and what these cost
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..explain.interpretability import InterpretabilityScore
    from .comparison import Comparison, compare
    from .group_fairness import (
        Fairness,
        FairnessChange,
        fairness,
        fairness_before_after,
        fairness_path,
        make_fairness_scorer,
    )
    from .limits import Choice, Limit, choose_within
    from .scores import interpretability
    from .searches import make_interpretability_scorer

_HOMES = {
    "Choice": "limits",
    "Comparison": "comparison",
    "Fairness": "group_fairness",
    "FairnessChange": "group_fairness",
    "InterpretabilityScore": "scores",
    "Limit": "limits",
    "choose_within": "limits",
    "compare": "comparison",
    "fairness": "group_fairness",
    "fairness_before_after": "group_fairness",
    "fairness_path": "group_fairness",
    "interpretability": "scores",
    "make_fairness_scorer": "group_fairness",
    "make_interpretability_scorer": "searches",
}

__all__ = [
    "Choice",
    "Comparison",
    "Fairness",
    "FairnessChange",
    "InterpretabilityScore",
    "Limit",
    "choose_within",
    "compare",
    "fairness",
    "fairness_before_after",
    "fairness_path",
    "interpretability",
    "make_fairness_scorer",
    "make_interpretability_scorer",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
