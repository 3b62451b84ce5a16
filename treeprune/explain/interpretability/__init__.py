"""How interpretable a model is: six components, their uncertainty, and what stands beside them.

From the ground up: `kernels` and `structure` (what is counted), `blocks` and `effects` (what the
model does when columns are exchanged), `imitation` (models that can only be asked), `components`
(formulas), `measure` (one model on rows), `refits`, `evidence` (spread over rows and refits),
`quality` (of explanations, apart), `score`.
"""

from __future__ import annotations

from .score import InterpretabilityScore, score_model

__all__ = ["InterpretabilityScore", "score_model"]
