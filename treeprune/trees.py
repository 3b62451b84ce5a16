"""Trees and Splits: any number of fitted trees as flat, read-only arrays.

The nodes of all trees stand one after another and a child always has a larger index than its
parent, so every algorithm is one loop up or one loop down, whatever the shape of the tree.
`Trees` holds what nodes *are* (structure, value, weight); `Splits` holds how they *decide* and
is read by explanation and by column rules only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from .exceptions import MalformedModelError

__all__ = ["LINKS", "Splits", "Trees"]

Array = npt.NDArray


def _frozen(array: npt.ArrayLike, dtype: npt.DTypeLike) -> Array:
    """A read-only contiguous copy-if-needed, so that no caller can change a noun in place."""
    out = np.ascontiguousarray(array, dtype=dtype)
    if out is array or out.base is not None:
        out = out.copy()
    out.setflags(write=False)
    return out


@dataclass(frozen=True, eq=False)
class Trees:
    """One or many binary trees, nodes concatenated, children after their parents.

    Besides the arrays below there are `n_nodes`, `n_leaves`, `n_trees`, `n_outputs`,
    `is_classifier`, the mask `is_leaf` and the index `tree_of` of every node's tree.

    Parameters
    ----------
    left, right, parent : array of int32, shape (n_nodes,)
        Index of the children and of the parent among *all* nodes; -1 where there is none.
    roots : array of int32, shape (n_trees,)
        Index of each tree's root; a tree's nodes run from its root to the next root.
    value : array of float64, shape (n_nodes, n_outputs, n_classes_max)
        What a row that ends in the node is told: class frequencies (padded with zeros where
        outputs differ in their number of classes), the target for regression, or for boosters,
        shape (n_nodes, 1, n_scores), what the tree adds to each raw score (zero in all columns
        but the tree's own).
    weight : array of float64, shape (n_nodes,)
        Total weight of the training rows in the node; for boosters, whose own attributions use
        it, the number of rows.
    n_rows : array of int64, shape (n_nodes,)
        Number of training rows in the node.
    impurity : array of float64, shape (n_nodes,)
        The growing criterion at the node.
    tree_weight : array of float64, shape (n_trees,)
        Weight of each tree in the prediction, the weighted sum of leaf values.
    average : bool
        Whether that sum is divided by the number of trees (forests) or stands (boosters).
    n_classes : tuple of int
        Number of classes of each output; empty for regression.
    criterion : str
        Name of the growing criterion, `impurity`'s unit.
    link : str
        What turns the sum into a prediction, one of `LINKS`: "identity" (class frequencies and
        targets are the prediction), "logit" (one score, the log-odds of the second class),
        "softmax", "ovr_logit" (a log-odds a class, each by itself) or "exp".
    tree_output : array of int32, shape (n_trees,)
        Score to which a booster's tree adds; zeros by default, which means nothing where a tree
        speaks of all outputs.
    base_score : array of float64, shape (n_outputs * n_classes_max,)
        What the sum starts from, in the order of a flattened value; zeros by default.
    predicted_classes : tuple of int
        Number of classes of each output of which *predictions* speak, after the link; empty for
        regression. By default it follows from `n_classes` and the link.

    Raises
    ------
    MalformedModelError
        If the arrays do not describe trees.

    Notes
    -----
    Whatever the model, its raw score is `base_score` plus the sum over trees of `tree_weight`
    times the value of the row's leaf, that sum divided by `n_trees` if `average`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> model = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
    >>> trees = native.read(model)
    >>> trees.n_nodes, trees.n_leaves, trees.n_trees
    (17, 9, 1)
    >>> trees.n_outputs, trees.is_classifier, trees.n_classes
    (1, True, (3,))
    >>> trees.is_leaf[:4].tolist(), trees.tree_of[:4].tolist()
    ([False, True, False, False], [0, 0, 0, 0])
    """

    left: Array
    right: Array
    parent: Array = field(init=False)
    roots: Array
    value: Array
    weight: Array
    n_rows: Array
    impurity: Array
    tree_weight: Array
    average: bool = True
    n_classes: tuple[int, ...] = ()
    criterion: str = ""
    link: str = "identity"
    tree_output: Array = field(default_factory=lambda: np.zeros(0, np.int32))
    base_score: Array = field(default_factory=lambda: np.zeros(0))
    predicted_classes: tuple[int, ...] = (-1,)  # from the link

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            object.__setattr__(self, name, _frozen(getattr(self, name), dtype))
        object.__setattr__(self, "n_classes", tuple(int(k) for k in self.n_classes))
        object.__setattr__(self, "parent", _frozen(parents(self.left, self.right), np.int32))
        _check_shapes(self)
        _check_roots(self)
        # No tree and no score exist without numbers, so that empty means "not given".
        n_scores = self.value.shape[1] * self.value.shape[2]
        for name, size in (("tree_output", self.n_trees), ("base_score", n_scores)):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, _frozen(np.zeros(size), _DTYPES[name]))
        _check_numbers(self)
        _check_scores(self, n_scores)
        if self.predicted_classes == (-1,):
            told = {"logit": (2,), "softmax": (n_scores,), "ovr_logit": (n_scores,)}
            object.__setattr__(self, "predicted_classes", self.n_classes or told.get(self.link, ()))

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees."""
        return len(self.left)

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    @property
    def n_outputs(self) -> int:
        """Number of targets."""
        return self.value.shape[1]

    @property
    def is_classifier(self) -> bool:
        """Whether values are class frequencies."""
        return bool(self.n_classes)

    @property
    def is_boosted(self) -> bool:
        """Whether each tree adds to one raw score and was grown by no criterion of its own."""
        return not (self.criterion or self.n_classes)

    @property
    def is_leaf(self) -> Array:
        """Mask of the leaves, shape (n_nodes,)."""
        return self.left < 0

    @property
    def n_leaves(self) -> int:
        """Number of leaves of all trees."""
        return int(np.count_nonzero(self.is_leaf))

    def add_up(self, leaf: Array, value: Array) -> Array:
        """What rows are told by all trees together, without the base score.

        Parameters
        ----------
        leaf : array of int, shape (n_rows, n_trees)
            Node of each tree in which a row ends.
        value : array of float64, shape (n_nodes, ...)
            What a row that ends in a node is told: `value`, or other numbers in its place.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Trees
        >>> leaves = [-1, -1]  # two trees of one node each
        >>> one = np.ones(2)
        >>> trees = Trees(leaves, leaves, [0, 1], np.zeros((2, 1, 1)), one, one, one, one)
        >>> trees.add_up(np.array([[0, 1]]), np.array([[4.0], [6.0]]))
        array([[5.]])
        """
        out = np.zeros((len(leaf), *value.shape[1:]))
        for j in range(self.n_trees):  # the order of the trees is the native order of summation
            out += self.tree_weight[j] * value[leaf[:, j]]
        return out / self.n_trees if self.average else out

    def respond(self, raw: Array) -> Array:
        """From raw scores to predictions, as `Network.respond`.

        Parameters
        ----------
        raw : array of float64, shape (n_rows, n_outputs, k)
            Sums over the trees, the base score included.

        Returns
        -------
        array of float64, shape (n_rows, n_outputs, n_classes)
            One column instead of classes where targets are predicted.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Trees
        >>> one = np.ones(1)
        >>> trees = Trees([-1], [-1], [0], np.zeros((1, 1, 1)), one, one, one, one, link="logit")
        >>> trees.respond(np.zeros((1, 1, 1))).tolist()
        [[[0.5, 0.5]]]
        """
        if self.link == "logit":
            p = special.expit(raw)
            return np.concatenate([1.0 - p, p], axis=2) if self.predicted_classes else p
        if self.link == "softmax":
            return special.softmax(raw, axis=2)
        if self.link == "ovr_logit":
            return special.expit(raw)
        return np.exp(raw) if self.link == "exp" else raw

    @property
    def scale(self) -> Array:
        """What each tree's value is multiplied by in the sum of all, shape (n_trees,)."""
        return self.tree_weight / (self.n_trees if self.average else 1)

    @property
    def n_constant(self) -> int:
        """Number of trees that do not split."""
        return int(np.count_nonzero(self.is_leaf[self.roots]))

    def own(self, value: Array) -> Array:
        """Of a booster: value of every node for the score of its tree, shape (n_nodes,).

        Parameters
        ----------
        value : array of float64, shape (n_nodes, 1, n_scores)
            `value`, or other numbers in its place.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Trees
        >>> leaves, one = [-1, -1], np.ones(2)  # two trees of one node each, a score each
        >>> value = np.array([[[4.0, 0.0]], [[0.0, 6.0]]])
        >>> trees = Trees(
        ...     leaves, leaves, [0, 1], value, one, one, one, one, average=False, link="softmax",
        ...     tree_output=[0, 1],
        ... )
        >>> trees.own(value)
        array([4., 6.])
        """
        return value[np.arange(self.n_nodes), 0, self.tree_output[self.tree_of]]

    def with_own(self, own: Array) -> Array:
        """The node values with others for the score of each node's tree; the reverse of `own`.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Trees
        >>> leaves, one = [-1, -1], np.ones(2)
        >>> trees = Trees(leaves, leaves, [0, 1], np.zeros((2, 1, 1)), one, one, one, one)
        >>> trees.with_own(np.array([4.0, 6.0])).ravel()
        array([4., 6.])
        """
        out = self.value.copy()
        out[np.arange(self.n_nodes), 0, self.tree_output[self.tree_of]] = own
        return out

    def children_within(self, is_leaf: Array) -> tuple[Array, Array]:
        """Left and right children where the nodes of a mask are leaves: -1 there.

        Examples
        --------
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> trees = native.read(DecisionTreeClassifier().fit([[0], [1]], [0, 1]))
        >>> [child.tolist() for child in trees.children_within(trees.n_rows > 0)]
        [[-1, -1, -1], [-1, -1, -1]]
        """
        children = np.where(is_leaf, -1, [self.left, self.right]).astype(np.int32)
        children.setflags(write=False)  # as `left` is: numba compiles once for each mutability
        return children[0], children[1]

    @property
    def tree_of(self) -> Array:
        """Index of the tree of every node, shape (n_nodes,)."""
        return np.repeat(np.arange(self.n_trees), np.diff(np.append(self.roots, self.n_nodes)))


_DTYPES = {
    "left": np.int32,
    "right": np.int32,
    "roots": np.int32,
    "value": np.float64,
    "weight": np.float64,
    "n_rows": np.int64,
    "impurity": np.float64,
    "tree_weight": np.float64,
    "tree_output": np.int32,
    "base_score": np.float64,
}

# Possible values of `Trees.link`.
LINKS = ("identity", "logit", "softmax", "ovr_logit", "exp")


def parents(left: Array, right: Array) -> Array:
    """Parent of every node (-1 for roots), after checking that the children describe trees.

    Raises
    ------
    MalformedModelError
        If a child is out of range, does not come after its parent (which excludes cycles), is
        shared by two parents, or if a node has one child only.
    """
    n = len(left)
    node = np.arange(n)
    inner = (left != -1) | (right != -1)
    for name, child in (("left", left), ("right", right)):
        bad = inner & ((child <= node) | (child >= n))
        if bad.any():
            t = int(np.flatnonzero(bad)[0])
            raise MalformedModelError(
                f"node {t} has {name} child {int(child[t])}; a child must come after its parent "
                f"and before {n}, the number of nodes (-1 in both for a leaf). The tree has a "
                "cycle, a child out of range, or a node with one child; fit the model anew."
            )
    parent = np.full(n, -1, dtype=np.int32)
    children = np.concatenate([left[inner], right[inner]])
    counts = np.bincount(children, minlength=n)
    if counts.max(initial=0) > 1:
        t = int(np.argmax(counts > 1))
        raise MalformedModelError(f"node {t} is the child of {int(counts[t])} nodes, must be 1")
    parent[left[inner]] = node[inner]
    parent[right[inner]] = node[inner]
    return parent


def _check_shapes(trees: Trees) -> None:
    n = len(trees.left)
    for name in ("right", "value", "weight", "n_rows", "impurity"):
        if len(getattr(trees, name)) != n:
            raise MalformedModelError(
                f"{name} describes {len(getattr(trees, name))} nodes, the tree has {n}"
            )
    if trees.value.ndim != 3:
        raise MalformedModelError(
            f"value must be nodes x outputs x classes, got shape {trees.value.shape}"
        )
    if trees.n_classes and len(trees.n_classes) != trees.value.shape[1]:
        raise MalformedModelError(
            f"n_classes names {len(trees.n_classes)} outputs, value has {trees.value.shape[1]}"
        )


def _check_roots(trees: Trees) -> None:
    found = np.flatnonzero(trees.parent < 0)
    if not np.array_equal(found, trees.roots):
        stray = np.setdiff1d(found, trees.roots)
        where = f"node {int(stray[0])}" if len(stray) else f"one of the roots {trees.roots[:5]}"
        raise MalformedModelError(
            f"{where} is in the arrays but the wrong number of parents leads to it; nodes that "
            "no row can reach are left behind when `children_left` is edited in place. Prune "
            "the model as it was fitted."
        )
    if len(trees.roots) == 0 or trees.roots[0] != 0:
        raise MalformedModelError("there is no tree: a model needs at least one node")
    inner = ~trees.is_leaf
    tree_of = trees.tree_of
    if (tree_of[trees.left[inner]] != tree_of[inner]).any() or (
        tree_of[trees.right[inner]] != tree_of[inner]
    ).any():
        raise MalformedModelError("a node has a child in another tree")


def _check_numbers(trees: Trees) -> None:
    if not np.isfinite(trees.value).all():
        raise MalformedModelError("node values must be finite numbers")
    if not np.isfinite(trees.weight).all() or (trees.weight < 0).any():
        raise MalformedModelError(
            "node weights must be finite and not negative; was the model fitted with "
            "negative sample weights?"
        )


def _check_scores(trees: Trees, n_scores: int) -> None:
    """Link, and what boosters say of their scores."""
    if trees.link not in LINKS:
        raise MalformedModelError(f"link is {trees.link!r}; possible are {', '.join(LINKS)}")
    if trees.tree_weight.shape != (trees.n_trees,) or trees.tree_output.shape != (trees.n_trees,):
        raise MalformedModelError(
            f"tree_weight {trees.tree_weight.shape} and tree_output {trees.tree_output.shape} "
            f"must have one number for each of the {trees.n_trees} trees"
        )
    if (trees.tree_output < 0).any() or (trees.tree_output >= n_scores).any():
        raise MalformedModelError(f"tree_output must be between 0 and {n_scores - 1}")
    if trees.base_score.shape != (n_scores,) or not np.isfinite(trees.base_score).all():
        raise MalformedModelError(
            f"base_score must be {n_scores} finite numbers, got {trees.base_score}"
        )


@dataclass(frozen=True, eq=False)
class Splits:
    """How nodes decide: the split of every node of a `Trees`.

    Parameters
    ----------
    feature : array of int32, shape (n_nodes,)
        Model column the node looks at; -2 at leaves.
    threshold : array of float64, shape (n_nodes,)
        A row goes left when its value is `<=` this; -2 at leaves and where categories decide.
        `inf` where only missing values go right.
    missing_left : array of bool, shape (n_nodes,)
        Whether a missing value goes left. Models that read missing values as zero have
        `0 <= threshold` here.
    cast32 : bool
        Whether the model rounds values to float32 before it compares them.
    n_features : int
        Number of model columns.
    feature_names : tuple of str or None
        Names of the model columns where the model was fitted on a frame.
    category_offsets, category_values : array of int64
        Categories that go left, node by node (`values[offsets[t]:offsets[t+1]]`, ascending).
        A node with categories sends a row left when its value, cut to an integer towards zero,
        is one of them; all others and missing values go right. For models without categorical
        splits the offsets are the single number 0.

    Raises
    ------
    MalformedModelError
        If a feature is out of range, a threshold is not a number, or offsets and categories do
        not belong together.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> splits = native.splits(model)
    >>> splits.name(0), round(float(splits.threshold[0]), 2)
    ('petal width (cm)', 0.8)
    """

    feature: Array
    threshold: Array
    missing_left: Array
    cast32: bool
    n_features: int
    feature_names: tuple[str, ...] | None = None
    category_offsets: Array = field(default_factory=lambda: np.zeros(1, np.int64))
    category_values: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        for name, dtype in (
            ("feature", np.int32),
            ("threshold", np.float64),
            ("missing_left", np.bool_),
            ("category_offsets", np.int64),
            ("category_values", np.int64),
        ):
            object.__setattr__(self, name, _frozen(getattr(self, name), dtype))
        inner = self.feature != -2
        bad = inner & ((self.feature < 0) | (self.feature >= self.n_features))
        if bad.any():
            t = int(np.flatnonzero(bad)[0])
            raise MalformedModelError(
                f"node {t} looks at column {int(self.feature[t])}; the model has columns "
                f"0 to {self.n_features - 1}"
            )
        # +inf is native: it separates missing values from all others.
        bad = inner & (np.isnan(self.threshold) | (self.threshold == -np.inf))
        if bad.any():
            t = int(np.flatnonzero(bad)[0])
            raise MalformedModelError(
                f"node {t} has threshold {self.threshold[t]}; a threshold must be a number"
            )
        _check_categories(self)

    def name(self, node: int) -> str:
        """Name of the column that the node looks at (`x3` where columns have no names).

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Splits
        >>> splits = Splits([1, -2, -2], [0.5, -2, -2], np.zeros(3), cast32=True, n_features=2)
        >>> splits.name(0)
        'x1'
        """
        feature = int(self.feature[node])
        return self.feature_names[feature] if self.feature_names else f"x{feature}"


def _check_categories(splits: Splits) -> None:
    offsets, values = splits.category_offsets, splits.category_values
    n = len(splits.feature)
    if len(offsets) not in (1, n + 1) or offsets[0] != 0 or offsets[-1] != len(values):
        raise MalformedModelError(
            f"category_offsets must be {n + 1} numbers from 0 to {len(values)}, the number of "
            "categories, or a single 0 for none"
        )
    size = np.diff(offsets)
    if (size < 0).any() or (values < 0).any():
        raise MalformedModelError("category_offsets must ascend, and categories start at 0")
    if len(values) and (size[splits.feature == -2] > 0).any():
        raise MalformedModelError("a leaf has categories; only nodes that split can")
