"""Exact attributions of networks: an engine over `Network` that knows nothing else.

Before its last layer a network is a sum over the neurons of the last hidden one, and after pruning
each of these is reached by few columns: its Shapley values are played out over all subsets of
them, and add up. Where too many columns reach a neuron, integrated gradients are exact still.
"""

from __future__ import annotations

from .attribution import NetworkAttributions, attribute_network, reading, rounding

__all__ = ["NetworkAttributions", "attribute_network", "reading", "rounding"]
