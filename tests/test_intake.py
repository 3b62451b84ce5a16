"""Reading files of strangers: what comes out, and refusals that are short and quick."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import time
import tracemalloc
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
from treeprune.report.intake import InputRefused, ReadLimits, Table, read_csv, read_table

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
