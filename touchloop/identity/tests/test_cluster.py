"""The partition as a function: examples that a person can check, and laws."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchloop.identity import graph
from touchloop.identity.cluster import Clustering, cluster
from touchloop.identity.graph import Link, Node

NAMES = {
    "u": "user_id", "x": "external:crm", "c": "card", "e": "email", "p": "phone",
    "a": "anonymous_id", "d": "device",
}  # fmt: skip
KINDS = {"-": "observed", "=": "declared", ">": "alias", "+": "staff", "/": "cut"}


def partition(text: str, *, blocked: str = "") -> tuple[str, str, str]:
    """Read links like "u1-a1 u1=e1 u1+u2 u1/u2", give customers, shared ones, suggestions."""
    names: dict[str, int] = {}
    links = []
    for at, word in enumerate(text.split()):
        mark = next((mark for mark in KINDS if mark in word), None)
        ends = word.split(mark) if mark else [word]
        ids = [names.setdefault(end, len(names) + 1) for end in ends]
        if mark:
            links.append(Link(ids[0], ids[1], KINDS[mark], at))
    nodes = {
        id: Node(id, NAMES[name[0]], name[1:], name in blocked.split())
        for name, id in names.items()
    }
    return _read(cluster(nodes, links), {id: name for name, id in names.items()})


def _read(found: Clustering, names: dict[int, str]) -> tuple[str, str, str]:
    groups: dict[int, list[str]] = {}
    for id, leader in found.customer.items():
        groups.setdefault(leader, []).append(names[id])
    customers = " ".join(sorted("".join(sorted(group)) for group in groups.values()))
    shared = " ".join(sorted(names[id] for id, state in found.state.items() if state == "shared"))
    hints = " ".join(
        sorted(
            "~".join(sorted((names[s.a], names[s.b]))) + ":" + s.reason for s in found.suggestions
        )
    )
    return customers, shared, hints


@pytest.mark.parametrize(
    ("links", "customers", "shared", "suggestions"),
    [
        ("u1-a1 u1=e1", "a1e1u1", "", ""),
        ("a1=e1 u1=e1", "a1e1u1", "", ""),
        ("c1-e1 u1=e1", "c1e1u1", "", ""),
        # a device of two known people belongs to neither
        ("u1-a1 u2-a1", "a1 u1 u2", "a1", "u1~u2:shared_anonymous_id"),
        ("u1-a1 c1-a1", "a1 c1 u1", "a1", "c1~u1:shared_anonymous_id"),
        ("u1-a1 c1-a1 u1-c1", "a1c1u1", "", ""),
        # and conducts nothing
        ("u1-d1 u2-d1 d1-a1", "a1 d1 u1 u2", "d1", "u1~u2:shared_device"),
        ("u1-d1 d1-a1", "a1d1u1", "", ""),
        # a shared address does not merge two known people
        ("u1=e1 u2=e1", "e1 u1 u2", "e1", "u1~u2:shared_email"),
        ("u1=e1 e1=c1 c1=e2 u2=e2", "c1 e1u1 e2u2", "c1", "u1~u2:shared_card"),
        # an alias joins, unless that brings differing strong identifiers together
        ("a1>u1", "a1u1", "", ""),
        ("u1>u2", "u1u2", "", ""),
        ("u1>u2 u1-a1 u2-a1", "a1u1u2", "", ""),
        ("u1>u2 u1-x1 u2-x2", "u1x1 u2x2", "", "u1~u2:alias"),
        # a second external id of one kind never joins by itself
        ("u1=x1 u1=x2", "u1x1 x2", "", "u1~x2:differing"),
        ("u1=e1 e1-x1 e1-x2", "e1u1 x1 x2", "", "u1~x1:differing u1~x2:differing"),
        ("u1=c1 u1=c2", "c1c2u1", "", ""),
        # a limit: the earliest five addresses
        ("u1=e1 u1=e2 u1=e3 u1=e4 u1=e5 u1=e6", "e1e2e3e4e5u1 e6", "", "e6~u1:differing"),
        # a lead comes along with the browser, if it complements
        ("a1=e1 u1-a1", "a1e1u1", "", ""),
        ("a1=e1 u1-a1 u1=e2", "a1e2u1 e1", "", "e1~u1:device"),
        ("a1=e1 a2=e2 u1-a1 u1-a2", "a1a2u1 e1 e2", "", "e1~u1:device e2~u1:device"),
        ("a1=e1 a1=p1", "a1e1p1", "", ""),
        ("a1=e1 a1=e2", "a1 e1 e2", "a1", "e1~e2:shared_anonymous_id"),
        # the staff decides, the latest decision counts
        ("u1+u2", "u1u2", "", ""),
        ("u1+u2 u1/u2", "u1 u2", "", ""),
        ("u1/u2 u1+u2", "u1u2", "", ""),
        ("u1-a1 u1/a1", "a1 u1", "", ""),
        ("u1-a1 u2-a1 u1/a1", "a1u2 u1", "", ""),
        ("u1-a1 u2-a1 u1/u2", "a1 u1 u2", "a1", ""),
        ("u1-a1 u2-a1 u1+u2", "a1u1u2", "", ""),
        ("u1-a1 u2-a1 u1+a1", "a1u1 u2", "", "u1~u2:device"),
        ("u1/c1 u1=e1 e1-c1", "c1 e1u1", "", ""),
    ],
)  # fmt: skip
def test_who_is_one_customer(links: str, customers: str, shared: str, suggestions: str) -> None:
    assert partition(links) == (customers, shared, suggestions)


def test_a_blocked_identifier_joins_nobody() -> None:
    assert partition("u1-a1 u1=e1", blocked="e1") == ("a1u1 e1", "", "")


def test_a_public_thing_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "PUBLIC_AFTER", 2)
    assert partition("u1-a1 u2-a1 u3-a1") == ("a1 u1 u2 u3", "a1", "")


def test_more_known_people_than_evidence_needs_is_a_crowd() -> None:
    customers, shared, suggestions = partition(" ".join(f"u{n}-d1" for n in range(1, 8)))
    assert (shared, suggestions) == ("d1", "")
    assert customers == "d1 u1 u2 u3 u4 u5 u6 u7"


names = st.builds(lambda kind, n: f"{kind}{n}", st.sampled_from("uxcepad"), st.integers(1, 3))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(names, names, st.sampled_from([*KINDS.values()])), max_size=14),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_depends_on_the_set_of_links_only(
    wanted: list[tuple[str, str, str]], chance: random.Random
) -> None:
    links = [(a, b, kind, at) for at, (a, b, kind) in enumerate(wanted) if a != b]
    assert _clustered(links, chance) == _clustered(links, chance)


def _clustered(
    links: list[tuple[str, str, str, int]], chance: random.Random
) -> tuple[set[frozenset[str]], dict[str, str], set[object]]:
    """The partition by names, with ids and order drawn by chance."""
    every = sorted({end for a, b, _, _ in links for end in (a, b)})
    chance.shuffle(every)
    ids = {name: id for id, name in enumerate(every, 1)}
    links = links[:]
    chance.shuffle(links)
    nodes = {id: Node(id, NAMES[name[0]], name[1:]) for name, id in ids.items()}
    found = cluster(nodes, [Link(ids[a], ids[b], kind, at) for a, b, kind, at in links])
    names = {id: name for name, id in ids.items()}
    groups: dict[int, set[str]] = {}
    for id, leader in found.customer.items():
        groups.setdefault(leader, set()).add(names[id])
    return (
        {frozenset(group) for group in groups.values()},
        {names[id]: state for id, state in found.state.items()},
        {
            (frozenset((frozenset(groups[s.a]), frozenset(groups[s.b]))), s.reason, s.evidence)
            for s in found.suggestions
        },
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(names, names, st.sampled_from(["observed", "alias"])), max_size=14))
def test_evidence_alone_never_puts_two_user_ids_together_except_by_alias(
    wanted: list[tuple[str, str, str]],
) -> None:
    links = [(a, b, kind, at) for at, (a, b, kind) in enumerate(wanted) if a != b]
    aliased = any(a[0] == b[0] == "u" and kind == "alias" for a, b, kind, _ in links)
    groups, states, _ = _clustered(links, random.Random(1))
    for group in groups:
        users = [name for name in group if name[0] == "u"]
        assert len(users) <= 1 or aliased
        assert sum(name[0] == "x" for name in group) <= 1
    for name, state in states.items():
        if state == "shared":
            assert {name} in groups
