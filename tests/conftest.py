"""What every test shares: the path to the twins, hypothesis profiles, the reference results."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports matplotlib
# Before anything imports numpy: the suite runs on two processes, whose threads would wait for each
# other's.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

HERE = Path(__file__).parent
if str(HERE) not in sys.path:  # `import naive`, `laws`, `strategies` under every way of running
    sys.path.insert(0, str(HERE))

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=_SLOW)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder with the results of independent programs."""
    return HERE / "reference"


# Reports take seconds to make: once for all tests that read them.


def _report(name: str):
    @pytest.fixture(scope="session", name=name)
    def made():
        import reports

        import treeprune

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", treeprune.PrunedToRootWarning)
            return getattr(reports, name)()

    return made


credit, hostile, multiclass, regression = map(
    _report, ("credit", "hostile", "multiclass", "regression")
)
forest, booster, network = map(_report, ("forest", "booster", "network"))
