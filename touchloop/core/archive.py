"""A backup file: one compressed tar, its manifest first, every other file named there by its hash.

Nothing is taken from an archive before all of it was found whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from touchloop.core.errors import Invalid

MANIFEST = "manifest.json"
FORMAT = 1
LARGEST_MANIFEST = 64 << 20
ENDINGS = {".tar.zst": "zstd", ".tar.gz": "gzip", ".tgz": "gzip"}


def packing(path: Path) -> str:
    """How a file of this name is packed. Raises Invalid for another ending than the two known."""
    for ending, packing in ENDINGS.items():
        if path.name.endswith(ending):
            return packing
    raise Invalid("file", f"name it {path.name}.tar.zst or {path.name}.tar.gz")


def write(folder: Path, *, to: Path, manifest: dict[str, Any]) -> None:
    """Pack a folder's files. The file appears under its name when it is whole and on the disk."""
    form = packing(to)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = manifest | {
        "format": FORMAT,
        "files": [
            {
                "path": str(path.relative_to(folder)),
                "bytes": path.stat().st_size,
                "sha256": _sum(path),
            }
            for path in files
        ],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    draft = to.with_name(f".{to.name}.partial")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with (
                pa.CompressedOutputStream(file, form) as stream,
                tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                for path in (folder / MANIFEST, *files):
                    tar.add(path, arcname=str(path.relative_to(folder)), filter=_nobodys)
            with suppress(ValueError):  # the compressor may have closed it
                file.flush()
        _sync(draft)
        draft.rename(to)
        _sync(to.parent)
    finally:
        draft.unlink(missing_ok=True)


def unpack(path: Path, *, into: Path) -> dict[str, Any]:
    """Unpack into a new folder and give the manifest. Raises Invalid for a file not whole."""
    try:
        with _opened(path) as tar:
            manifest = _read_manifest(tar, path)
            wanted = {entry["path"]: entry for entry in manifest["files"]}
            while member := tar.next():
                entry = wanted.pop(member.name, None)
                if entry is None or not member.isfile():
                    raise Invalid(
                        "file", f"{path} holds {member.name}, which its manifest does not"
                    )
                _take(tar, member, entry, into=into, path=path)
    except (tarfile.TarError, EOFError, pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
            raise Invalid("file", f"{path}: {error.strerror}") from error
        raise Invalid("file", f"{path} is damaged or cut off ({error})") from error
    if wanted:
        raise Invalid("file", f"{path} is cut off: {min(wanted)} is missing")
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    form = packing(path)
    with (
        path.open("rb") as file,
        pa.CompressedInputStream(file, form) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        yield tar


def _read_manifest(tar: tarfile.TarFile, path: Path) -> dict[str, Any]:
    first = tar.next()
    if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
        raise Invalid("file", f"{path} is no backup of Touchloop: it has no manifest")
    manifest: dict[str, Any] = json.loads(_stream(tar, first).read())
    if manifest.get("format") != FORMAT:
        raise Invalid(
            "file",
            f"{path} has format {manifest.get('format')}, this version reads format {FORMAT}",
        )
    return manifest


def _take(
    tar: tarfile.TarFile, member: tarfile.TarInfo, entry: dict[str, Any], *, into: Path, path: Path
) -> None:
    goal = (into / member.name).resolve()
    if not goal.is_relative_to(into.resolve()):
        raise Invalid("file", f"{path} holds a file that would lie outside: {member.name}")
    goal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, source = hashlib.sha256(), _stream(tar, member)
    with goal.open("wb") as file:
        while piece := source.read(1 << 20):
            digest.update(piece)
            file.write(piece)
    if member.size != entry["bytes"] or digest.hexdigest() != entry["sha256"]:
        raise Invalid("file", f"{path} is damaged: {member.name} is not what its manifest says")


def _stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member)
    if stream is None:
        raise Invalid("file", f"{member.name} is not a plain file")
    return stream


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same data gives the same archive, whoever packs it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode, member.mtime = 0o600, 0
    return member


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
