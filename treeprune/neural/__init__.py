"""A multilayer perceptron that can hold exact zeros, as scikit-learn estimators.

`l1` makes zeros while the network is trained, `mask` keeps given weights at zero whatever follows:
optimiser steps, `partial_fit`, clones, pickles. Training is numpy alone; weights are kept, and
predictions made, in float64.
"""

from __future__ import annotations

from .classifier import SparseMLPClassifier
from .regressor import SparseMLPRegressor

__all__ = ["SparseMLPClassifier", "SparseMLPRegressor"]
