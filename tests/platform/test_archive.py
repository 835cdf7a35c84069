"""A backup file is whole, or it is refused before anything is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from touchloop.core import archive
from touchloop.core.errors import Invalid


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    content = tmp_path / "content"
    (content / "database").mkdir(parents=True)
    (content / "database" / "1.dat").write_bytes(os.urandom(300_000))
    (content / "secret_key").write_text("secret")
    file = tmp_path / "all.tar.zst"
    archive.write(content, to=file, manifest={"tables": {"staff": [1, 2]}})
    return file


@pytest.mark.parametrize("ending", [".tar.zst", ".tar.gz"])
def test_what_was_packed_comes_back(ending: str, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    (content / "a").write_text("words")
    file = tmp_path / f"all{ending}"
    archive.write(content, to=file, manifest={"tables": {}})
    manifest = archive.unpack(file, into=tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "words"
    assert [entry["path"] for entry in manifest["files"]] == ["a"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99, 0.9999])
def test_a_file_that_was_cut_off_is_refused(packed: Path, tmp_path: Path, share: float) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Invalid):
        archive.unpack(packed, into=tmp_path / "out")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_changed_byte_is_noticed(packed: Path, tmp_path: Path, share: float) -> None:
    data = bytearray(packed.read_bytes())
    data[int(len(data) * share)] ^= 0xFF
    packed.write_bytes(bytes(data))
    with pytest.raises(Invalid):
        archive.unpack(packed, into=tmp_path / "out")


def test_another_file_is_no_backup(tmp_path: Path) -> None:
    import tarfile

    stranger = tmp_path / "other.tar.gz"
    with tarfile.open(stranger, "w:gz") as tar:
        tar.add(__file__, arcname="../../etc/passwd")
    with pytest.raises(Invalid, match="no backup"):
        archive.unpack(stranger, into=tmp_path / "out")
    with pytest.raises(Invalid, match="No such file"):
        archive.unpack(tmp_path / "none.tar.gz", into=tmp_path / "out")
    with pytest.raises(Invalid, match=r"\.tar\.zst"):
        archive.unpack(tmp_path / "none.zip", into=tmp_path / "out")


def test_a_failed_backup_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "missing", to=tmp_path / "x.tar.gz", manifest={})
    assert list(tmp_path.iterdir()) == []
