"""`bounces`: read mail that came back, out of files or a mailbox."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from touchloop.cli import runtime
from touchloop.cli.output import result, show
from touchloop.core.errors import Invalid, WrongSetting

if TYPE_CHECKING:
    from touchloop.core.db import Connection

PASSWORD = "TOUCHLOOP_IMAP_PASSWORD"


def bounces(
    path: Annotated[
        Path | None, typer.Argument(help="A Maildir, an mbox, an .eml file, or a folder of them.")
    ] = None,
    imap: Annotated[
        str, typer.Option(help="imaps://user@host/Folder; the password in TOUCHLOOP_IMAP_PASSWORD.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read bounces and complaints: who is gone or objects is not written to again.

    Only what names a message of ours by its token is believed. Reading a message again changes
    nothing, so files may be read as often as you like; over IMAP, what was read is marked as seen.

    Examples:

        touchloop bounces /var/mail/bounces

        touchloop bounces --imap imaps://bounces@mail.example.com/INBOX
    """
    with result(as_json=as_json) as emit:
        if (path is None) == (not imap):
            raise WrongSetting("bounces: name a file or folder, or --imap with a mailbox")
        with runtime.ready():
            from touchloop.core import db

            with db.connect(application="touchloop bounces") as conn:
                try:
                    counts = _from_files(conn, path) if path else _from_imap(conn, imap)
                except Invalid as wrong:
                    raise WrongSetting(f"bounces: {wrong.message}") from wrong
        told = {"read": sum(counts.values()), **{word: counts[word] for word in WORDS}}
        emit(told)
        if not as_json:
            show(", ".join(f"{n:,} {word}" for word, n in told.items()) + ".")


WORDS = ("suppressed", "bounced", "delayed", "confirmed", "ignored")


def _from_files(conn: Connection, path: Path) -> Counter[str]:
    from touchloop.channels.api import email

    return Counter(_read(conn, raw) for raw in email.mail_in_files(path))


def _from_imap(conn: Connection, url: str) -> Counter[str]:
    """A message is marked only after what it says is kept: what fails is read again."""
    from touchloop.channels.api import email

    counts: Counter[str] = Counter()
    with email.Imap.at(url, password=os.environ.get(PASSWORD, "")) as box:
        for number, raw in box.unseen():
            counts[_read(conn, raw)] += 1
            box.seen(number)
    return counts


def _read(conn: Connection, raw: bytes) -> str:
    from touchloop.channels.api import email
    from touchloop.core import clock

    word = email.read_back(conn, raw, clock.now()).word
    conn.commit()
    return word
