"""From a trained network to its `PruningPath`: remove the least important units, fine-tune, repeat.

The masks of the steps are nested, and what removal has cut off from every path goes with it, so
that a step's size is what is really left. A step keeps the strongest path from a column to a
score, whatever the method says of it: no layer loses every path.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from .. import native
from ..losses import check_rows, encode
from ..network import Network
from ..path import PruningPath
from ..tracking import progress, teller
from ..training import Settings, Task, gradients, losses, precision, train
from .columns import columns_named, feature_groups_of
from .importance import Units, elimination, strongest_path
from .methods import Method, find_method

__all__ = ["path_of_network"]

Array = npt.NDArray
FINE_TUNING = 1500  # optimiser steps of a fine-tuning, by default …
FEWEST = 3  # … in so many epochs at least, and in half of those of the training at most
STAYS = np.iinfo(np.int32).max  # step of what has not gone so far
UNTRAINED = 0.9  # of the loss as trained: less after a step is training, not pruning
LAMBDAS = (1e-3, 1.0)  # of the penalty that leaves a linear model without weights


@dataclass(frozen=True)
class Wishes:
    """What the user asks for beside the method.

    Parameters
    ----------
    granularity : str
    group : array of int, shape (n_features,)
        Raw column of every model column.
    required, forbidden : array of int
        Raw columns that must stay, and that step 1 no longer reads.
    seed : int
    logger, verbose
        See `pruning_path`.
    """

    granularity: str
    group: Array
    required: Array
    forbidden: Array
    seed: int = 0
    logger: Any = None
    verbose: int = 0


def path_of_network(
    model: Any,
    X: Any,
    y: Any,
    method: str | Method,
    sample_weight: Any,
    *,
    granularity: str | None,
    feature_groups: Any,
    never_prune: Any,
    forbidden: Any,
    random_state: Any,
    logger: Any,
    verbose: int,
) -> PruningPath:
    """The path of a fitted network, after checking all that was asked: see `pruning_path`."""
    net = native.read_network(model)
    tasks = {"classification" if net.is_classifier else "regression"}
    if net.n_outputs > 1:
        tasks.add("several outputs")
    row = find_method(method, tasks, of="network")
    kind = row.granularities[0] if granularity is None else granularity
    if kind not in row.granularities:
        raise ValueError(
            f"{row.name} cannot remove {granularity!r}; possible are {', '.join(row.granularities)}"
        )
    if X is None or y is None:
        raise ValueError(
            "a network needs the rows it was trained on, for importances and fine-tuning: "
            "pruning_path(model, X, y, …)"
        )
    if row.name == "l1" and never_prune is not None:
        raise ValueError(
            "never_prune is not possible with l1, whose penalty draws on all weights; use another "
            "method"
        )
    if random_state is not None and not isinstance(random_state, int | np.integer):
        raise ValueError(f"random_state must be a whole number or None, got {random_state!r}")
    task = _task_of(model, net, X, y, sample_weight)
    group, labels = feature_groups_of(feature_groups, net.feature_names, net.n_features)
    named: dict[str, Any] = {"labels": labels, "names": net.feature_names, "group": group}
    required = columns_named(never_prune, what="never_prune", **named)
    banned = columns_named(forbidden, what="forbidden", **named)
    _check_columns(Units("inputs", group).live(net.settle()), required, banned, labels)
    wishes = Wishes(
        kind,
        group,
        required,
        banned,
        0 if random_state is None else int(random_state) % 2**32,
        logger,
        verbose,
    )
    return network_path(model, task, row, wishes)


def _task_of(model: Any, net: Network, X: Any, y: Any, sample_weight: Any) -> Task:
    """The training rows as the network learns from them, with the model's class weights."""
    weight = check_rows(X, y, sample_weight)
    Z = native.matrix(model, X)
    target = encode(model, y)
    weight = native.row_weights(model, np.asarray(y), weight)
    if not weight.any():
        raise ValueError("no row counts: the weights of all of them are zero by class_weight")
    unknown = int((target < 0).any(axis=1).sum()) if net.is_classifier else 0
    if unknown:
        raise ValueError(
            f"{unknown} labels of y are none of the model's classes; give the rows it was trained "
            "on"
        )
    return Task.of(net, Z, target, weight)


