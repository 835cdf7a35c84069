"""Thresholds as exact fractions, so that what lies exactly on one is never lost to rounding."""

from __future__ import annotations

import re
from fractions import Fraction

from django.utils.translation import gettext as _

from touchloop.core.errors import Invalid

_WRITTEN = re.compile(
    r"(\d{1,12}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?%?|\d{1,12}/\d{1,12}", re.ASCII
)
_DIGITS = 15  # of a decimal that a program wrote: the digits of a double
_SIMPLE = 10_000_000  # the largest denominator of a share of baskets, in it


def exact(text: str, *, field: str) -> Fraction:
    """What "0.8", "80%" or "4/5" mean: 4/5 each. Invalid, by `field`, for anything else.

    "0.6666666666666666" is 2/3: a decimal with all digits of a double is the simple share that a
    program divided and wrote down.
    """
    found = text.strip()
    if not _WRITTEN.fullmatch(found) or found.endswith("/0"):
        raise Invalid(field, _("write it like 0.01, 1%% or 1/100, not “%s”") % text[:40])
    try:
        return _meant(found.rstrip("%")) / (100 if found.endswith("%") else 1)
    except ZeroDivisionError:
        raise Invalid(field, _("write it like 0.01, 1%% or 1/100, not “%s”") % text[:40]) from None


def _meant(number: str) -> Fraction:
    found = Fraction(number)
    if "/" in number or sum(map(str.isdigit, number)) < _DIGITS:
        return found
    simple = found.limit_denominator(_SIMPLE)
    return simple if float(simple) == float(found) else found


def share(text: str, *, field: str) -> Fraction:
    """A share above 0 and at most 1, exactly as it is written."""
    found = exact(text, field=field)
    if not 0 < found <= 1:
        raise Invalid(field, _("a share above 0 and at most 1 is expected, not “%s”") % text[:40])
    return found


def least_count(text: str, baskets: int, *, field: str = "support") -> int:
    """The smallest number of baskets that reaches a support: ceil(s·N), at least one.

    A whole number above 1 counts baskets itself ("89").
    """
    found = exact(text, field=field)
    if found > 1 and found.denominator == 1 and "%" not in text:
        return int(found)
    if not 0 < found <= 1:
        raise Invalid(field, _("a share above 0 and at most 1 is expected, not “%s”") % text[:40])
    return max(1, -(-found.numerator * baskets // found.denominator))
