"""Reading files of strangers: what comes out, and refusals that are short and quick."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeprune import datasets
from treeprune.datasets import load
from treeprune.report.intake import (
    InputRefused,
    ReadLimits,
    Table,
    read_csv,
    read_table,
    records,
)
from treeprune.report.intake.cells import MISSING
from treeprune.report.intake.csv_text import csv_parts

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

TEXT = b"age,city,note\n31,Bonn,a\n,Ulm,\n44,Bonn,b\n"


def written(tmp_path: Path, content: bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def parquet(tmp_path: Path, columns: dict, name: str = "a.parquet", **how) -> Path:
    path = tmp_path / name
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, path, **how)
    return path


def refusal(path: Path, limits: ReadLimits | None = None, read=read_table) -> str:
    """The refusal's text: one line, and within a second."""
    start = time.perf_counter()
    with pytest.raises(InputRefused) as caught:
        read(path, limits)
    assert time.perf_counter() - start < 5
    told = str(caught.value)
    assert str(path) in told
    assert "\n" not in told.replace(str(path), "") and len(told) < 600 + len(str(path))
    return told


# -- CSV -----------------------------------------------------------------------------------------


def test_csv_is_numbers_and_categories(tmp_path):
    table = read_table(written(tmp_path, TEXT))
    assert table.frame["age"].tolist()[::2] == [31, 44] and np.isnan(table.frame["age"][1])
    assert table.frame["city"].cat.categories.tolist() == ["Bonn", "Ulm"]
    assert (table.notes, table.dropped, table.said_missing) == ((), (), ())


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.DAT"])
@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_told_by_content_and_reads_the_same(tmp_path, name, members):
    cuts = np.linspace(0, len(TEXT), members + 1).astype(int)
    packed = b"".join(gzip.compress(TEXT[a:b]) for a, b in pairwise(cuts))
    table = read_table(written(tmp_path, packed + b"\0" * 512, name))
    pd.testing.assert_frame_equal(table.frame, read_csv(written(tmp_path, TEXT, "p.csv")).frame)


def test_the_hash_is_of_the_file_as_it_is(tmp_path):
    path = written(tmp_path, gzip.compress(TEXT), "a.csv.gz")
    assert read_table(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_csv(written(tmp_path, TEXT)).sha256 == hashlib.sha256(TEXT).hexdigest()


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=5000), st.integers(1, 3), st.integers(0, 4000))
def test_inflating_gives_back_what_was_packed(tmp_path_factory, content, members, cut):
    from treeprune.report.intake.opening import inflated

    packed = b"".join(gzip.compress(content) for _ in range(members))
    path, limits = Path("x.gz"), ReadLimits()
    if not content.strip():
        with pytest.raises(InputRefused, match="empty"):
            inflated(path, packed, limits)
        return
    assert inflated(path, packed, limits) == content * members
    if cut < len(packed):
        start = packed[: len(packed) - 1 - cut]
        if len(start) % len(gzip.compress(content)):  # not a whole number of members
            with pytest.raises(InputRefused, match=r"too early|broken|empty"):
                inflated(path, start, limits)


def test_real_data_read_the_same_from_every_form(tmp_path):
    folder = Path(load("german_credit").filename).parent
    packed = read_table(folder / "adult.csv.gz")
    plain = read_csv(written(tmp_path, gzip.decompress((folder / "adult.csv.gz").read_bytes())))
    packed.frame.to_parquet(tmp_path / "adult.parquet")
    typed = read_table(tmp_path / "adult.parquet")
    pd.testing.assert_frame_equal(packed.frame, plain.frame)
    pd.testing.assert_frame_equal(packed.frame, typed.frame)
    assert len(packed.frame) == 48_842 and packed.frame.shape[1] == 15
    assert packed.notes == plain.notes and typed.said_missing == ()


@pytest.mark.parametrize("name", datasets.NAMES)
def test_shipped_data_can_be_read(name):
    path = Path(load(name).filename)
    assert read_table(path).frame.shape[0] == len(load(name).data)


