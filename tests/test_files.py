"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from treeprune import files
from treeprune.files import write_all, write_whole


@pytest.fixture
def umask():
    old = os.umask(0o027)
    yield
    os.umask(old)


def test_one_file(tmp_path, umask):
    path = tmp_path / ("é" * 120 + ".txt")  # 244 bytes: no room for anything before the name
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two" and list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "kept").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "kept").read_bytes() == b"old"
    assert not (tmp_path / "link").is_symlink() and (tmp_path / "link").read_bytes() == b"new"


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "c").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "c", b"")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "no" / "a", b"")
    with pytest.raises(IsADirectoryError, match="c is a directory"):
        write_all(tmp_path, {"a": b"1", "c": b"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_all_in_the_order_given(tmp_path, umask):
    out = tmp_path / "new" / "folder"
    assert write_all(out, {"b": b"1", "a": b"2"}) == [out / "b", out / "a"]
    assert write_all(out, {}) == []
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"b": b"1", "a": b"2"}
    assert stat.S_IMODE((out / "a").stat().st_mode) == 0o640


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    write_all(tmp_path, {"a": b"old", "b": b"old"})
    asked = []

    def sync(handle):
        asked.append(handle)
        if len(asked) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", sync)
    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path, {"a": b"new", "b": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old",
        "b": b"old",
    }
