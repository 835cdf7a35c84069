"""A market with customers who agreed, did not, or refused; templates, a campaign, a trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from touchloop.channels import api as channels
from touchloop.channels.api import email
from touchloop.consent import api as consent
from touchloop.console.conftest import CustomerOf, Send, order, told
from touchloop.core import clock, db
from touchloop.core.db import Connection
from touchloop.engage.campaigns import api as campaigns
from touchloop.engage.triggers import api as triggers
from touchloop.flow import api as flow
from touchloop.insight.segments import api as segments
from touchloop.interactions.api import Source

SignIn = Callable[[str], Client]
HOSTILE = "Ana <script>alert(1)</script> Öztürk-Wörterbuchverlag"
BODY = """<mjml><mj-body background-color="#f6f4ef"><mj-section background-color="#fff"><mj-column>
<mj-text font-size="22px">Hello {{ customer.first_name | default: "there" }},</mj-text>
<mj-text>{{ offer.name | default: "the deli" }} has something new for you this week.</mj-text>
<mj-button href="https://shop.example/deli">Have a look</mj-button>
</mj-column></mj-section></mj-body></mjml>"""
NAMES = (
    HOSTILE, "Ben Okafor", "Carla Rossi", "مرحبا بن", "Dmitri Petrov", "Elif Yılmaz", "Farid Hadad",
    "Grace Liu", "Hugo Martin", "Ines Silva", "Jonas Weber", "Keiko Sato", "Liam Murphy",
    "Maria Nowak", "Nadia Karim", "Oscar Lund", "Priya Nair", "Quinn Baker", "Rosa Moreno",
    "Sven Berg", "Tara Singh", "Uma Rao", "Viktor Novák", "Wen Zhao",
)  # fmt: skip


@dataclass(frozen=True)
class Market:
    """What there is, by number."""

    segment: int
    campaign: int
    trigger: int
    ana: int


@pytest.fixture
def mail_server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The demo's own: it keeps what it takes."""
    with email.Receiver(email.keep_in_inbox) as receiver:
        monkeypatch.setenv("TOUCHLOOP_SMTP_URL", f"smtp://127.0.0.1:{receiver.port}")
        monkeypatch.setenv("TOUCHLOOP_MAIL_FROM", "The Market <hello@shop.example>")
        monkeypatch.setenv("TOUCHLOOP_URL", "https://crm.shop.example")
        yield
        email.hang_up()


@pytest.fixture
def empty(shop: Source) -> Source:
    """Nothing but a source."""
    return shop


@pytest.fixture
def market(shop: Source, send: Send, customer_of: CustomerOf, mail_server: None) -> Market:
    send(
        *(
            told(f"c{i}", name=name, first_name=name.split()[0], email=f"c{i}@example.com",
                 timezone="UTC")
            for i, name in enumerate(NAMES)
        )
    )  # fmt: skip
    ids = [customer_of(f"c{i}") for i in range(len(NAMES))]
    with db.connect() as conn:
        _choices(conn, ids, shop.id)
        segment = _segment(conn, "Regular <b>shoppers</b>", ids)
        _templates(conn)
        policy = replace(channels.stored_policy(conn), quiet_from=0, quiet_until=0)
        channels.change_policy(conn, policy, by=None, at=clock.now())
        trigger = _trigger(conn)
        campaign = _campaign(conn, segment)
        conn.commit()
        _send_all(conn)
        _after(conn, campaign)
    send(*(order(f"c{i}", 20, days=-0.0001) for i in (0, 2, 5, 7)))
    flow.drain()
    with db.connect() as conn:
        triggers.due(conn, clock.now(), 100)
        conn.commit()
        flow.export_all(conn)
    return Market(segment, campaign, trigger, ids[0])


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return str(answer.content.decode())