def test_words_for_missing_beside_unnamed_columns(tmp_path):
    table = read_csv(written(tmp_path, b"a,,b,c\n1,x,NA,u\n2,y,5,None\n3,z,NA,v\n"))
    assert table.notes == ("b: read as missing: 'NA' (2)", "c: read as missing: 'None' (1)")
    assert table.said_missing == ("b", "c")
    assert table.dropped == (("column 2", "it has no name in the header"),)
    assert list(table.frame) == ["a", "b", "c"]


def test_numbers_among_words_are_said(tmp_path):
    rows = b"".join(b"%d\n" % (i % 4) for i in range(9))
    table = read_csv(written(tmp_path, b"x\n" + rows + b"oops\n"))
    assert table.notes == ("x is read as text: 1 of 10 values are not numbers",)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "<script>alert(1)</script>", "a\x1b[31mb", "$x$", "x" * 300, "\u202e"],
)
def test_names_are_only_names(tmp_path, name):
    frame = pd.DataFrame({name: [1, 2, 3], "y": ["a", "b", "a"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for form in ("a.csv", "a.parquet"):
        assert list(read_table(tmp_path / form).frame) == [name, "y"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.parquet"]


# -- cells of CSV ----------------------------------------------------------------------------------

PIECES = [
    *('"', ",", "\n", "\r", "\r\n", " ", "a", "01", "1", "-2.5e3", "NA", "true", '""', ",a\n"),
    *("1,2\n", '"x\ny",3\r\n', "\x0b", "\x85", "\u2028", "\ufeff", "\x1a", "#", "_", "٣", "inf"),
]
NUMBER = re.compile(
    r"[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*"
)


def small_blocks(monkeypatch, rows: int = 2) -> None:
    """Blocks of so few rows that small files have many."""
    monkeypatch.setattr(records, "BLOCK", 1)
    monkeypatch.setattr(records, "LEAST_ROWS", rows)


def expected(cells: list[str]) -> list:
    """What a column of these cells is, told one by one."""
    present = [None if cell in MISSING else cell for cell in cells]
    if all(cell is None or NUMBER.fullmatch(cell) for cell in present):
        return [None if cell is None else float(cell) for cell in present]
    same = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
    return [same.get(cell, cell) for cell in present]


def held(column: pd.Series) -> list:
    return [None if pd.isna(value) else value for value in column]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=16), st.integers(1, 3))
def test_the_frame_is_what_the_strict_reader_says(pieces, rows):
    raw = ("h,k\n" + "".join(pieces)).encode()
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch, rows)
        try:
            frame = csv_parts(Path("a.csv"), raw, ReadLimits())[0]
        except InputRefused:
            return
    lines = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True)
    told = [row for row in lines if len(row) == 2 or (row and row[0].strip(" \t"))][1:]
    assert [held(frame[name]) for name in ("h", "k")] == [
        expected(list(cells)) for cells in zip(*told, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["3.0", "03", "x", "", "NA", " 7", "1e3"]),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            st.one_of(st.floats(-1e30, 1e30).map(repr), st.just("null")),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.randoms(use_true_random=False),
)
def test_what_a_cell_is_does_not_depend_on_its_row(rows, end, random):
    order = random.sample(range(len(rows)), len(rows))
    found = []
    for some in (rows, [rows[i] for i in order]):
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c")])
        csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(some)
        with pytest.MonkeyPatch.context() as patch:
            small_blocks(patch)
            found.append(csv_parts(Path("a"), stream.getvalue().encode(), ReadLimits())[0])
    assert [held(found[0][name]) for name in "abc"] == [
        expected(list(cells)) for cells in zip(*rows, strict=True)
    ]
    for name in "abc":
        assert [held(found[0][name])[i] for i in order] == held(found[1][name])
        assert found[0][name].dtype == found[1][name].dtype


