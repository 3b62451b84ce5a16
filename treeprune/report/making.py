"""A report as an object: one dict, and its renderings.

The dict is a function of data, options and seed. The time it was made, and how fast the models
were then, stand in a place of their own, `made`, and nowhere else.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .markdown import picture_file
from .pictures import pictures_of
from .save import write_all
from .use import speeds
from .words import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .pictures import Picture
    from .rivals import Fits

__all__ = ["Report", "stamp"]

_ENDINGS = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
PICTURES = ("path", "tree", "components", "attributions", "calibration")
FILES = (
    *(f"treeprune-report.{ending}" for ending in _ENDINGS.values()),
    *map(picture_file, PICTURES),
)


def stamp(fits: Fits) -> dict[str, Any]:
    """The time, and how many rows a second the model predicts as grown and pruned.

    Parameters
    ----------
    fits : Fits

    Returns
    -------
    dict
        `time` (UTC) and `rows_per_second`, for `made` of a report.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> made = stamp(fit_rivals(study, Options(cv=2)))
    >>> made["rows_per_second"]["pruned"] > 0
    True
    """
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return {"time": now, "rows_per_second": speeds(fits)}


@dataclass(frozen=True, eq=False)
class Report:
    """What a pruned model does, what it was weighed against, and whether the words are true.

    Parameters
    ----------
    content : dict
        Everything that is said, as plain data: from `report_of`.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> report = Report(report_of(study, fit_rivals(study, options), options))
    >>> report
    Report(toy: ... leaves, ... checks passed)
    """

    content: dict[str, Any]

    @cached_property
    def pictures(self) -> dict[str, Picture]:
        """The report's pictures by name, drawn once."""
        return pictures_of(self.content)

    def to_text(self, *, details: bool = True) -> str:
        """Plain text of at most 100 columns; without details the first screen.

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> report.to_text(details=False).splitlines()[0][:24]
        'BOSTON HMDA, PRUNED TREE'
        """
        from .text import render_text

        return render_text(self.content, details=details)

    def to_markdown(self) -> str:
        """Markdown with tables; pictures are files beside it (see `save`).

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> report.to_markdown()[:13]
        '# BOSTON HMDA'
        """
        from .markdown import render_markdown

        return render_markdown(self.content, self.pictures)

    def to_html(self) -> str:
        """One page with everything in it.

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> report.to_html()[:15]
        '<!doctype html>'
        """
        from .html import render_html

        return render_html(self.content, self.pictures)

    def to_json(self) -> str:
        """The dict itself.

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> json.loads(report.to_json())["title"]["n_train"]
        1666
        """
        return json.dumps(self.content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    def files(self, formats: Iterable[str] = FORMATS) -> dict[str, bytes]:
        """Names and contents of the files that `save` writes.

        Parameters
        ----------
        formats : iterable of str
            Some of `text`, `markdown` (with its pictures), `html`, `json`.

        Returns
        -------
        dict of str to bytes

        Raises
        ------
        ValueError
            If a format is not one of these.

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> sorted(report.files(["html", "json"]))
        ['treeprune-report.html', 'treeprune-report.json']
        """
        out = {}
        for name in dict.fromkeys(formats):
            if name not in FORMATS:
                raise ValueError(f"format {name!r}: possible are {', '.join(FORMATS)}")
            rendered = getattr(self, f"to_{name}")()
            out[f"treeprune-report.{_ENDINGS[name]}"] = rendered.encode("utf-8")
            if name == "markdown":
                for key, picture in self.pictures.items():
                    out[picture_file(key)] = picture.svg.encode("utf-8")
        return out

    def save(self, folder: str | Path, formats: Iterable[str] = FORMATS) -> list[Path]:
        """Write the renderings into a folder, which is made if need be, each file whole.

        Parameters
        ----------
        folder : str or Path
        formats : iterable of str
            As in `files`.

        Returns
        -------
        list of Path

        Raises
        ------
        OSError
            If a file cannot be written.

        Examples
        --------
        >>> from treeprune.report import Options, embedded_study, fit_rivals, report_of
        >>> study, options = embedded_study("hmda"), Options(cv=2, n_resamples=100, refits=0)
        >>> report = Report(report_of(study, fit_rivals(study, options), options))
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in report.save(folder, ["text"])]
        ['treeprune-report.txt']
        """
        return write_all(Path(folder), self.files(formats))

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither style nor script reach a notebook's."""
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="treeprune report" sandbox="allow-scripts" '
            'style="width:100%;height:40rem;border:1px solid #8884"></iframe>'
        )

    def __repr__(self) -> str:
        grown, pruned = self.content["held_out"]["rows"][:2]
        checks = self.content["checks"]
        passed = sum(check["passed"] is True for check in checks)
        unit = "leaves" if "leaves" in grown else "weights"
        return (
            f"Report({self.content['title']['data']}: {grown[unit]} to {pruned[unit]} "
            f"{unit}, {passed} of {len(checks)} checks passed)"
        )