def plan(segment: int, /, **more: Any) -> dict[str, Any]:
    """A campaign as the form sends it."""
    return {
        "name": "Spring <i>deli</i>", "segment": str(segment), "audience": "fixed",
        "variant": ["A", "B"], "template": ["win-back", "win-back-b"], "weight": ["1", "1"],
        "channel_1": "email", "channel_2": "", "kind": "marketing", "topic": "offers",
        "holdout": "20", "days": "3", "goal_event": "Order Completed", "goal_days": "14",
        "window_since": "", "window_until": "", "zone": "UTC", "per_minute": "",
        "weekday": list("0123456"),
    } | more  # fmt: skip


def _choices(conn: Connection, ids: list[int], source: int) -> None:
    now = clock.now() - timedelta(minutes=1)
    agreed, refused = ids[:17], ids[17:20]
    consent.record_use(
        conn, [consent.UseGrant(id, "marketing", "granted", source, now) for id in agreed]
    )
    consent.record_contact(
        conn,
        [
            *(consent.ContactGrant(id, "email", "", "granted", source, now) for id in agreed),
            *(consent.ContactGrant(id, "email", "", "denied", source, now) for id in refused),
        ],
    )
    channels.note_contacts(
        conn,
        [channels.Reached(ids[k], "marketing", "email", now, f"earlier:{k}") for k in (3, 4)],
    )


def _segment(conn: Connection, name: str, ids: list[int]) -> int:
    rule = {"all": [{"trait": {"name": "first_name", "type": "text", "op": "exists"}}]}
    made = segments.create(
        name, rule=rule, purpose="marketing", actor=None, now=clock.now(), conn=conn
    )
    conn.execute(
        "INSERT INTO segment_members SELECT unnest(%s::bigint[]), %s, %s ON CONFLICT DO NOTHING",
        (ids, made.id, clock.now()),
    )
    segments.recount(conn, clock.now())
    return made.id


def _templates(conn: Connection) -> None:
    for slug, subject in (
        ("win-back", "{{ customer.first_name }}, the deli misses you"),
        ("win-back-b", "Something new at the deli"),
    ):
        email.save(
            conn, slug=slug, name=f"Win back <{slug}>", kind="marketing", topic="offers",
            subject=subject, body=BODY,
        )  # fmt: skip


def _trigger(conn: Connection) -> int:
    definition = {
        "when": [{"event": "Order Completed"}],
        "steps": [
            {"do": "wait", "n": 0, "unit": "minutes"},
            {"do": "send", "template": "win-back-b", "channels": ["email", "store"]},
        ],
        "until": [{"event": "Order Cancelled"}],
        "goal": {"event": "Order Completed", "days": 14},
    }
    made = triggers.create(
        conn, name="Thank <u>you</u>", definition=definition, now=clock.now(), state="live"
    )
    return made.id


def _campaign(conn: Connection, segment: int) -> int:
    made = campaigns.create(
        conn,
        name="Win back <b>spring</b>",
        now=clock.now(),
        seed="seed",
        plan={
            "segment": segment, "holdout": 0.2, "goal": {"event": "Order Completed", "days": 14},
            "variants": [
                {"name": "A", "template": "win-back", "data": {"used": ["You bought at the deli"]}},
                {"name": "B", "template": "win-back-b"},
            ],
        },
    )  # fmt: skip
    campaigns.start(conn, made.id, now=clock.now())
    return made.id


def _send_all(conn: Connection) -> None:
    campaigns.send(conn, clock.now())
    channels.hand_off(conn, clock.now(), 1_000)
    conn.commit()


def _after(conn: Connection, campaign: int) -> None:
    """One bounces, one is confirmed."""
    handed = channels.deliveries(conn, channels.Which(campaign_id=campaign, states=["handed"]))
    for one, word in zip(handed, ("bounced", "confirmed", "confirmed"), strict=False):
        channels.outcome(
            conn, one.id, word, reason="550 5.1.1 unknown" if word == "bounced" else "",
            at=clock.now(),
        )  # fmt: skip
    conn.commit()
