"""Exact region rules: a small network as linear scorecards, each with the half-spaces it is for.

A network of relu neurons is linear wherever the same neurons are on. With few neurons there are few
such regions, and each is written out in raw columns and units: constant, coefficients, and an
inequality for each neuron; a linear model is one region. What is written is what is run:
predictions come from the region's own figures, so that comparing them with the network says
something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..network import Network
from .conditions import Condition, NumberCondition, limits_of
from .features import FeatureMap
from .limits import printed_limits
from .piecewise import Forms, Pattern, Piecewise, possible_patterns
from .region_terms import RawTerms, as_condition, border_condition

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "HalfSpace",
    "Region",
    "RegionRules",
    "no_regions",
    "printed_slack",
    "region_rules",
    "rounded",
]

Array = npt.NDArray[np.float64]

MOST_NEURONS = 10
BLOCK = 10_000  # rows held as terms at once
DIGITS, MOST_DIGITS = 4, 17  # significant ones; with 17 a float64 is itself again
PRINTED_SLACK = 1e-3  # of probabilities; of the range of a target's predictions


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """Where a hidden neuron is on, or off, given the neurons of the layers before.

    Parameters
    ----------
    layer, neuron : int
        Position among the hidden layers and in its layer, of the network without dead neurons.
    coefficients : array of float64, shape (n_terms,)
        Of `RegionRules.terms`.
    limit : float
    above : bool
        The neuron is on where the sum of the terms is > limit, else off: <= limit.
    fixed : bool
        Whether that holds wherever the model columns are between their smallest and largest value
        in the reference rows.

    Examples
    --------
    >>> HalfSpace(0, 2, np.array([1.0, 0.0]), 30.0, True, False).above
    True
    """

    layer: int
    neuron: int
    coefficients: Array
    limit: float
    above: bool
    fixed: bool


@dataclass(frozen=True, eq=False)
class Region:
    """Where the same hidden neurons are on, so that the score is linear.

    Parameters
    ----------
    pattern : tuple of bool
        Which neurons are on, layer by layer.
    coefficients : array of float64, shape (n_terms, n_scores)
        Of `RegionRules.terms`, in raw units and points.
    constant : array of float64, shape (n_scores,)
    half_spaces : tuple of HalfSpace
        One for each neuron that some term enters; the region is where all hold.
    n_rows : int
        Reference rows in it.
    share : float
        Their share of all.
    outcome : array of float64 or None
        Shares of the classes, or means of the targets, among these rows; None without outcomes.
    spread : array of float64, shape (n_terms,)
        Standard deviation of each term over these rows.

    Examples
    --------
    >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
    >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
    >>> rules = region_rules(net, FeatureMap.of(None, X), X)
    >>> region = rules.regions[1]
    >>> region.pattern, region.coefficients.tolist(), region.constant.tolist(), region.share
    ((True,), [[2.0]], [-59.0], 0.5)
    """

    pattern: Pattern
    coefficients: Array
    constant: Array
    half_spaces: tuple[HalfSpace, ...]
    n_rows: int = 0
    share: float = 0.0
    outcome: Array | None = None
    spread: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class RegionRules:
    """A network, written out as one linear scorecard a region; a linear model is one region.

    Made by `explain(model, X).regions`; see there.

    Parameters
    ----------
    terms : RawTerms
        What coefficients stand for.
    network : Network
        Without dead neurons and inputs.
    regions : tuple of Region
        Those with reference rows, most rows first. Rows in any other are given the figures of
        their own region when asked for, so that the rules are complete.
    classes : tuple of array
        Class labels; empty for regression.
    target : tuple of str
        A name for each output.
    positive : int
        For two classes: position of the class whose log-odds the score is.
    low, high : array of float64, shape (n_inputs,)
        Smallest and largest value of each model column in the reference rows.
    n_rows : int
        Number of reference rows.
    spread : array of float64, shape (n_terms,)
        Standard deviation of each term over all of them.
    texts : mapping of (column, limit) to str
        How limits of single columns are printed.
    printed_error : float
        Largest difference between outputs by the figures as printed and by the exact ones, on the
        reference rows.
    digits : int
        Significant digits of printed figures: 4, or as many more (up to 17) as keep what is printed
        within 0.001 of a probability, or of the range of a target's predictions.

    Examples
    --------
    >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
    >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
    >>> rules = region_rules(net, FeatureMap.of(None, X), X)
    >>> [(region.pattern, region.n_rows) for region in rules.regions], rules.n_possible
    ([((False,), 2), ((True,), 2)], 2)
    >>> rules.predict(X[:4]).tolist()
    [5.0, 5.0, 21.0, 41.0]
    >>> print(rules.to_text(width=80))
    2 regions, in each of which y is a sum (1 hidden neuron; 2 regions are possible
    within the values seen). Figures have 4 digits.
    <BLANKLINE>
    Region 1 of 2: 50 % of rows (2)
      applies when x0 <= 32
      y = 5
    <BLANKLINE>
    Region 2 of 2: 50 % of rows (2)
      applies when x0 > 32
      y = -59 + 2 × x0
    """

    terms: RawTerms
    network: Network
    regions: tuple[Region, ...]
    classes: tuple[npt.NDArray, ...]
    target: tuple[str, ...]
    positive: int
    low: Array
    high: Array
    n_rows: int
    spread: Array
    texts: dict[tuple[int, float], str]
    printed_error: float = 0.0
    digits: int = DIGITS

    def __len__(self) -> int:
        """Number of regions with reference rows."""
        return len(self.regions)

    def __iter__(self) -> Iterator[Region]:
        """The regions with reference rows, most rows first."""
        return iter(self.regions)

    @property
    def is_classifier(self) -> bool:
        """Whether the output is class probabilities."""
        return bool(self.classes)

    @cached_property
    def n_possible(self) -> int | None:
        """Number of patterns that are possible within the values seen.

        That is for any inputs of the network between their smallest and largest value in the
        reference rows, by linear programs; None where more than 2,000 of them would be needed.

        Examples
        --------
        See `RegionRules`.
        """
        known = [region.pattern for region in self.regions]
        found = possible_patterns(self.network, self.low, self.high, known)
        return None if found is None else len(found)

    @cached_property
    def _pieces(self) -> Piecewise:
        return Piecewise(self.network, self.terms.matrix, self.terms.offset)

    @cached_property
    def _inner(self) -> Piecewise:
        """The same in model columns."""
        n = len(self.network.inputs)
        return Piecewise(self.network, np.eye(n), np.zeros(n))

    @cached_property
    def _behind_first(self) -> Piecewise:
        """The layers after the first, in terms of what leaves the first."""
        net = self.network
        n = len(net.biases[0])
        tail = replace(
            net,
            weights=net.weights[1:],
            biases=net.biases[1:],
            inputs=np.arange(n),
            n_features=n,
            feature_names=None,
        )
        return Piecewise(tail, np.eye(n), np.zeros(n))

    @property
    def first_layer(self) -> Array:
        """Coefficients of the first layer's sums, (n_terms, n_first).

        Examples
        --------
        See `RegionRules`.
        """
        return self._pieces.forms(())[0]

    def by_first_layer(self, before: Pattern) -> Array:
        """Sums of a later layer as multiples of the first layer's sums, (n_first, n_sums).

        Parameters
        ----------
        before : tuple of bool
            Which neurons are on, of all layers before it.

        Examples
        --------
        See `RegionRules`.
        """
        n = self._pieces.sizes[0]
        on = np.array(before[:n], dtype=np.float64)[:, None]
        return on * self._behind_first.forms(before[n:])[0]

    def score_forms(self, pattern: Pattern) -> Forms:
        """Coefficients (n_terms, n_scores) and constants of the scores, as they are said.

        Examples
        --------
        See `RegionRules`.
        """
        coefficients, constant = self._pieces.forms(pattern)
        if self.network.link == "logit" and self.positive == 0:
            return -coefficients, -constant
        return coefficients, constant

    def pattern(self, X: Any) -> npt.NDArray[np.bool_]:
        """Which hidden neurons are on for each row, by the half-spaces.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array of bool, shape (n_rows, n_neurons)

        Raises
        ------
        ValueError
            For rows that the model itself refuses.

        Examples
        --------
        >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
        >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
        >>> rules = region_rules(net, FeatureMap.of(None, X), X)
        >>> rules.pattern(X[:3]).shape
        (3, 1)
        """
        n = sum(self._pieces.sizes)
        parts = [np.zeros((0, n), dtype=bool)]
        for design in self._designs(X):
            out = np.zeros((len(design), n), dtype=bool)
            for pattern, rows in self._pieces.groups(design).items():
                out[rows] = pattern
            parts.append(out)
        return np.concatenate(parts)

    def region(self, pattern: Any) -> Region:
        """The region of a pattern, with or without reference rows.

        Parameters
        ----------
        pattern : sequence of bool

        Raises
        ------
        ValueError
            If there are not as many neurons.

        Examples
        --------
        >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
        >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
        >>> rules = region_rules(net, FeatureMap.of(None, X), X)
        >>> rules.region([False]).coefficients.tolist()
        [[0.0]]
        """
        wanted = tuple(bool(state) for state in pattern)
        if len(wanted) != sum(self._pieces.sizes):
            raise ValueError(
                f"a pattern has one state for each of {sum(self._pieces.sizes)} neurons; got "
                f"{len(wanted)}"
            )
        for region in self.regions:
            if region.pattern == wanted:
                return region
        return Region(wanted, *self.score_forms(wanted), self._half_spaces(wanted))

    def _half_spaces(self, pattern: Pattern) -> tuple[HalfSpace, ...]:
        out, start = [], 0
        for layer, size in enumerate(self._pieces.sizes):
            before = pattern[:start]
            coefficients, constant = self._pieces.forms(before)
            w, c = self._inner.forms(before)
            ends = np.stack([w * self.low[:, None], w * self.high[:, None]])
            least, most = (c + end.sum(axis=0) for end in (ends.min(axis=0), ends.max(axis=0)))
            for k in np.flatnonzero(coefficients.any(axis=0)).tolist():
                on = pattern[start + k]
                fixed = bool(least[k] > 0 if on else most[k] <= 0)
                limit = 0.0 - float(constant[k])
                out.append(HalfSpace(layer, k, coefficients[:, k], limit, on, fixed))
            start += size
        return tuple(out)

    def _designs(self, X: Any) -> Iterator[Array]:
        for rows in _blocks(X):
            yield self.terms.design(self.terms.values(rows), rows.shape[0])

    def scores(self, X: Any, *, printed: bool = False) -> Array:
        """Scores of rows by the figures of their own region, before the link.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        printed : bool
            Use the figures as they are printed.

        Returns
        -------
        array of float64, shape (n_rows, n_scores)
            For two classes the log-odds of the class at `positive`.

        Examples
        --------
        See `RegionRules`.
        """
        borders = self._printed_borders if printed else self._pieces.forms
        parts = []
        for design in self._designs(X):
            out = np.empty((len(design), self.network.n_scores))
            for pattern, rows in self._pieces.groups(design, borders).items():
                coefficients, constant = self.score_forms(pattern)
                if printed:
                    coefficients = self.as_printed(coefficients)
                    constant = rounded(constant, self.digits)
                out[rows] = design[rows] @ coefficients + constant
            parts.append(out)
        return np.concatenate(parts) if parts else np.zeros((0, self.network.n_scores))

    def as_printed(self, coefficients: Array) -> Array:
        """Coefficients as printed; a missing number counts as the number said for it.

        Examples
        --------
        See `RegionRules`.
        """
        shown = rounded(coefficients, self.digits)
        for t, (number, fill) in self.terms.fills.items():
            shown[t] = shown[number] * rounded(np.array(fill), self.digits)
        return shown

    def _printed_borders(self, before: Pattern) -> Forms:
        """Sums with figures as printed; those of single columns are printed to route alike.

        Sums of later layers are printed as multiples of the first layer's.
        """
        coefficients, constant = self._pieces.forms(before)
        if before:
            first = self.as_printed(self.first_layer)
            shown = first @ rounded(self.by_first_layer(before), self.digits)
        else:
            shown = self.as_printed(coefficients)
        limits = rounded(constant, self.digits)
        for k in range(len(constant)):
            if border_condition(self.terms, coefficients[:, k], -constant[k], True) is not None:
                shown[:, k], limits[k] = coefficients[:, k], constant[k]
        return shown, limits

    def output(self, X: Any, *, printed: bool = False) -> Array:
        """Predictions laid out as (n_rows, n_outputs, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        printed : bool
            Use the figures as they are printed.

        Examples
        --------
        See `RegionRules`.
        """
        scores = self.scores(X, printed=printed)
        if self.network.link == "logit" and self.positive == 0:
            scores = -scores
        return self.network.respond(scores)

    def predict_proba(self, X: Any) -> Array:
        """Class probabilities by the figures of each row's own region.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array of float64, shape (n_rows, n_classes)

        Raises
        ------
        ValueError
            For regression, and for rows that the model itself refuses.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = MLPClassifier((3,), solver="lbfgs", max_iter=2000, random_state=0).fit(X, y)
        >>> rules = explain(model, X, y).regions
        >>> bool(np.allclose(rules.predict_proba(X), model.predict_proba(X), atol=1e-9))
        True
        """
        if not self.is_classifier:
            raise ValueError("these regions predict a number: use predict")
        return self.output(X)[:, 0, :]

    def predict(self, X: Any) -> npt.NDArray:
        """Prediction for each row: the likeliest class, or the target.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array, shape (n_rows,) or (n_rows, n_outputs)

        Examples
        --------
        See `RegionRules`.
        """
        if self.is_classifier:
            return self.classes[0][self.predict_proba(X).argmax(axis=1)]
        out = self.output(X)[:, :, 0]
        return out[:, 0] if out.shape[1] == 1 else out

    def to_text(self, *, max_regions: int = 12, width: int = 100) -> str:
        """The regions for reading, with figures of `digits` digits.

        Parameters
        ----------
        max_regions : int
            Show this many, those with the most rows.
        width : int
            Longest line, in characters.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If none is to be shown.

        Examples
        --------
        See `RegionRules`.
        """
        from .region_text import to_text

        return to_text(self, max_regions=max_regions, width=width)

    def to_frame(self) -> pd.DataFrame:
        """A row for each region, score and term that matters there.

        Returns
        -------
        DataFrame
            `region` (1 has the most rows), `rows`, `share`, `score`, `column` (None for the
            constant), `term` (in words), `coefficient`, `influence` (its absolute value times the
            spread of the term over the region's rows).

        Examples
        --------
        >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
        >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
        >>> rules = region_rules(net, FeatureMap.of(None, X), X)
        >>> rules.to_frame()["term"].tolist()[:2]
        ['constant', 'constant']
        """
        from .region_text import to_frame

        return to_frame(self)

    def to_dict(self) -> dict[str, Any]:
        """All figures in full precision, ready for `json.dumps`; schema `treeprune-regions/1`.

        Examples
        --------
        >>> import json
        >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
        >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
        >>> rules = region_rules(net, FeatureMap.of(None, X), X)
        >>> json.loads(json.dumps(rules.to_dict()))["schema"]
        'treeprune-regions/1'
        """
        from .region_text import to_dict

        return to_dict(self)


def rounded(values: Array, digits: int = DIGITS) -> Array:
    """Figures as they are printed.

    Examples
    --------
    >>> rounded(np.array([0.123456, -98765.4])).tolist()
    [0.1235, -98770.0]
    """
    flat = [float(f"{v:.{digits}g}") for v in np.ravel(values).tolist()]
    return np.array(flat, dtype=np.float64).reshape(np.shape(values))


def no_regions(network: Network) -> str | None:
    """Why a network has no regions that could be written out; None where it has.

    Examples
    --------
    >>> net = Network(([[1.0]], [[1.0]]), ([0.0], [0.0]), activation="tanh")
    >>> no_regions(net)
    'its hidden neurons are tanh, which is nowhere linear (relu is, region by region)'
    """
    if network.hidden_layer_sizes and network.activation not in ("relu", "identity"):
        return (
            f"its hidden neurons are {network.activation}, which is nowhere linear (relu is, "
            "region by region)"
        )
    n = network.settle().n_neurons
    if network.activation == "relu" and n > MOST_NEURONS:
        return (
            f"it has {n} live hidden neurons, and regions are written out for at most "
            f"{MOST_NEURONS}, since each can be on or off"
        )
    return None


def region_rules(
    network: Network,
    feature_map: FeatureMap,
    X: Any,
    y: Any = None,
    *,
    classes: tuple[npt.NDArray, ...] = (),
    positive: int = 1,
    target: tuple[str, ...] = ("y",),
) -> RegionRules:
    """Write a network out as regions.

    Parameters
    ----------
    network : Network
        Of relu neurons, at most 10 of them live, or of identity ones, or without hidden layers.
    feature_map : FeatureMap
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows.
    y : array-like, shape (n_rows,) or (n_rows, n_outputs), optional
        Their outcomes.
    classes : tuple of array
        Class labels; empty for regression.
    positive : {0, 1}
        For two classes: position of the class whose log-odds are said.
    target : tuple of str
        A name for each output.

    Returns
    -------
    RegionRules

    Raises
    ------
    ValueError
        If the network has no regions that could be written out.

    Examples
    --------
    >>> X = np.array([[1.0], [-1.0], [3.0]])
    >>> net = Network(([[1.0]], [[2.0]]), ([0.0], [0.5]))
    >>> rules = region_rules(net, FeatureMap.of(None, X), X)
    >>> rules.predict(X).tolist(), [region.n_rows for region in rules]
    ([2.5, 0.5, 6.5], [2, 1])
    """
    why = no_regions(network)
    if why is not None:
        raise ValueError(f"the network has no region rules: {why}")
    net = network.compact()
    terms = RawTerms.of(feature_map, X, net.inputs)
    n_inputs = len(net.inputs)
    rules = RegionRules(
        terms, net, (), classes, target, positive,
        np.full(n_inputs, np.inf), np.full(n_inputs, -np.inf), X.shape[0],
        np.zeros(len(terms.terms)), {},
    )  # fmt: skip
    outcomes = None if y is None else _outcomes(y, classes)
    groups: dict[Pattern, _Rows] = {}
    everything = _Rows.none(len(terms.terms))
    seen: dict[int, list[npt.NDArray]] = {}
    for start, rows in enumerate(_blocks(X)):
        values = terms.values(rows)
        design = terms.design(values, rows.shape[0])
        inputs = design @ terms.matrix + terms.offset
        np.minimum(rules.low, inputs.min(axis=0, initial=np.inf), out=rules.low)
        np.maximum(rules.high, inputs.max(axis=0, initial=-np.inf), out=rules.high)
        for column, own in values.items():
            if terms.columns[column].kind != "category":
                seen.setdefault(column, []).append(own)
        some = None if outcomes is None else outcomes[start * BLOCK :][: len(design)]
        everything = everything.and_these(design, None)
        for pattern, at in rules._pieces.groups(design).items():
            known = groups.get(pattern) or _Rows.none(len(terms.terms))
            groups[pattern] = known.and_these(design[at], None if some is None else some[at])
    n = max(everything.n, 1)
    order = sorted(groups.items(), key=lambda item: (-item[1].n, item[0]))
    regions = tuple(
        replace(
            rules.region(pattern),
            n_rows=own.n,
            share=own.n / n,
            outcome=None if own.outcome is None else own.outcome / own.n,
            spread=own.spread,
        )
        for pattern, own in order
    )
    texts = _texts(terms, regions, seen)
    rules = replace(rules, regions=regions, spread=everything.spread, texts=texts)
    return _with_digits(rules, X)


def _with_digits(rules: RegionRules, X: Any) -> RegionRules:
    """Rules with as many digits as bring what is printed near enough to what is meant."""
    exact = [rules.output(rows) for rows in _blocks(X)]
    slack = printed_slack(rules, np.concatenate(exact))
    for digits in range(DIGITS, MOST_DIGITS + 1):
        shown, off, is_near = replace(rules, digits=digits), 0.0, True
        for rows, said in zip(_blocks(X), exact, strict=True):
            gap = np.abs(shown.output(rows, printed=True) - said)
            off = max(off, float(gap.max()))
            is_near &= bool((gap <= slack).all())
            if not is_near and digits < MOST_DIGITS:
                break
        if is_near:
            break
    return replace(shown, printed_error=off)


def printed_slack(rules: RegionRules, said: Array) -> Array:
    """By how much outputs by the printed figures may differ from the model's.

    Parameters
    ----------
    rules : RegionRules
    said : array of float64, shape (n_rows, n_outputs, n_classes)
        Outputs on the reference rows.

    Returns
    -------
    array of float64, shape (n_outputs, 1)
        0.001 of a probability, or of the range of each target (of its size where it is constant).

    Examples
    --------
    >>> X = np.array([[20.0], [30.0], [40.0], [50.0]])
    >>> net = Network(([[1.0]], [[2.0]]), ([-32.0], [5.0]))  # 5 + 2 relu(x0 - 32)
    >>> rules = region_rules(net, FeatureMap.of(None, X), X)
    >>> printed_slack(rules, rules.output(X)).tolist()  # predictions from 5 to 41
    [[0.036000000000000004]]
    """
    if rules.is_classifier:
        return np.full((said.shape[1], 1), PRINTED_SLACK)
    spread, size = np.ptp(said, axis=(0, 2)), np.abs(said).max(axis=(0, 2))
    is_constant = spread <= 1e-9 * size
    return PRINTED_SLACK * np.where(is_constant, size, spread)[:, None]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Sums over rows, taken block by block (Chan, Golub & LeVeque 1983)."""

    n: int
    mean: Array
    squares: Array
    outcome: Array | None

    @classmethod
    def none(cls, n_terms: int) -> _Rows:
        return cls(0, np.zeros(n_terms), np.zeros(n_terms), None)

    def and_these(self, design: Array, outcome: Array | None) -> _Rows:
        n, mean = len(design), design.mean(axis=0)
        total, gap = self.n + n, mean - self.mean
        squares = self.squares + ((design - mean) ** 2).sum(axis=0)
        squares += gap**2 * self.n * n / total
        if outcome is not None:
            outcome = outcome.sum(axis=0) + (0.0 if self.outcome is None else self.outcome)
        return _Rows(total, self.mean + gap * n / total, squares, outcome)

    @property
    def spread(self) -> Array:
        return np.sqrt(self.squares / max(self.n, 1))


def _outcomes(y: Any, classes: tuple[npt.NDArray, ...]) -> Array:
    """One column a class, or a target."""
    if classes:
        return (np.ravel(y)[:, None] == classes[0][None, :]).astype(np.float64)
    out = np.asarray(y, dtype=np.float64)
    return out.reshape(len(out), -1)


def _blocks(X: Any) -> Iterator[Any]:
    """A table in parts that fit, each in its own kind."""
    if isinstance(X, list):
        X = np.asarray(X)
    for start in range(0, X.shape[0], BLOCK):
        some = slice(start, start + BLOCK)
        yield X.iloc[some] if hasattr(X, "iloc") else X[some]


def _texts(
    terms: RawTerms, regions: tuple[Region, ...], seen: dict[int, list[npt.NDArray]]
) -> dict[tuple[int, float], str]:
    """How limits are printed that are said of one column: so that all values go the same way."""
    asked: dict[int, list[Condition]] = {}
    said = [as_condition([t], terms.columns[t.column]) for t in terms.terms if not t.is_number]
    for region in regions:
        for h in region.half_spaces:
            found = border_condition(terms, h.coefficients, h.limit, h.above)
            said += [] if found is None else [found]
    for condition in said:
        if isinstance(condition, NumberCondition):
            asked.setdefault(condition.column, []).append(condition)
    texts = {}
    for column, conditions in sorted(asked.items()):
        limits = limits_of(conditions).tolist()
        values = np.unique(np.concatenate(seen[column]))
        for limit, text in zip(limits, printed_limits(limits, values), strict=True):
            texts[column, limit] = text
    return texts