def test_late_text_keeps_what_early_cells_say(tmp_path):
    cells = ["3.0", "03"] * 300_000 + ["A1"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read_table(written(tmp_path, "\n".join(["code", *cells, ""]).encode()))
    assert table.frame["code"].cat.categories.tolist() == ["03", "3.0", "A1"]
    assert table.frame["code"].value_counts().tolist() == [300_000, 300_000, 1]
    assert table.notes == ("code is read as text: 1 of 600001 values are not numbers",)


@pytest.mark.parametrize("n_words", [3, 20_000])
@pytest.mark.parametrize("odd", ["w", "NA", "", "TRUE"])
def test_many_words_are_read_as_few_are(tmp_path, n_words, odd):
    cells = [f"w{i * 7919 % n_words}" for i in range(40_000)] + [odd]
    table = read_table(written(tmp_path, "\n".join(["x,y", *(f"{c},1" for c in cells)]).encode()))
    shown = {"w": "w", "TRUE": "True"}.get(odd)
    assert held(table.frame["x"]) == [*cells[:-1], shown]
    names = table.frame["x"].cat.categories.tolist()
    assert names == sorted({*cells[:-1], *([shown] if shown else [])})
    assert table.said_missing == (("x",) if odd == "NA" else ())


def test_numbers_are_exact(tmp_path):
    values = np.random.default_rng(0).normal(size=2000) * 10.0 ** (np.arange(2000) % 60 - 30)
    whole = [2**53 + 1, -(2**63), 2**63 - 1]
    text = "\n".join(["x", *map(repr, values.tolist())])
    assert read_table(written(tmp_path, text.encode())).frame["x"].tolist() == values.tolist()
    text = "\n".join(["x", *map(str, whole)])
    assert read_table(written(tmp_path, text.encode())).frame["x"].tolist() == whole
    for cells in (["1", "99999999999999999999"], ["99999999999999999999", "0.5"]):
        frame = read_table(written(tmp_path, "\n".join(["x", *cells]).encode())).frame
        assert frame["x"].tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize(
    "word", ["1_0", "٣", "\x1c1", "0x10", "1e", ".", "- 1", "NAN", "+nan", " NA"]
)
def test_what_is_no_number_makes_text(tmp_path, word):
    assert held(read_table(written(tmp_path, f"x,y\n1,2\n{word},3\n".encode())).frame["x"]) == [
        "1", word,
    ]  # fmt: skip


def test_words_for_missing_are_those_of_pandas():
    cells = pd.Series(sorted(MISSING) + [word.swapcase() for word in sorted(MISSING)])
    text = "x,y\n" + "".join(f"{cell},1\n" for cell in cells)
    theirs = pd.read_csv(io.StringIO(text), dtype={"x": str})["x"]
    ours = csv_parts(Path("a.csv"), text.encode(), ReadLimits())[0]["x"]
    assert ours.isna().tolist() == theirs.isna().tolist()
    assert ours.isna().sum() >= len(MISSING) < len(cells)


def test_leading_zeros_are_noted(tmp_path):
    table = read_table(written(tmp_path, b"code,month,n,t\n1,01,0,01\n2,12,0.5,x\n10,02,00.5,y\n"))
    assert table.frame["month"].tolist() == [1, 12, 2]
    assert table.notes == (
        "month: values such as '01' are read as numbers, without their leading zeros; if they are "
        "names, put a letter before each",
    )


def test_truth_is_spelt_in_one_way(tmp_path):
    table = read_table(written(tmp_path, b"p,q,r\ntrue,TRUE,True\nfalse,maybe,False\n,true,\n"))
    assert held(table.frame["p"]) == ["True", "False", None]
    assert held(table.frame["q"]) == ["True", "maybe", "True"]
    assert table.notes == ("p, q: 'TRUE', 'false', 'true' are written as True and False",)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b,c\n\r1,2,3\n\r,5,6\n\r7,8,9\n\r",
        b'h,k\n,\x0b b"a\r\r,',
        b"a,b\r\n1,2\r3,4\r\n",
        b"a,b\r1,2\r3,4\n",
    ],
)
def test_mixed_line_ends_are_refused(tmp_path, content):
    assert "one kind of line end" in refusal(written(tmp_path, content))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_line_end_alone_is_read(tmp_path, end):
    lines = ["a,b", "", '1,"x\ry"', '2,"x\ny"', " \t", '3,"x\r\ny"', ""]
    frame = read_table(written(tmp_path, end.join(lines).encode())).frame
    assert frame["a"].tolist() == [1, 2, 3]
    assert frame["b"].tolist() == ["x\ry", "x\ny", "x\r\ny"]


