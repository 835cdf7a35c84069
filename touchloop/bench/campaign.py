"""Bench `campaign`: messages a second from a segment to a mail server that counts them.

Everything on the way is real: the audience is drawn, each member claimed, judged by consent,
suppression and pressure under the lock that withdrawals wait for, its delivery stored as claimed,
rendered with the customer's own first name, signed or not, handed over by SMTP, and its outcome
and news written. `touchloop deliver` does it, as it does in `serve`. The sink, the database and the
load share the machine.

Baseline, in the same run: smtplib sends ready bytes of one such message to the same sink over one
connection that stays open, and nothing else.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from touchloop.bench import installation
from touchloop.bench.sink import Sink, listening

CUSTOMERS = 10_000  # of each measurement
DELIVERING = 2  # processes of `touchloop deliver`
PATIENCE = 300.0
READY = "smtplib sends ready bytes to the same sink over one connection"
SENDER = "Bench <hello@bench.example>"

_BODY = """
<mjml><mj-body>
  <mj-section><mj-column>
    <mj-text font-size="22px">Good day, {{ customer.first_name }}</mj-text>
    <mj-text>Fresh this week: bread, coffee, cheese from the farm next door, and flowers.</mj-text>
    <mj-button href="https://bench.example/week">See the week</mj-button>
  </mj-column></mj-section>
