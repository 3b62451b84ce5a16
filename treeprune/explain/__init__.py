"""Say what a model does, in raw columns, and check every word against the model itself.

`explain` reads a model as rules, exactly where it is small enough, and gives attributions,
reasons and counterfactuals of its predictions. Nothing is returned that the fitted estimator's
own output contradicts.

Where to find what, from the ground up (imports go in this order):

- raw columns: `conditions` (what can be asked of one), `limits` (where a comparison flips),
  `tables`, `sources`, `asking` and `links` (what each transformer makes of a column),
  `split_conditions`, `features`
- rules: `rules`, `matching`, `leaves` (from trees), `cells`, `sufficient`, `proofs`, `evaluation`
- words and exports: `text`, `listing`, `exports/`
- attributions: `shapley/` (trees), `networks/` (networks), `attributions`, `points`
- any other model: `fidelity`, `surrogate`, `scorecard`
- small networks: `region_terms`, `piecewise`, `regions`, `region_text`
- one model as a whole: `view`, `reasons`, `notices`, `change_costs`, `raw_rows`, `counterfactual`,
  `proving`, `checks`, `summary`, `explanation`
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..modules import make_callable

if TYPE_CHECKING:
    from .explanation import Explanation, explain
    from .features import FeatureMap
    from .regions import HalfSpace, Region, RegionRules
    from .rules import Rule, RuleSet

_HOMES = {
    "Explanation": "explanation",
    "FeatureMap": "features",
    "HalfSpace": "regions",
    "Region": "regions",
    "RegionRules": "regions",
    "Rule": "rules",
    "RuleSet": "rules",
    "explain": "explanation",
}

__all__ = [
    "Explanation",
    "FeatureMap",
    "HalfSpace",
    "Region",
    "RegionRules",
    "Rule",
    "RuleSet",
    "explain",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


make_callable(__name__)