@dataclass(eq=False)
class _Walk:
    """A network on its way down, with the steps it has made."""

    model: Any
    units: Units
    task: Task
    held: Task | None
    method: Method
    wishes: Wishes
    rng: np.random.RandomState
    told: Callable
    networks: list[Network]
    risks: list[float]
    removed_at: Array
    size: list[int]
    extra: list[float]

    def gone(self, net: Network) -> npt.NDArray[np.bool_]:
        """Units that a network lacks and the last step still has."""
        return (self.removed_at == STAYS) & ~self.units.live(net)

    def record(self, net: Network, extra: float = np.nan) -> None:
        """Take a network as the next step."""
        live = self.units.live(net)
        step = len(self.networks)
        self.removed_at[self.gone(net)] = step
        self.networks.append(net)
        self.size.append(int(live.sum()))
        self.risks.append(losses(net, self.task))
        self.extra.append(extra)
        figures = {"size": self.size[-1], "risk": self.risks[-1]}
        self.told({f"pruning/{k}": float(v) for k, v in figures.items()}, step)


def network_path(model: Any, task: Task, method: Method, wishes: Wishes) -> PruningPath:
    """All steps of pruning a fitted network.

    Parameters
    ----------
    model : fitted network
    task : Task
        The rows it was trained on, for importances and fine-tuning.
    method : Method
    wishes : Wishes

    Returns
    -------
    PruningPath
    """
    net = native.read_network(model)
    units = Units(wishes.granularity, wishes.group)
    settled = net.settle()
    total, live = units.count(net), units.live(settled)
    # Not the stream that has drawn the initial weights.
    rng = np.random.RandomState([20_041, wishes.seed])
    task, held = _watched(task, native.training(model, len(task))["held_out"], rng)
    walk = _Walk(
        model, units, task, held, method, wishes,
        rng=rng,
        told=teller(wishes.logger),
        networks=[net],
        risks=[losses(net, task)],
        removed_at=np.where(live, STAYS, 0).astype(np.int32),
        size=[int(live.sum())],
        extra=[np.nan],
    )  # fmt: skip
    start = _without(walk, settled)
    if start is not settled:  # a step of its own, whatever else will go
        walk.record(fine_tuned(walk, start))
    (_penalised if method.name == "l1" else _ranked)(walk, start)
    _warn_untrained(walk)
    n = len(walk.networks)
    size = np.array(walk.size)
    gone = 1.0 - size / total if total else np.zeros(n)  # a linear model has no neuron
    return PruningPath(
        model=model,
        trees=None,
        removed_at=np.minimum(walk.removed_at, n).astype(np.int32),
        strength=np.concatenate([[-np.inf], gone[1:]]),
        size=size,
        risk=np.array(walk.risks),
        method=method.name,
        unit=units.unit,
        size_unit=units.size_unit,
        networks=tuple(walk.networks),
        counts=_counts(walk),
    )


def _watched(task: Task, share: float, rng: np.random.RandomState) -> tuple[Task, Task | None]:
    """Rows to train on, and where the model stops early also rows that say when."""
    n_held = int(np.ceil(share * len(task)))
    if not n_held or n_held > len(task) - 2:
        return task, None
    order = rng.permutation(len(task))
    held, kept = np.sort(order[:n_held]), np.sort(order[n_held:])
    return task.take(kept), task.take(held)


def _warn_untrained(walk: _Walk) -> None:
    """Say when the path gains by training what the model lacks, not by pruning."""
    before, after = walk.risks[0], min(walk.risks[1:3], default=np.inf)
    if walk.method.options["fine_tune"] != 0 and after < UNTRAINED * before:
        warnings.warn(
            f"the first steps have trained the model further (training loss {before:.3g} -> "
            f"{after:.3g}), the model itself has not been: what pruning costs cannot be told from "
            "what training changes. Train it to the end or with early_stopping=True, or judge "
            "steps by those of method='random'",
            ConvergenceWarning,
            stacklevel=5,
        )


def _check_columns(read: Array, required: Array, banned: Array, labels: list[Any]) -> None:
    """Refuse wishes that no path can fulfil; `read` says which raw columns the network reads."""

    def said(columns: Array) -> str:
        return ", ".join(repr(labels[k]) for k in columns)

    if len(both := np.intersect1d(required, banned)):
        raise ValueError(f"{said(both)}: both never to be pruned and forbidden")
    if not read.any():
        raise ValueError(
            "the network reads no column: no path leads from its inputs to its output, so that "
            "there is nothing to prune; train it with a smaller l1 or alpha"
        )
    if len(dead := required[~read[required]]):
        raise ValueError(
            f"never_prune names {said(dead)}, which the network does not read as it is; leave it "
            "out, or train the network anew"
        )
    if read[banned].sum() == read.sum():
        raise ValueError("no column is left: every column that the network reads is forbidden")


