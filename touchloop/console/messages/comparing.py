"""The arms of a campaign side by side: each figure with its interval, and the people behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from touchloop.console.messages import words
from touchloop.console.ui import words as written
from touchloop.core.proportions import Share
from touchloop.core.proportions import share as share_of
from touchloop.engage.campaigns.api import Arm, Campaign, Report

SHARES = ("confirmed", "bounced", "opened", "clicked", "converted")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one arm; `bar` is where its interval lies on the line's own scale, 0 to 100."""

    text: str
    note: str = ""
    url: str = ""
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure for all arms."""

    label: str
    help: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Compared:
    """A table: arms across, figures down."""

    arms: Sequence[tuple[str, str]]  # name, template
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why members were held back, and how many."""

    text: str
    word: str
    n: int
    share: float
    url: str


def together(report: Report, name: str) -> Share:
    """A share over all variants."""
    shares: list[Share] = [getattr(arm, name) for arm in report.arms]
    return share_of(sum(each.x for each in shares), sum(each.n for each in shares))


def compared(campaign: Campaign, report: Report) -> Compared:
    """The variants in their order, then the holdout."""
    templates = {variant.name: variant.template for variant in campaign.parsed.variants}
    arms = [*report.arms, *([report.holdout] if report.holdout else [])]
    lines = [
        Line(
            _("Members"),
            _("drawn into it by chance"),
            [_count(campaign, arm, "all", arm.n) for arm in arms],
        ),
        Line(
            _("Handed over"),
            _("to the channel"),
            [_count(campaign, arm, "handed", arm.handed) for arm in arms],
        ),
    ]
    for name, label, help_ in _labels(report):
        if name == "converted" and not report.goal:
            continue
        lines.append(Line(label, help_, _shares(campaign, arms, name)))
    if report.goal:
        lines.append(Line(_("People gained"), _("against the holdout"), [_gain(a) for a in arms]))
    return Compared(
        [(arm.name or _("Holdout"), templates.get(arm.name, "")) for arm in arms], lines
    )


def held(campaign: Campaign, report: Report) -> list[Reason]:
    """Reasons in words, the most frequent first."""
    most = max(report.held.values(), default=0)
    return [
        Reason(
            words.reason(word),
            word,
            n,
            100 * n / most,
            _people(campaign, what="held", reason=word),
        )
        for word, n in sorted(report.held.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def outcomes(campaign: Campaign, report: Report) -> list[tuple[str, str, int, str]]:
    """Outcome word, tone, count and the deliveries behind it, in the order of a message's life."""
    outbox = reverse("outbox")
    return [
        (str(label), words.OUTCOME_TONES.get(word, ""), report.outcomes[word],
         f"{outbox}?campaign={campaign.id}&state={word}")
        for word, label in words.OUTCOMES.items()
        if report.outcomes.get(word)
    ]  # fmt: skip


def _labels(report: Report) -> list[tuple[str, str, str]]:
    goal = _("“%(event)s” within %(days)d days, of all members") % {
        "event": report.goal[:80],
        "days": report.days,
    }
    return [
        ("confirmed", _("Confirmed"), _("of those handed over")),
        ("bounced", _("Bounced"), _("of those handed over")),
        ("opened", _("Opened"), _("of those handed over, where it may be measured")),
        ("clicked", _("Clicked"), _("of those handed over, where it may be measured")),
        ("converted", _("Came to the goal"), goal),
    ]


def _shares(campaign: Campaign, arms: Sequence[Arm], name: str) -> list[Figure]:
    """Bars of one line share a scale: up to the highest limit of an arm that counts anybody."""
    shares: list[Share] = [getattr(arm, name) for arm in arms]
    top = max((each.high for each in shares if each.n), default=1.0) or 1.0
    return [
        Figure(
            words.percent(each.value) if each.n else written.DASH,
            words.span(each.low, each.high) if each.n else "",
            _people(campaign, variant=arm.name, what=name) if each.x else "",
            tuple(100 * at / top for at in (each.low, each.value, each.high)) if each.n else None,  # type: ignore[arg-type]
        )
        for arm, each in zip(arms, shares, strict=True)
    ]


def _count(campaign: Campaign, arm: Arm, what: str, n: int) -> Figure:
    if what != "all" and not arm.name:
        return Figure(written.DASH)
    return Figure(
        written.figure(n), url=_people(campaign, variant=arm.name, what=what) if n else ""
    )


def _gain(arm: Arm) -> Figure:
    if arm.gained is None:
        return Figure(written.DASH)
    low, high = words.people(arm.gained.low), words.people(arm.gained.high)
    return Figure(words.people(arm.gained.people), _("%s to %s") % (low, high))


def _people(campaign: Campaign, **asked: str) -> str:
    if asked.get("variant") == "":
        asked["variant"] = "-"  # an empty value of an address says nothing
    return f"{reverse('campaign_people', args=[campaign.id])}?{urlencode(asked)}"
