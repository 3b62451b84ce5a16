"""Data, calibration, checks, limits and record in words; nothing is computed here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..document import Code, Figure, Paragraph, Section, Table
from ..figures import figure, signed, signed_significant, significant, with_interval
from ..words import model_of, printable

if TYPE_CHECKING:
    from ..document import Block

__all__ = [
    "calibration_section",
    "check_words",
    "data_section",
    "excluded_words",
    "failed_checks",
    "limit_words",
    "record_words",
    "sql_section",
    "stamp_words",
]


def excluded_words(columns: list[dict[str, str]]) -> str:
    """Columns left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for entry in columns:
        by_reason.setdefault(entry["reason"], []).append(entry["column"])
    said = [f"{', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    return printable("; ".join(said) or "no column") + "."


# -- data ----------------------------------------------------------------------------------------


def data_section(report: dict[str, Any]) -> Section:
    """The task, the outcome on both sides, and every column."""
    told, title = report["data"], report["title"]
    blocks: list[Block] = [Paragraph(printable(_sentence(title["task_said"])))]
    blocks.append(Paragraph(printable(_sentence(title["split_said"]))))
    blocks += [Paragraph(f"Note: {printable(note)}") for note in report["notes"]]
    blocks.append(_outcome(told))
    rows, keys = [], []
    for c in told["columns"]:
        used = tuple("yes" if c[key] else "no" for key in ("grown", "pruned"))
        missing = str(c["missing"])
        rows.append((printable(c["column"]), c["kind"], missing, *used, printable(c["said"])))
        keys.append((printable(c["column"]), c["kind"], c["missing"], *used, printable(c["said"])))
    head = ("column", "kind", "missing", "as grown", "pruned", "values")
    word = model_of(report)["word"]
    asks = "asks about" if word == "tree" else "reads"
    caption = f"Columns, and whether the {word} as grown and pruned {asks} them"
    blocks.append(
        Table("columns", caption, head, tuple(rows), (0, 1, 3, 4, 5), tuple(keys), wrapped=5)
    )
    return Section("data", "DATA", "Data", tuple(blocks))


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _outcome(told: dict[str, Any]) -> Table:
    n = (told["n_train"], told["n_held_out"])
    rows: list[tuple[str, ...]]
    if told["outcome"] is not None:
        head = ("outcome", "train", "held out")
        rows = [(printable(o["label"]), str(o["train"]), str(o["held_out"])) for o in
                told["outcome"]]  # fmt: skip
        rows.append(("all rows", str(n[0]), str(n[1])))
        return Table("outcome", "Rows by outcome", head, tuple(rows))
    sides = (told["outcome_number"]["train"], told["outcome_number"]["held_out"])
    names = {"mean": "mean", "sd": "standard deviation", "low": "lowest", "high": "highest"}
    rows = [(said, *(significant(side[key]) for side in sides)) for key, said in names.items()]
    rows.append(("rows", str(n[0]), str(n[1])))
    return Table("outcome", "The outcome", ("outcome", "train", "held out"), tuple(rows))


# -- calibration ---------------------------------------------------------------------------------


CALIBRATED = {
    "binary": ("predicted P", "true share"),
    "multiclass": ("P of the likeliest class", "share that is right"),
    "regression": ("mean prediction", "mean outcome"),
}


def calibration_section(report: dict[str, Any]) -> Section:
    """Whether what is predicted comes true, by bins of equal predictions."""
    told = report["calibration"]
    regression = told["kind"] == "regression"
    form = significant if regression else figure
    edge = partial(significant, digits=3) if regression else None
    predicted, true = CALIBRATED[told["kind"]]
    gaps = "; ".join(
        f"{printable(model['label'])} {_gap(model['gap'], told['kind'])}"
        for model in told["models"]
    )
    rows: list[tuple[str, ...]] = []
    for model in told["models"]:
        if model["key"] not in ("grown", "pruned"):
            continue
        rows.append((printable(model["label"]),))
        rows += [
            (form(b["p"]), with_interval({**b, "value": b["share"]}, form, edge), str(b["n"]))
            for b in model["bins"]
        ]
    table = Table(
        "calibration",
        "Predicted against true on held-out rows",
        (predicted, f"{true} [95 %]", "rows"),
        tuple(rows),
        left=(),
    )
    blocks = (
        Paragraph(
            f"{predicted[:1].upper()}{predicted[1:]} minus {true}, on average [95 %]: {gaps}."
        ),
        Figure("calibration"),
        table,
    )
    return Section("calibration", "CALIBRATION", "Calibration", blocks)


def _gap(gap: dict[str, Any], kind: str) -> str:
    if gap["value"] is None:
        return "-"
    return with_interval(gap, signed_significant if kind == "regression" else signed)


# -- checks, limits, record, SQL -----------------------------------------------------------------


def check_words(report: dict[str, Any]) -> str:
    """How many checks passed, and on what each rests; those that did not come first."""
    checks = report["checks"]
    passed = [check for check in checks if check["passed"]]
    open_ = [check for check in checks if check["passed"] is None]
    said = "; ".join(_check(check) for check in (*open_, *passed))
    return f"{len(passed)} of {len(checks)} passed. {said}."


def failed_checks(report: dict[str, Any]) -> list[str]:
    """A line for each check that failed."""
    return [_check(check) for check in report["checks"] if check["passed"] is False]


def _check(check: dict[str, Any]) -> str:
    failed = " FAILED" if check["passed"] is False else ""
    detail = f" ({check['detail']})" if check["detail"] else ""
    return printable(f"{check['name']}: {check['scope']}{failed}{detail}")


def limit_words(report: dict[str, Any]) -> list[str]:
    """What the figures cannot say: of any such report, then of this data."""
    split = {
        "random": "one random split: no rows from a later time; another split gives other figures",
        "groups": "one random split: no rows from a later time; another split gives other figures",
        "given": "the rows were held out before: how, is not known here",
        "time": "one split in time: another date gives other figures",
    }[report["title"]["split"]]
    return [
        "the held-out rows were judged once: nothing was chosen on them",
        split,
        "intervals are for these fitted models; refitting on other rows varies more",
        "the rivals' settings are not tuned beyond what is listed",
        "leaving a column out does not make decisions equal between groups: others may stand in",
        f"attributions, reasons and changes tell what the {model_of(report)['word']} does, not "
        "what causes an outcome",
        *map(printable, report["limits"]),
    ]


def record_words(report: dict[str, Any]) -> str:
    """Versions, options, seed and hash: what it takes to make the report again."""
    r = report["record"]
    versions = ", ".join(f"{name} {r['versions'][name]}" for name in r["versions"])
    return printable(
        f"{versions}, {r['options']}, seed {r['seed']}, data sha256 {r['sha256'] or 'not known'}"
    )


def stamp_words(report: dict[str, Any]) -> str | None:
    """The time, and the speeds that were measured then."""
    made = report["made"]
    if made is None:
        return None
    speeds = made["rows_per_second"]
    if speeds is None:
        return f"{made['time']}"
    grown, pruned = (f"{float(f'{speeds[key]:.2g}'):,.0f}" for key in ("grown", "pruned"))
    return (
        f"{made['time']}; rows predicted a second then, on that machine: as grown {grown}, pruned "
        f"{pruned}"
    )


def sql_section(report: dict[str, Any]) -> Section:
    """The rules as a query, or why there is none."""
    told = report["sql"]
    if told["text"] is None:
        return Section("sql", "SQL", "SQL", (Paragraph(printable(told["why"])),))
    model = model_of(report)
    what = f"The pruned {model['word']}"
    if model["reading"] == "surrogate":
        what = f"The rules that imitate the pruned {model['word']} (they are not it)"
    text = (
        f"{what} as a query ({told['dialect']}) on a table named "
        f"{printable(told['table'])}; {printable(told['check'])}."
    )
    if not all(line.isprintable() for line in told["text"].split("\n")):
        text += (
            " Names or values hold characters that a terminal would obey: the query stands in the "
            "JSON only, and treeprune rules writes it."
        )
        return Section("sql", "SQL", "SQL", (Paragraph(text),))
    return Section("sql", "SQL", "SQL", (Paragraph(text), Code(told["text"], "sql")))
