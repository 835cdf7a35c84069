"""`touchloop bounces`: files of every kind, a mailbox over IMAP, and what cannot be read."""

from __future__ import annotations

import json
import mailbox
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from touchloop.channels.email.tests.conftest import (
    Server,
    Shop,
    conn,
    mail,
    nothing_kept,
    now,
    people,
    server,
    shop,
)
from touchloop.channels.email.tests.test_returns import bounce, complaint, quoted, sent, verp
from touchloop.cli import runtime
from touchloop.cli.app import app
from touchloop.core import db
from touchloop.core.errors import WrongSetting

__all__ = ["Server", "conn", "mail", "nothing_kept", "now", "people", "sent", "server", "shop"]


@pytest.fixture(autouse=True)
def already_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "ready", nullcontext)


def run(capfd: Any, *arguments: str) -> dict[str, int]:
    capfd.readouterr()
    done = CliRunner().invoke(app, ["bounces", *arguments, "--json"])
    assert done.exit_code == 0, done.exception
    found: dict[str, int] = json.loads(capfd.readouterr().out)
    return {word: n for word, n in found.items() if n}


def state(conn: db.Connection, delivery: int) -> str:
    conn.rollback()
    row = conn.execute("SELECT state FROM deliveries WHERE id = %s", (delivery,)).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("kind", ["maildir", "mbox", "folder", "file"])
def test_files_are_read_and_reading_again_changes_nothing(
    conn: db.Connection, shop: Shop, sent: tuple[int, int], tmp_path: Path, capfd: Any, kind: str
) -> None:
    conn.commit()
    raw = bounce("5.1.1", to=verp(sent[1]))
    path = tmp_path / "back"
    if kind == "maildir":
        mailbox.Maildir(path).add(raw)
    elif kind == "mbox":
        box = mailbox.mbox(path)
        box.add(raw)
        box.close()
    elif kind == "folder":
        path.mkdir()
        (path / "1.eml").write_bytes(raw)
    else:
        path.write_bytes(raw)
    for _ in range(2):
        assert run(capfd, str(path)) == {"read": 1, "suppressed": 1}
    assert state(conn, sent[1]) == "bounced"
    assert conn.execute("SELECT count(*) FROM suppressions").fetchone() == (1,)


class Speaker(socketserver.StreamRequestHandler):
    """As much IMAP (RFC 3501) as fetching unseen mail needs."""

    kept: ClassVar[dict[int, tuple[bytes, bool]]] = {}

    def handle(self) -> None:
        self.say(b"* OK ready")
        for line in self.rfile:
            tag, _space, rest = line.strip().partition(b" ")
            words = rest.upper()
            if words.startswith(b"LOGIN") and b"right" not in rest:
                self.say(tag + b" NO wrong password")
                continue
            if words.startswith(b"UID SEARCH"):
                unseen = [str(n).encode() for n, (_raw, seen) in self.kept.items() if not seen]
                self.say(b"* SEARCH " + b" ".join(unseen))
            elif found := re.match(rb"UID FETCH (\d+)", words):
                raw = self.kept[int(found[1])][0]
                self.wfile.write(b"* %d FETCH (BODY[]<0> {%d}\r\n" % (int(found[1]), len(raw)))
                self.wfile.write(raw + b")\r\n")
            elif found := re.match(rb"UID STORE (\d+) \+FLAGS \(\\SEEN\)", words):
                raw, _seen = self.kept[int(found[1])]
                self.kept[int(found[1])] = (raw, True)
            elif words.startswith(b"CAPABILITY"):
                self.say(b"* CAPABILITY IMAP4rev1")
            elif words.startswith(b"SELECT"):
                self.say(b"* %d EXISTS" % len(self.kept))
            self.say(tag + b" OK done")
            if words.startswith(b"LOGOUT"):
                return

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@pytest.fixture
def imap() -> Iterator[str]:
    Speaker.kept.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Speaker) as here:
        here.daemon_threads = True
        thread = threading.Thread(target=here.serve_forever, args=(0.05,))
        thread.start()
        yield f"imap://bounces@127.0.0.1:{here.server_address[1]}/Came%20back"
        here.shutdown()
        thread.join()


def test_a_mailbox_is_read_over_imap_once(
    conn: db.Connection, shop: Shop, sent: tuple[int, int], imap: str, capfd: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    conn.commit()
    monkeypatch.setenv("TOUCHLOOP_IMAP_PASSWORD", "right")
    Speaker.kept |= {7: (complaint(quoted(sent[1])), False), 9: (b"Subject: Hi\r\n\r\nHi", False)}
    assert run(capfd, "--imap", imap) == {"read": 2, "suppressed": 1, "ignored": 1}
    assert run(capfd, "--imap", imap) == {}
    assert state(conn, sent[1]) == "complained"


def test_what_cannot_be_read_is_one_line(
    conn: db.Connection, imap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.delenv("TOUCHLOOP_IMAP_PASSWORD", raising=False)
    for arguments in (
        [], [str(tmp_path / "gone")], [str(tmp_path / "empty")], [str(tmp_path), "--imap", imap],
        ["--imap", imap], ["--imap", "imap://a:b@mail.example.com"], ["--imap", "pop3://a@b"],
        ["--imap", "imaps://mail.example.com"], ["--imap", "imaps://a:b@host:port"],
    ):  # fmt: skip
        done = CliRunner().invoke(app, ["bounces", *arguments])
        assert isinstance(done.exception, WrongSetting), arguments
    wrong = CliRunner().invoke(app, ["bounces", "--imap", imap.replace("@", ":wrong@")])
    assert "wrong password" in str(wrong.exception)