def _counts(walk: _Walk) -> dict[str, Array]:
    """Raw columns, neurons and weights of each step, and forbidden columns where there are any."""
    columns = Units("inputs", walk.wishes.group)
    out: dict[str, list[int]] = {"columns": [], "neurons": [], "weights": [], "forbidden": []}
    for net in walk.networks:
        settled = net.settle()
        read = columns.live(settled)
        out["columns"].append(int(read.sum()))
        out["forbidden"].append(int(read[walk.wishes.forbidden].sum()))
        out["neurons"].append(settled.n_neurons)
        out["weights"].append(settled.n_weights)
    found: dict[str, Array] = {name: np.array(values) for name, values in out.items()}
    if not len(walk.wishes.forbidden):
        del found["forbidden"]
    if walk.method.name == "l1":
        found["l1"] = np.array(walk.extra)
    return found


def levels(walk: _Walk, total: int) -> list[int]:
    """How many units each step leaves, falling.

    Polynomial decay (Zhu & Gupta 2018): of what is to go, the share (1 - t / steps) ** decay is
    still there at step t. Few neurons or columns go one at a time.
    """
    options, start = walk.method.options, walk.size[-1]
    if options["levels"] is not None:
        wanted = [total * (1.0 - s) for s in np.ravel(options["levels"])]
    else:
        steps, final = int(options["steps"]), float(options["final"])
        last = max(1.0, total * (1.0 - final))
        if walk.units.kind != "weights":
            if start <= 2 * steps:
                return list(range(start - 1, 0, -1))
            last = 1.0
        share = (1.0 - np.arange(1, steps + 1) / steps) ** float(options["decay"])
        wanted = list(last + (start - last) * share)
    counts = np.maximum(1, np.rint(wanted).astype(int))
    return [int(k) for k in np.unique(counts)[::-1] if k < start]


def _ranked(walk: _Walk, grown: Network) -> None:
    """Remove the least important units level by level, fine-tuning in between."""
    one_shot = walk.method.options["schedule"] == "one_shot"
    order = _scores(walk, grown) if one_shot else None
    wanted = levels(walk, walk.units.count(grown))
    what = f"pruning {walk.units.size_unit}"
    with progress(len(wanted), what, shown=bool(walk.wishes.verbose)) as on:
        for k in wanted:
            net = grown if one_shot or len(walk.networks) == 1 else walk.networks[-1]
            scores, kept = _scores(walk, net) if order is None else order
            live = walk.units.live(net) & (walk.removed_at == STAYS)
            ranked = np.where(kept, np.inf, scores)
            ranked[~live] = -np.inf
            net = _cut_down(walk, net, ranked, k)
            if not net.live()[0].any():
                break
            if walk.gone(net).any():
                walk.record(fine_tuned(walk, net))
            on(f"{walk.size[-1]} left, loss {walk.risks[-1]:.4g}")


def _cut_down(walk: _Walk, net: Network, ranked: Array, k: int) -> Network:
    """Remove the least important units until k are left, or one more step would leave fewer.

    What is cut off goes with them, so that it takes a search to find how many to remove.
    """
    # Of equal scores the later unit goes first, so that the order is the same anywhere.
    order = np.lexsort((-np.arange(len(ranked)), ranked))
    dead, most = int((ranked == -np.inf).sum()), int((ranked < np.inf).sum())

    def left(n: int) -> int:
        gone = np.zeros(len(ranked), np.bool_)
        gone[order[:n]] = True
        return int(walk.units.live(walk.units.zero(net, gone)).sum())

    low, high = dead, min(most, len(ranked) - k)  # that many leave at least k, and at most k
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if left(middle) >= k else (low, middle - 1)
    gone = np.zeros(len(ranked), np.bool_)
    gone[order[:low]] = True
    return walk.units.remove(net, gone, walk.task)


def _without(walk: _Walk, net: Network) -> Network:
    """The network with the forbidden columns at their mean; itself where it reads none."""
    columns = Units("inputs", walk.wishes.group)
    gone = np.zeros(columns.count(net), np.bool_)
    gone[walk.wishes.forbidden] = True
    return columns.remove(net, gone, walk.task) if (gone & columns.live(net)).any() else net