def test_blank_lines_of_one_column(tmp_path):
    assert held(read_table(written(tmp_path, b'x\n1\n\n \n""\n2\n')).frame["x"]) == [1, None, 2]


def test_columns_asked_for_as_text(tmp_path):
    path = written(tmp_path, b"code,n,gone\n01,1,\n01,2.50,NA\n")
    table = read_table(path, text=("code", "n", "gone", "not there"))
    assert held(table.frame["code"]) == ["01", "01"] and held(table.frame["n"]) == ["1", "2.50"]
    assert held(table.frame["gone"]) == [None, None] and table.said_missing == ("gone",)
    assert all(isinstance(kind, pd.CategoricalDtype) for kind in table.frame.dtypes)
    assert table.notes == ("gone: read as missing: 'NA' (1)",)
    assert read_table(path).frame["code"].tolist() == [1, 1]


def test_columns_of_parquet_asked_for_as_text(tmp_path):
    from decimal import Decimal

    path = parquet(
        tmp_path,
        {
            "whole": [1, None, 2**60 + 1],
            "float": [1.0, None, 3.0],
            "real": [1.5, 2.0, None],
            "money": [Decimal("1.20"), Decimal("-3.10"), None],
            "none": pa.nulls(3),
            "text": ["7", "8", "true"],
            "dict": pa.array([7, 9, 7]).dictionary_encode(),
        },
        row_group_size=2,
    )
    table = read_table(path, text=pq.read_schema(path).names)
    assert {name: held(column) for name, column in table.frame.items()} == {
        "whole": ["1", None, str(2**60 + 1)],
        "float": ["1", None, "3"],
        "real": ["1.5", "2.0", None],
        "money": ["1.20", "-3.10", None],
        "none": [None] * 3,
        "text": ["7", "8", "True"],
        "dict": ["7", "9", "7"],
    }
    assert all(isinstance(kind, pd.CategoricalDtype) for kind in table.frame.dtypes)
    assert table.notes == ()


def test_a_header_of_blank_names_is_refused(tmp_path):
    assert "no column has a name" in refusal(written(tmp_path, b", \n1,2\n"))


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    path, stat_of = written(tmp_path, TEXT), os.stat

    def swapped(name, *args, **kwargs):
        found = stat_of(name, *args, **kwargs)
        if str(name) == str(path):
            path.unlink()
            os.mkfifo(path)
        return found

    monkeypatch.setattr(os, "stat", swapped)
    assert "not a regular file" in refusal(path)


def test_a_file_that_grows_is_refused(tmp_path, monkeypatch):
    path, fstat_of = written(tmp_path, TEXT), os.fstat

    def growing(handle):
        found = fstat_of(handle)
        with path.open("ab") as stream:
            stream.write(b"1,2,3\n")
        return found

    monkeypatch.setattr("treeprune.files.os.fstat", growing)
    assert "changes while it is read" in refusal(path)


# -- refusals --------------------------------------------------------------------------------------