</mj-body></mjml>
"""


def run(*, customers: int = CUSTOMERS, seconds: float = 3.0) -> dict[str, dict[str, Any]]:
    """Results by key; `customers` are written to in each measurement, `seconds` is the baseline's
    time.
    """
    with installation.temporary() as home, listening() as sink:
        from touchloop.core import db

        with db.connect() as conn:
            segments = settle(conn, customers)
            plain, signed = _environments(home, sink.port)
            unsigned_per_s = _sent(conn, sink, segments[0], customers, plain)
            signed_per_s = _sent(conn, sink, segments[1], customers, signed)
        sink.forget()
        ready_per_s = _ready(sink, seconds)
    return {
        "messages_per_s": installation.result(
            unsigned_per_s, "messages/s", target=3_000, baseline=ready_per_s, baseline_name=READY
        ),
        "signed_messages_per_s": installation.result(
            signed_per_s, "messages/s", target=1_000, baseline=ready_per_s, baseline_name=READY
        ),
    }


def settle(conn: Any, customers: int) -> list[int]:
    """Two waves of customers who agreed to mail, a segment for each, and a message."""
    from touchloop.channels.api import email
    from touchloop.core import clock
    from touchloop.flow import worker
    from touchloop.insight.segments import api as segments
    from touchloop.interactions import api as log

    form = log.create("Bench form", kind="web", trusted=True)
    made = [
        segments.create(
            f"Wave {wave}",
            rule={"trait": {"name": "wave", "type": "number", "value": wave}},
            purpose="marketing", actor=None, now=clock.now(), conn=conn,
        ).id
        for wave in (1, 2)
    ]  # fmt: skip
    email.save(
        conn, slug="week", name="The week", kind="marketing", topic="offers",
        subject="{{ customer.first_name }}, this is new this week", body=_BODY,
    )  # fmt: skip
    log.put(conn, _said(form.id, customers))
    conn.commit()
    worker.drain()
    conn.autocommit = True
    conn.execute("VACUUM ANALYZE")  # as autovacuum would have done by now
    conn.autocommit = False
    return made


def _said(source_id: int, customers: int) -> Iterator[Any]:
    """Each customer gives a name and an address, and agrees to be written to."""
    from touchloop.core import clock
    from touchloop.interactions.api import Record

    encode = msgspec.json.Encoder().encode
    now, zone = clock.micros(clock.now()), _where_it_is_noon()
    for number in range(2 * customers):
        who = {"userId": f"c{number}"}
        traits = {
            "email": f"c{number}@mail.example",
            "first_name": f"Ana {number}",
            "timezone": zone,
            "wave": 1 + number // customers,
        }
        agreed = {
            "purposes": ["marketing", "personalise", "profile"],
            "categories": ["bought", "told_us"],
            "channels": ["email"],
        }
        for body in (
            {"type": "identify", "messageId": f"i{number}", "traits": traits, **who},
            {
                "type": "track", "event": "Consent Given", "messageId": f"g{number}",
                "properties": agreed, **who,
            },
        ):  # fmt: skip
            kind = str(body["type"])
            yield Record(source_id, now, kind, None, False, encode(body), [""], 1, "segment")


def _where_it_is_noon() -> str:
    """A zone without quiet hours for as long as the bench runs, whenever it runs."""
    from touchloop.core import clock

    ahead = (12 - clock.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _environments(home: Path, port: int) -> tuple[dict[str, str], dict[str, str]]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    path = home / "dkim.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    plain = {
        "TOUCHLOOP_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "TOUCHLOOP_MAIL_FROM": SENDER,
        "TOUCHLOOP_POSTAL_ADDRESS": "1 Bench Street",
    }
    signed = {
        "TOUCHLOOP_DKIM_DOMAIN": "bench.example",
        "TOUCHLOOP_DKIM_SELECTOR": "bench",
        "TOUCHLOOP_DKIM_KEY": str(path),
    }
    return plain, plain | signed


def _sent(
    conn: Any, sink: Sink, segment: int, customers: int, environment: dict[str, str]
) -> float:
    """Messages a second of one campaign, counted by the sink, from its start to the last one."""
    from touchloop.core import clock
    from touchloop.engage.campaigns import api as campaigns

    sink.forget()
    made = campaigns.create(
        conn,
        name="Bench",
        plan={
            "segment": segment,
            "variants": [{"name": "A", "template": "week"}],
            "holdout": 0.0,
        },
        now=clock.now(),
    )
    conn.commit()
    with _delivering(environment):
        start = time.perf_counter()
        campaigns.start(conn, made.id, now=clock.now())
        conn.commit()
        while sink.messages < customers:
            if time.perf_counter() - start > PATIENCE:
                found = campaigns.report(conn, made.id, now=clock.now())
                raise TimeoutError(f"{sink.messages} of {customers} messages came: {found}")
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        _settled(conn, made.id, customers)
    assert sink.recipients == sink.messages == customers
    assert sink.signed == (customers if "TOUCHLOOP_DKIM_KEY" in environment else 0)
    return customers / seconds


def _settled(conn: Any, campaign_id: int, customers: int) -> None:
    """Until the outcome of each is written as well: what the sink has is what the record says."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        row = conn.execute(
            "SELECT count(*) FROM deliveries WHERE campaign_id = %s AND state = 'handed'",
            (campaign_id,),
        ).fetchone()
        conn.rollback()
        if row[0] == customers:
            return
        time.sleep(0.05)
    raise TimeoutError("not every message that was sent is written down")


@contextmanager
def _delivering(environment: dict[str, str]) -> Iterator[None]:
    """`touchloop deliver` as processes of their own, ready to deliver, until the block ends."""
    with installation.parts("deliver", DELIVERING, environment):
        _wait_for(3 * DELIVERING)
        yield


def _wait_for(connections: int) -> None:
    from touchloop.core import db

    with db.connect(autocommit=True) as conn:
        for _ in range(600):
            row = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'touchloop deliver'"
            ).fetchone()
            if row is not None and row[0] >= connections:
                return
            time.sleep(0.1)
    raise TimeoutError("touchloop deliver did not start")


def _ready(sink: Sink, seconds: float) -> float:
    """Messages a second of smtplib with bytes that are there already."""
    body = b"\r\n".join([b"Subject: The week", b"To: c@mail.example", b"", b"x" * 6_000, b""])
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        start = time.perf_counter()
        end, sent = start + seconds, 0
        while time.perf_counter() < end:
            client.sendmail("hello@bench.example", [f"r{sent}@mail.example"], body)
            sent += 1
        elapsed = time.perf_counter() - start
    assert sink.messages == sent
    return sent / elapsed
