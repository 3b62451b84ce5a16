"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path, typer.Argument(help="CSV in UTF-8 with a header line (also .csv.gz), or Parquet.")
]
Name = Annotated[str, typer.Argument(help="Data set of the package; see the command datasets.")]
Target = Annotated[str, typer.Option(help="Column to predict.")]
Task = Annotated[str, typer.Option(help="auto, classification or regression.")]
Model = Annotated[
    str, typer.Option(help="What is grown and pruned: tree, forest, lightgbm or mlp.")
]
Method = Annotated[
    str, typer.Option(help="Pruning method; auto is magnitude for mlp, else cost_complexity.")
]
Strength = Annotated[str, typer.Option(help="auto, best, one_se or a number.")]
MaxSize = Annotated[
    int | None, typer.Option(min=1, help="Most leaves, of all trees; for mlp most weights.")
]
Folds = Annotated[int, typer.Option(min=2, help="Number of folds.")]
Scoring = Annotated[
    str | None,
    typer.Option(help="scikit-learn score that chooses the size; Brier score or R² if none."),
]
TestSize = Annotated[float, typer.Option(help="Share of rows held out.")]
TimeColumn = Annotated[
    str | None, typer.Option(help="Column of dates or numbers: the last rows by it are held out.")
]
Positive = Annotated[
    str | None, typer.Option(help="Value of the target whose probability is meant.")
]
Cost = Annotated[
    str | None,
    typer.Option(help="Cost of a missed positive to that of a false alarm, FN:FP, such as 5:1."),
]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id", help="Identifier: left out, and its rows stay on one side; may be repeated."
    ),
]
Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
Monotone = Annotated[
    list[str] | None,
    typer.Option(
        help="Number that P may only rise (debt:+) or fall (income:-) with; may be repeated."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for the files; made if need be.")]
Formats = Annotated[
    str, typer.Option(help="Renderings to write, comma separated: text, markdown, html, json.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files of an earlier run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to stdout instead of text.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of split, growth, resamples.")]
Jobs = Annotated[
    int, typer.Option(help="Folds and refits fitted at the same time; -1 for all cores.")
]
Refits = Annotated[
    int, typer.Option(min=0, help="Refits of each model, for stability; 0 leaves the score out.")
]
Sensitive = Annotated[
    list[str] | None,
    typer.Option(
        help="Sensitive column: left out of all models, and groups are compared by it; may be "
        "repeated."
    ),
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        help='How far groups may be apart, such as "selection_rate_ratio>=0.8": says which step '
        "would keep it, and chooses nothing; may be repeated."
    ),
]
Rows = Annotated[int, typer.Option(min=1, help="Most rows that are read.")]
Columns = Annotated[int, typer.Option(min=1, help="Most columns that are read.")]
Categories = Annotated[
    int, typer.Option(min=1, help="Most values of a text column; one with more is left out.")
]
MaxBytes = Annotated[int, typer.Option(min=1, help="Most bytes of the file, and once unpacked.")]

# Of the commands about a saved model.
ModelFile = Annotated[Path, typer.Argument(help="Saved model: a file that fit has written.")]
MostCategories = Annotated[
    int,
    typer.Option(
        "--max-categories", min=1, help="Most values of a text column that the model takes."
    ),
]