def _scores(walk: _Walk, net: Network) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Importance of every unit, and which ones must stay."""
    kept = np.zeros(walk.units.count(net), np.bool_)
    of_weights = [np.abs(w) for w in net.weights]
    if walk.method.importance is not None:
        of_weights = walk.method.importance(net, walk.task, walk.rng)
        scores = walk.units.scores(net, of_weights)
    else:
        scores = elimination(net, walk.task, walk.units, walk.rng)
    starts: list[Any] = [None]
    starts += [walk.wishes.group[net.inputs] == g for g in walk.wishes.required]
    for start in starts:
        path = strongest_path(net, of_weights, start)
        if path is not None and not (walk.units.kind == "inputs" and start is None):
            kept[walk.units.on_path(net, path)] = True
    if walk.units.kind == "inputs" and not kept.any():
        # The best column is the last one.
        kept[int(np.where(walk.units.live(net), scores, -np.inf).argmax())] = True
    return scores, kept


def fine_tuned(walk: _Walk, net: Network, l1: float = 0.0) -> Network:
    """The network trained further on what is left of it, with its zeros kept."""
    epochs, task = walk.method.options["fine_tune"], walk.task
    known = native.training(walk.model, len(task), float(task.weight.mean()))
    trained, _ = known.pop("epochs"), known.pop("held_out")
    if epochs is None:
        steps = -(-len(walk.task) // known["batch_size"])
        epochs = int(np.clip(-(-FINE_TUNING // steps), FEWEST, max(FEWEST, trained // 2)))
    if not int(epochs):
        return net
    known["learning_rate"] *= float(walk.method.options["rate"])
    settings = Settings(
        epochs=int(epochs),
        schedule="cosine",
        dtype=precision(len(walk.task), known["batch_size"]),
        l1=l1,
        **known,
    )
    return _trained(walk, net, settings)


def _trained(walk: _Walk, net: Network, settings: Settings) -> Network:
    """Train the compacted network, which is faster, and put it back into the old shapes."""
    kept = net.kept()
    small = net.compact()
    mask = [w != 0 for w in small.weights]
    # A rising penalty is not stopped: the loss without it would keep the first epoch.
    held = None if settings.l1 else walk.held
    found, _, _ = train(small, walk.task, settings, walk.rng, mask=mask, validation=held)
    if held is not None and losses(small, held) < losses(found, held):
        found = small  # no epoch was better than none
    W, b = [np.zeros_like(w) for w in net.weights], [np.zeros_like(x) for x in net.biases]
    for i, (w, x) in enumerate(zip(found.weights, found.biases, strict=True)):
        W[i][np.ix_(kept[i], kept[i + 1])] = w
        b[i][kept[i + 1]] = x
    return net.with_arrays(W, b).settle()


def _penalised(walk: _Walk, net: Network) -> None:
    """Raise the L1 penalty step by step; each step is trained again without it (debiased)."""
    options = walk.method.options
    top = _largest_penalty(net, walk.task)
    if top == 0:  # a constant target: no penalty is small enough to keep a weight
        return
    grid = np.geomspace(LAMBDAS[0] * top, LAMBDAS[1] * top, int(options["steps"]))
    with progress(len(grid), "pruning by L1", shown=bool(walk.wishes.verbose)) as on:
        for lam in grid:
            net = fine_tuned(walk, net, l1=float(lam))
            if not net.live()[0].any():
                break
            refitted = fine_tuned(walk, net)
            if walk.gone(refitted).any():
                walk.record(refitted, extra=float(lam))
            on(f"{walk.size[-1]} left, loss {walk.risks[-1]:.4g}")


def _largest_penalty(net: Network, task: Task) -> float:
    """The L1 penalty from which on a linear model of the same task has no weights."""
    flat = Network(
        (np.zeros((len(net.inputs), net.n_scores)),),
        (np.zeros(net.n_scores),),
        link=net.link,
        n_classes=net.n_classes,
        inputs=net.inputs,
        n_features=net.n_features,
    )
    mean = np.average(task.Y, axis=0, weights=task.weight)
    if net.link == "logit":
        mean = np.log(np.clip(mean, 1e-9, 1) / np.clip(1 - mean, 1e-9, 1))
    elif net.link == "softmax":
        mean = np.log(np.clip(mean, 1e-9, 1))
    _, grad = gradients(flat.with_arrays(flat.weights, (mean,)), task)
    return float(np.abs(grad[0]).max())
