"""The report's pictures, drawn from the report's dict alone: whoever reads the dict has every
figure that is drawn. Each says in words what is to be seen.
"""

from __future__ import annotations

from typing import Any

from .attributions import attributions_picture
from .calibration import calibration_picture
from .components import components_picture
from .path import path_picture
from .style import Picture
from .tree import tree_picture

__all__ = ["Picture", "pictures_of"]

DRAWN = (
    path_picture,
    tree_picture,
    components_picture,
    attributions_picture,
    calibration_picture,
)


def pictures_of(report: dict[str, Any]) -> dict[str, Picture]:
    """All pictures that a report has something to show for.

    Parameters
    ----------
    report : dict
        From `report_of`.

    Returns
    -------
    dict of str to Picture
        By name, in the order path, tree, components, attributions, calibration.

    Examples
    --------
    >>> curve = {"step": [0, 1], "leaves": [2, 1], "score": None, "se": None, "risk": [0.1, 0.2]}
    >>> chosen = {"step": 0, "leaves": 2, "score": None, "se": None}
    >>> choice = {"best": None, "one_se": None, "chosen": chosen, "limit": None}
    >>> path = {"curve": curve, "choice": choice, "method": "pessimistic", "risk_words": "errors"}
    >>> list(pictures_of({"path": path}))
    ['path']
    """
    found = (draw(report) for draw in DRAWN)
    return {picture.name: picture for picture in found if picture is not None}