class Touch:
    """What a pickle could do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", TEXT)
    return stream.getvalue()


WRONG = {
    "empty": (b"", "empty"),
    "white": (b" \n\n", "empty"),
    "mark only": (b"\xef\xbb\xbf", "empty"),
    "header only": (b"x,y\n", "no rows"),
    "NUL": (b"x,y\n1,\x002\n", "NUL bytes (the first at byte 6)"),
    "ragged": (b"x,y\n1,2\n1,2,3\n", "line 3 has 3 fields"),
    "utf-16": ("x,y\n1,2\n".encode("utf-16"), "UTF-16"),
    "latin": ("x,y\nMünchen,1\n".encode("latin-1"), "not UTF-8 text (byte 5)"),
    "late latin": (b"x,y\n" + b"1,2\n" * 9000 + b"\xff,1\n", "not UTF-8 text (byte 36004)"),
    "zip": (_zip(), "ZIP"),
    "xz": (b"\xfd7zXZ\x00\x00", "xz"),
    "twice": (b"y,y\n1,2\n", "two columns are named 'y'"),
    "semicolon": (b"x;y\n1;2\n", "commas"),
    "open quote": (b'x,y\n"1,2\n', "line 2"),
    "infinite": (b"x,y\ninf,1\n", "infinite"),
    "one long line": (b"a" * 10_000_000, "characters, more than 1,024,000"),
    "one line of commas": (b"a," * 5_000_000, "characters, more than 1,024,000"),
    "one record of many lines": (b'x,y\na,"\n' + b'",a,"\n' * 2_000_000, "more than 1,024,000"),
    "cut gzip": (gzip.compress(TEXT)[:-9], "too early"),
    "broken gzip": (gzip.compress(TEXT)[:10] + b"\xff" * 40, "broken"),
    "gzip of nothing": (gzip.compress(b"\n"), "empty once unpacked"),
    "gzip in gzip": (gzip.compress(gzip.compress(TEXT, mtime=0)), "UTF-8"),
    "5,000 columns": (b",".join(b"c%d" % i for i in range(5000)) + b"\n", "--max-columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_refused_in_a_line(tmp_path, name):
    content, word = WRONG[name]
    assert word in refusal(written(tmp_path, content))


def test_a_pickle_is_never_loaded(tmp_path):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        content = pickle.dumps(Touch(tmp_path / "touched"), protocol=protocol)
        for name in ("a.csv", "a.parquet", "a.csv.gz"):
            refusal(written(tmp_path, content, name))
    content = pickle.dumps(Touch(tmp_path / "touched"), protocol=0)  # lines of text, read as such
    assert read_table(written(tmp_path, content)).frame.shape[1] == 1
    assert not (tmp_path / "touched").exists()


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, word in (
        (tmp_path, "directory"),
        (tmp_path / "none", "no such file"),
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "link", "not a regular file"),
        (tmp_path / "loop", ""),
        (tmp_path / ("n" * 300), ""),
        (tmp_path / "a\0b", ""),
    ):
        assert word in refusal(path)
        assert word in refusal(path, read=read_csv)


def test_a_large_sparse_file_is_refused_unread(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        stream.truncate(2 * 2**30)
    assert "2,147,483,648 bytes, more than the limit of 536,870,912; --max-bytes" in refusal(path)


def test_a_bomb_is_refused_without_being_held(tmp_path):
    pack = zlib.compressobj(9, wbits=31)
    zeros = b"1,2\n" * 2**18
    bomb = b"".join([pack.compress(zeros) for _ in range(300)]) + pack.flush()
    path = written(tmp_path, bomb, "a.csv.gz")
    assert len(bomb) < 2**20 * 2
    tracemalloc.start()
    told = refusal(path, ReadLimits(bytes=100 * 2**20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpack to more than the limit of 104,857,600 bytes; --max-bytes" in told
    assert peak < 20 * 2**20


@pytest.mark.parametrize(
    "limits, word",
    [
        (ReadLimits(rows=2), "more rows than the limit of 2; --max-rows"),
        (ReadLimits(columns=2), "3 columns, more than the limit of 2; --max-columns"),
        (ReadLimits(bytes=20), "more than the limit of 20; --max-bytes"),
    ],
)
def test_limits_name_their_flag(tmp_path, limits, word):
    assert word in refusal(written(tmp_path, TEXT), limits)


def test_limits_hold_to_the_last(tmp_path):
    path = written(tmp_path, TEXT)
    table = read_table(path, ReadLimits(rows=3, columns=3, bytes=len(TEXT), categories=7))
    assert len(table.frame) == 3 and table.most_categories == 7


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "9"])
def test_limits_are_whole_numbers(bad):
    with pytest.raises(ValueError, match=f"rows must be a whole number of at least 1, got {bad!r}"):
        ReadLimits(rows=bad)


def test_long_names_make_no_long_refusal(tmp_path):
    refusal(written(tmp_path, b"%b,%b\n1,2\n" % (b"n" * 9000, b"n" * 9000)))


# -- Parquet ---------------------------------------------------------------------------------------


def test_parquet_types(tmp_path):
    import datetime as dt
    from decimal import Decimal

    day = dt.date(2019, 3, 1)
    noon = dt.datetime(2019, 3, 1, 12, 30)
    table = read_table(
        parquet(
            tmp_path,
            {
                "int": pa.array([1, None, 3], pa.int8()),
                "half": pa.array(np.array([1.5, 2, 3], np.float16)),
                "bool": [True, None, False],
                "text": ["b", "", None],
                "large": pa.array(["x", "y", "x"], pa.large_string()),
                "dict": pa.array(["v", "u", "v"]).dictionary_encode(),
                "codes": pa.array([7, 9, 7]).dictionary_encode(),
                "day": [day, None, day],
                "midnight": pa.array([dt.datetime(2019, 3, 1)] * 3, pa.timestamp("ns")),
                "stamp": pa.array([noon, None, noon], pa.timestamp("ms")),
                "zoned": pa.array([noon] * 3, pa.timestamp("us", tz="+02:00")),
                "fine": pa.array([1, 10, 100], pa.timestamp("us")),
                "money": [Decimal("1.25"), None, Decimal("-3.10")],
                "nothing": pa.nulls(3),
                "numbers": ["1", "2", "oops"],
            },
        )
    )
    frame = table.frame
    found = {name: [None if pd.isna(v) else v for v in frame[name]] for name in frame}
    assert found == {
        "int": [1, None, 3],
        "half": [1.5, 2, 3],
        "bool": ["True", None, "False"],
        "text": ["b", None, None],
        "large": ["x", "y", "x"],
        "dict": ["v", "u", "v"],
        "codes": [7, 9, 7],
        "day": ["2019-03-01", None, "2019-03-01"],
        "midnight": ["2019-03-01"] * 3,
        "stamp": ["2019-03-01T12:30:00", None, "2019-03-01T12:30:00"],
        "zoned": ["2019-03-01T12:30:00"] * 3,
        "fine": ["1970-01-01T00:00:00.000001", "1970-01-01T00:00:00.00001",
                 "1970-01-01T00:00:00.0001"],
        "money": [1.25, None, -3.1],
        "nothing": [None] * 3,
        "numbers": ["1", "2", "oops"],
    }  # fmt: skip
    assert all(
        pd.api.types.is_numeric_dtype(frame[c]) or isinstance(frame[c].dtype, pd.CategoricalDtype)
        for c in frame
    )
    assert table.notes == (
        "day, midnight, stamp, zoned, fine: dates, read as text; --time-column holds out the last "
        "rows by one",
        "zoned: timestamps with a time zone, said in UTC",
        "money: decimals, read as floating-point numbers",
        "numbers: text in the file although most values are numbers, read as text",
    )


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"a", b"b"]),
        pa.array([[1], [2]]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([1, 2], pa.time32("s")),
        pa.array([1, 2], pa.duration("s")),
        pa.array([b"a", b"b"]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_other_types_are_refused_by_name(tmp_path, column):
    told = refusal(parquet(tmp_path, {"x": [1, 2], "odd one": column}))
    assert "column 'odd one' is of type" in told


def test_row_labels_of_pandas_are_left_out(tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=[5, 3, 9])
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert list(table.frame) == ["x"] and table.frame.index.tolist() == [0, 1, 2]
    assert table.dropped == (("__index_level_0__", "the row labels of a pandas frame"),)
    frame.rename_axis("person").to_parquet(tmp_path / "b.parquet")  # a name: a column like others
    assert list(read_table(tmp_path / "b.parquet").frame) == ["x", "person"]


def test_hostile_metadata_of_pandas_are_not_read(tmp_path):
    table = pa.table({"x": [1, 2]}).replace_schema_metadata({"pandas": "[" * 100_000})
    assert read_table(parquet(tmp_path, table)).frame["x"].tolist() == [1, 2]


def test_many_row_groups_share_their_categories(tmp_path):
    words = [f"w{i % 7}" for i in range(100)] + ["late"] * 10
    path = parquet(tmp_path, {"x": words}, row_group_size=9)
    assert read_table(path).frame["x"].tolist() == words
    path = parquet(tmp_path, {"x": words}, "plain.parquet", row_group_size=9, use_dictionary=False)
    assert read_table(path).frame["x"].tolist() == words


def test_dictionaries_that_repeat_a_value(tmp_path):
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", "b", "a"]))
    column = read_table(parquet(tmp_path, {"x": twice})).frame["x"]
    assert column.tolist()[:3] == ["a", "b", "a"] and column.cat.categories.tolist() == ["a", "b"]


def test_parquet_names(tmp_path):
    table = pa.Table.from_arrays([pa.array([1, 2])] * 2, names=["x", "x"])
    assert "two columns are named 'x'" in refusal(parquet(tmp_path, table))
    table = pa.Table.from_arrays([pa.array([1, 2])] * 2, names=["x", " "])
    assert read_table(parquet(tmp_path, table)).dropped == (
        ("column 2", "it has no name in the file"),
    )
    table = pa.Table.from_arrays([pa.array([1, 2])], names=[""])
    assert "no column has a name" in refusal(parquet(tmp_path, table))


def test_infinite_numbers_of_parquet_are_refused(tmp_path):
    assert "infinite" in refusal(parquet(tmp_path, {"x": [1.0, np.inf]}))
    assert "infinite" in refusal(parquet(tmp_path, {"x": [1.0, 1e39]}))


def test_parquet_without_rows_or_columns(tmp_path):
    assert "0 rows" in refusal(parquet(tmp_path, {"x": pa.array([], pa.int64())}))
    assert "0 columns" in refusal(parquet(tmp_path, pa.table({})))


@pytest.mark.parametrize(
    "limits, word",
    [
        (ReadLimits(rows=99), "100 rows, more than the limit of 99; --max-rows"),
        (ReadLimits(columns=1), "2 columns, more than the limit of 1; --max-columns"),
        (ReadLimits(bytes=1500), "more than the limit of 1,500; --max-bytes"),
    ],
)
def test_limits_hold_for_parquet(tmp_path, limits, word):
    assert word in refusal(parquet(tmp_path, {"x": range(100), "y": [1] * 100}), limits)


def test_a_small_file_of_endlessly_equal_cells_is_refused_unread(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(900_000, np.int32)), ["a"])
    path = parquet(tmp_path, {f"c{i}": column for i in range(100)})
    assert path.stat().st_size < 300_000
    assert "bytes for 900,000 rows of 100 cells, more than the limit" in refusal(path)


BOMB = """
import resource, sys
from pathlib import Path
from treeprune.report.intake import InputRefused, read_table
import pyarrow.parquet
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
try:
    read_table(Path(sys.argv[1]))
