"""Instants, dates and lengths of time in Spark's words.

The session's time zone is UTC, and TIMESTAMP is a timestamp without a zone (TIMESTAMP_NTZ); what
Spark answers with a zone is cast back.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from touchloop.core.errors import Invalid
from touchloop.lake.engines.saying import Rule, bracketed, call, cast, said, verbatim

_MICROS = {"microsecond": 1, "millisecond": 1000, "second": 10**6, "minute": 60 * 10**6,
           "hour": 3600 * 10**6}  # fmt: skip


def _truncated(node: exp.TimestampTrunc) -> exp.Expr:
    return cast(call("DATE_TRUNC", _unit(node), node.this), "TIMESTAMP_NTZ")


def _between(node: exp.DateDiff) -> exp.Expr:
    """How many borders of the unit lie between; Spark counts whole units."""
    unit = (node.args.get("unit") or exp.Var(this="DAY")).name.lower().removesuffix("s")
    later, sooner = node.this, node.expression
    if unit in ("day", "week"):
        days = cast(call("DATEDIFF", cast(later, "DATE"), cast(sooner, "DATE")), "BIGINT")
        weeks = said(exp.IntDiv(this=days, expression=exp.Literal.number(7)))
        return exp.Paren(this=weeks) if unit == "week" else days
    if unit in ("month", "year"):
        a, b = (_borders(x, unit) for x in (later, sooner))
        return exp.Paren(this=exp.Sub(this=a, expression=b))
    if unit in _MICROS:
        a, b = (_floor_div(_micros(x), _MICROS[unit]) for x in (later, sooner))
        return exp.Paren(this=exp.Sub(this=a, expression=b))
    raise Invalid("query", f"DATE_DIFF of a {unit}")


def _borders(node: exp.Expr, unit: str) -> exp.Expr:
    years = cast(call("YEAR", node.copy()), "BIGINT")
    if unit == "year":
        return years
    months = exp.Mul(this=years, expression=exp.Literal.number(12))
    return exp.Paren(this=exp.Add(this=months, expression=call("MONTH", node.copy())))


def _micros(node: exp.Expr) -> exp.Expr:
    return call("UNIX_MICROS", cast(node, "TIMESTAMP_LTZ"))


def _floor_div(node: exp.Expr, by: int) -> exp.Expr:
    rest = call("PMOD", node.copy(), by)
    whole = exp.Paren(this=exp.Sub(this=node, expression=rest))
    return said(exp.IntDiv(this=whole, expression=exp.Literal.number(by)))


def _epoch(node: exp.TimeToUnix) -> exp.Expr:
    """Seconds with their fraction, of an instant or of the time between two."""
    inner = node.this
    if isinstance(inner, exp.Sub):
        left, right = _micros(inner.this), _micros(inner.expression)
        micros: exp.Expr = exp.Paren(this=exp.Sub(this=left, expression=right))
    else:
        micros = _micros(inner)
    return exp.Paren(this=said(exp.Div(this=micros, expression=verbatim("1e6D"))))


def _from_number(node: exp.UnixToTime) -> exp.Expr:
    """MAKE_TIMESTAMP (microseconds) and, of a number or an instant, EPOCH_MS."""
    scale = node.args.get("scale")
    if scale is not None and scale.name == "6":
        return cast(call("TIMESTAMP_MICROS", node.this), "TIMESTAMP_NTZ")
    if scale is not None and scale.name == "3":
        return said(exp.IntDiv(this=_micros(node.this), expression=exp.Literal.number(1000)))
    return node


def _part(node: exp.Extract) -> exp.Expr:
    return _of_date(node.name.lower(), node.expression, node)


def _of_date(unit: str, value: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    if unit in ("dow", "dayofweek", "weekday"):
        return _days(value, "DAYOFWEEK", -1)
    if unit == "isodow":
        return _days(value, "WEEKDAY", 1)
    if unit == "epoch":
        return _epoch(exp.TimeToUnix(this=value))
    return otherwise


def _days(value: exp.Expr, name: str, plus: int) -> exp.Expr:
    number = exp.Literal.number(abs(plus))
    kind = exp.Add if plus > 0 else exp.Sub
    return exp.Paren(this=kind(this=call(name, value), expression=number))


def _unit(node: exp.TimestampTrunc | exp.Interval) -> str:
    unit = node.args.get("unit")
    if unit is None:
        raise Invalid("query", "a unit of time is needed")
    return str(unit.name)


def _length_of_time(unit: str) -> Rule:
    def rule(node: Any) -> exp.Expr:
        number = node.this if isinstance(node, exp.ToDays) else node.expressions[0]
        one = verbatim(f"INTERVAL {unit}")
        return exp.Paren(this=exp.Mul(this=one, expression=bracketed(number)))

    return rule


def _interval(node: exp.Interval) -> exp.Expr:
    """A computed number of a unit."""
    if isinstance(node.this, exp.Literal):
        return node
    one = verbatim(f"INTERVAL '1' {_unit(node)}")
    return exp.Paren(this=exp.Mul(this=one, expression=bracketed(node.this)))


def _difference(node: exp.Sub) -> exp.Expr:
    """Days between two dates, where both are seen to be dates."""
    if all(
        isinstance(x, exp.Cast) and x.to.this == exp.DType.DATE for x in (node.left, node.right)
    ):
        return cast(call("DATEDIFF", node.left, node.right), "BIGINT")
    return node


def _date_part(node: exp.Anonymous) -> exp.Expr:
    unit, value = node.expressions
    return _of_date(unit.name.lower(), value, node)


NAMED: dict[str, Rule] = {
    "EPOCH_US": lambda node: _micros(node.expressions[0]),
    "TO_MICROSECONDS": _length_of_time("'0.000001' SECOND"),
    "TO_MILLISECONDS": _length_of_time("'0.001' SECOND"),
    "TO_SECONDS": _length_of_time("'1' SECOND"),
    "TO_MINUTES": _length_of_time("'1' MINUTE"),
    "TO_HOURS": _length_of_time("'1' HOUR"),
    "TO_WEEKS": _length_of_time("'7' DAY"),
    "DATE_PART": _date_part,
    "DATEPART": _date_part,
}

RULES: dict[type[exp.Expr], Rule] = {
    exp.TimestampTrunc: _truncated,
    exp.DateDiff: _between,
    exp.TimeToUnix: _epoch,
    exp.UnixToTime: _from_number,
    exp.Extract: _part,
    exp.DayOfWeek: lambda node: _days(node.this, "DAYOFWEEK", -1),
    exp.DayOfWeekIso: lambda node: _days(node.this, "WEEKDAY", 1),
    exp.Week: lambda node: call("WEEKOFYEAR", node.this),
    exp.ToDays: _length_of_time("'1' DAY"),
    exp.Interval: _interval,
    exp.Sub: _difference,
}
