"""PostgreSQL's binary COPY: what stands around the rows, and where its time begins.

A row is a 16-bit count of fields, then each field as a 32-bit length and its bytes. Instants are
microseconds since 2000-01-01 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable

from touchloop.core.db import Connection

EPOCH_2000 = 946_684_800_000_000  # in microseconds since 1970
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


def copy_in(
    conn: Connection, table: str, columns: str, pieces: Iterable[bytes | memoryview]
) -> None:
    """Append packed rows, in the caller's transaction; psycopg's errors come through.

    `table` and `columns` become SQL as they are. The server stores one piece while the next is
    made.
    """
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
    with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(_HEADER)
        for piece in pieces:
            copy.write(piece)
        copy.write(_TRAILER)