except InputRefused as refused:
    print(peak() - before, refused)
"""


def as_varint(number: int) -> bytes:
    """A whole number as the footer of a Parquet file has it."""
    number, out = number << 1, []
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("lies", [1, 2])
def test_a_parquet_bomb_is_refused_whatever_its_footer_states(tmp_path, lies):
    """The size of a row group is forged, then also those of its columns."""
    n = 150_000_000
    table = pa.table({f"c{i}": pa.array(["a" * n]) for i in range(5)})
    path = parquet(tmp_path, table, use_dictionary=False, write_statistics=False,
                   compression="zstd")  # fmt: skip
    del table
    raw, about = bytearray(path.read_bytes()), pq.read_metadata(path).row_group(0)
    sizes = [about.total_byte_size, about.column(0).total_uncompressed_size]
    for size in sizes[:lies]:
        old = as_varint(size)
        small = bytes([0x90, *[0x80] * (len(old) - 2), 0])  # 8, in as many bytes
        footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
        raw[footer:] = raw[footer:].replace(old, small)
    path.write_bytes(raw)
    forged = pq.read_metadata(path).row_group(0)
    assert forged.total_byte_size < 100
    assert (forged.column(4).total_uncompressed_size < 100) == (lies == 2)
    run = subprocess.run(
        [sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=True
    )
    mebibytes, told = run.stdout.split(maxsplit=1)
    assert "bytes once unpacked, more than the limit of 536,870,912" in told
    assert int(mebibytes) < (50, 1100)[lies - 1]  # 1.5 GB or more if all columns were read at once


def test_names_with_dots_are_only_names(tmp_path):
    path = parquet(tmp_path, {"a.b": [1, 2], "a": ["x", "y"], "a.b.c": [0.5, 1.5]})
    frame = read_table(path).frame
    assert frame.to_dict("list") == {"a.b": [1, 2], "a": ["x", "y"], "a.b.c": [0.5, 1.5]}


def test_a_long_text_that_repeats_is_held_once(tmp_path):
    codes = pa.array(np.zeros(20_000, np.int32))
    path = parquet(tmp_path, {"x": pa.DictionaryArray.from_arrays(codes, ["long" * 50_000])})
    code = (
        "import resource, pyarrow.parquet; from treeprune.report.intake import read_table\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        f"before = peak(); frame = read_table({str(path)!r}).frame\n"
        "print(len(frame['x'].cat.categories), peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    n_categories, mebibytes = map(int, run.stdout.split())
    assert n_categories == 1 and mebibytes < 200  # 4 GB if it were spelt out


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    path = parquet(tmp_path, {"x": [1, 2]})
    for name in [m for m in sys.modules if m.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'treeprune[parquet]'" in refusal(path)


def test_what_is_called_parquet_and_is_not(tmp_path):
    for content in (TEXT, b"PAR1", b"PAR1" + b"\0" * 20, b"PAR1" + b"\xff" * 20 + b"PAR1"):
        assert "Parquet" in refusal(written(tmp_path, content, "a.parquet"))
    assert "Parquet" in refusal(written(tmp_path, b"PAR1" + b"\xff" * 20, "a.csv"))


def test_reading_csv_needs_no_pyarrow_parquet(tmp_path):
    code = (
        "import sys; from treeprune.report.intake import read_table; "
        f"read_table({str(written(tmp_path, TEXT))!r}); "
        "sys.exit('pyarrow.parquet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


FUZZ = """
import json, random, sys
from pathlib import Path
from treeprune.report.intake import InputRefused, ReadLimits, read_table
whole, path = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
rng, told = random.Random(0), {"read": 0, "refused": 0}
for _ in range(int(sys.argv[3])):
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(4, len(data) - 4)] = rng.randrange(256)
    if rng.random() < 0.2:
        at = rng.randrange(4, len(data) - 4)
        data[at : at + rng.randrange(40)] = b""
    path.write_bytes(bytes(data))
    try:
        read_table(path, ReadLimits(rows=1000, columns=50, bytes=2**22))
        told["read"] += 1
    except InputRefused as refused:
        assert len(str(refused)) < 900 and "\\n" not in str(refused), refused
        told["refused"] += 1
