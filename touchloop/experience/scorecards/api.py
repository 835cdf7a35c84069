"""What other rooms may use of the scorecards."""

from touchloop.experience.scorecards.card import KINDS, SOURCES, By, Card, Month, Row, scorecard
from touchloop.experience.scorecards.funnel import Limits, net_limits, share_limits
from touchloop.experience.scorecards.promoters import Net, difference, net
from touchloop.experience.scorecards.shrinking import (
    Prior,
    Shrunken,
    answers_for,
    in_worst,
    normal,
    reliability,
    shares,
)
from touchloop.experience.scorecards.suppressing import K, hidden

__all__ = [
    "KINDS", "SOURCES", "By", "Card", "K", "Limits", "Month", "Net", "Prior", "Row", "Shrunken",
    "answers_for", "difference", "hidden", "in_worst", "net", "net_limits", "normal",
    "reliability", "scorecard", "share_limits", "shares",
]  # fmt: skip
