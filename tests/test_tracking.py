"""Loggers, scikit-learn's callbacks and the progress bar of a fit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from treeprune import SparseMLPClassifier, SparseMLPRegressor, tracking

sk_callback = None
if tracking.CallbackSupportMixin.__module__.startswith("sklearn"):
    from sklearn import callback as sk_callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X3 = RNG.normal(size=(90, 4))
Y3 = (X3[:, 0] > 0) + 1 * (X3[:, 1] > 0)
QUICK = {"max_iter": 12, "learning_rate_init": 0.02, "random_state": 0}


class Writer:
    """As TensorBoard's SummaryWriter."""

    def __init__(self):
        self.rows = {}

    def add_scalar(self, tag, scalar_value, global_step=None):
        self.rows.setdefault(global_step, {})[tag] = scalar_value


class Run:
    """As a run of W&B."""

    def __init__(self):
        self.rows = {}

    def log(self, data, step=None):
        self.rows[step] = data


@pytest.mark.parametrize("logger", [Writer(), Run()])
def test_a_logger_is_told_every_epoch(logger):
    model = SparseMLPClassifier((3,), early_stopping=True, l1=0.01, **QUICK)
    model.fit(X3, Y3, logger=logger)
    assert logger.rows == dict(enumerate(model.history_)) and len(model.history_) > 1
    assert set(model.history_[0]) == {
        *("epoch", "loss", "penalty", "learning_rate", "zeros", "validation_loss")
    }


def test_what_is_no_logger_is_refused_before_training():
    model = SparseMLPClassifier(**QUICK)
    with pytest.raises(TypeError, match="logger is a list without add_scalar"):
        model.fit(X3, Y3, logger=[])
    assert not hasattr(model, "classes_")


SHOW = """
from treeprune import SparseMLPRegressor
class Run:
    def log(self, figures, step):
        print("epoch", step)
SparseMLPRegressor((3,), max_iter=3, verbose=1).fit([[0.0], [1.0]], [0, 1], logger=Run())
"""


@pytest.mark.parametrize("terminal", ["", "1"])
def test_a_bar_is_shown_on_standard_error_alone(terminal):
    """Also where the bar is live and what others print could be drawn into it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOW],
        capture_output=True, text=True, check=True, encoding="utf-8",
        env={"FORCE_COLOR": terminal, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["epoch", "0", "epoch", "1", "epoch", "2"]
    assert "epochs" in done.stderr and "3/3" in done.stderr and "zeros" in done.stderr


def test_without_verbose_nothing_is_shown(capfd):
    SparseMLPClassifier((3,), **QUICK).fit(X3, Y3)
    assert capfd.readouterr() == ("", "")


needs_callbacks = pytest.mark.skipif(sk_callback is None, reason="scikit-learn before 1.9")


class Stops:
    """Asks to stop after some epochs; notes what it is given."""

    def __init__(self, after):
        self.after, self.seen, self.calls = after, [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, metadata=None):
        if context.parent is None:
            self.calls.append(("begin", metadata))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        if context.parent is None:
            self.calls.append("end")
            return False
        self.seen.append(fitted_estimator.score(X, y))
        return len(self.seen) == self.after


@needs_callbacks
@pytest.mark.parametrize("kind", [SparseMLPClassifier, SparseMLPRegressor])
def test_a_callback_can_stop_training(kind):
    X, y = X3, Y3
    stops = Stops(3)
    model = kind((4,), polish=100, l1=0.01, **QUICK).set_callbacks(stops).fit(X, y)
    assert model.n_iter_ == len(stops.seen) == 3
    assert stops.calls == ["setup", ("begin", None), "end", "teardown"]
    assert stops.seen[-1] == model.score(X, y)  # not polished either: it was asked to stop
    whole = clone(model).set_params(max_iter=3, n_iter_no_change=None, polish=0).fit(X, y)
    assert (whole.decision_sums(X) == model.decision_sums(X)).all()
    weighted = clone(model)
    weighted.set_callbacks(stops := Stops(1)).fit(X, y, sample_weight=np.ones(len(y)))
    assert stops.calls[1][1]["sample_weight"].tolist() == [1.0] * len(y)
    failing = clone(model).set_params(mask=[1]).set_callbacks(stops := Stops(1))
    with pytest.raises(ValueError, match="mask"):
        failing.fit(X, y)
    assert stops.calls == []


@needs_callbacks
def test_scikit_learns_own_callbacks(capfd):
    monitor = sk_callback.ScoringMonitor(scoring="neg_log_loss")
    model = SparseMLPClassifier((4,), **QUICK).set_callbacks(monitor).fit(X3, Y3)
    data = monitor.get_logs().data
    scores = [row["neg_log_loss"] for row in data if row["task_name"] == "epoch"]
    assert len(scores) == model.n_iter_ and scores[-1] > scores[0]
    assert scores[-1] == pytest.approx(-log_loss(Y3, model.predict_proba(X3)), rel=1e-9)
    grid = GridSearchCV(SparseMLPClassifier((4,), **QUICK), {"l1": [0.0, 0.01]}, cv=2)
    grid.set_callbacks(sk_callback.ProgressBar()).fit(X3, Y3)
    assert grid.best_estimator_.n_iter_ == 12
    assert "SparseMLPClassifier" in "".join(capfd.readouterr())