print(json.dumps(told))
"""


def test_damaged_parquet_is_read_or_refused_and_never_crashes(tmp_path):
    whole = parquet(
        tmp_path,
        {
            "x": np.arange(60.0),
            "text": [f"w{i % 5}" for i in range(60)],
            "bool": [True, None] * 30,
            "stamp": pa.array(range(60), pa.timestamp("s")),
        },
        row_group_size=25,
        compression="zstd",
    )
    arguments = [sys.executable, "-c", FUZZ, str(whole), str(tmp_path / "b.parquet"), "400"]
    run = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 0, run.stderr[-2000:]
    told = json.loads(run.stdout)
    assert told["read"] + told["refused"] == 400 and min(told.values()) > 20


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e30, 1e30)),
            st.one_of(st.none(), st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_parquet_gives_back_what_was_written(tmp_path_factory, rows):
    numbers, words = (list(column) for column in zip(*rows, strict=True))
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    pq.write_table(
        pa.table({"n": pa.array(numbers, pa.float64()), "w": pa.array(words, pa.string())}), path
    )
    table = read_table(path)
    assert isinstance(table, Table)
    found = [None if pd.isna(v) else v for v in table.frame["n"]]
    assert found == numbers
    assert [None if pd.isna(v) else v for v in table.frame["w"]] == [w or None for w in words]
