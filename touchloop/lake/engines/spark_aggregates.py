"""Aggregates and windows in Spark's words."""

from __future__ import annotations

from sqlglot import exp

from touchloop.core.errors import Invalid
from touchloop.lake.engines.saying import Rule, call, cast, said, verbatim

BOOLEAN = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean)


def _least(node: exp.Min | exp.Max) -> exp.Expr:
    if node.args.get("count") is None:
        return node
    return _some(node, call("COLLECT_LIST", node.this))


def _filtered(node: exp.Filter) -> exp.Expr:
    """The filter belongs to the aggregate inside of what is made of it."""
    inner = node.this
    if isinstance(inner, exp.Min | exp.Max) and inner.args.get("count") is not None:
        listed = exp.Filter(this=call("COLLECT_LIST", inner.this), expression=node.expression)
        return _some(inner, said(listed))
    if isinstance(inner, exp.ArrayAgg):
        return _listed(inner, node.expression)
    return node


def _some(node: exp.Min | exp.Max, listed: exp.Expr) -> exp.Expr:
    """The least or greatest so many of a list; NULL for none."""
    upwards = said(exp.Boolean(this=isinstance(node, exp.Min)))
    part = call("SLICE", call("SORT_ARRAY", listed, upwards), 1, int(node.args["count"].name))
    return call("NULLIF", part, call("ARRAY"))


def _windowed(node: exp.Window) -> exp.Expr:
    """Spark knows no FILTER of a window's aggregate."""
    inner = node.this
    if not isinstance(inner, exp.Filter):
        return node
    call, condition = inner.this, inner.expression.this
    value = exp.Literal.number(1) if isinstance(call.this, exp.Star) else call.this.copy()
    kept = call.copy()
    kept.set("this", exp.case().when(condition.copy(), value))
    found = node.copy()
    found.set("this", kept)
    return found


def _listed(node: exp.ArrayAgg, where: exp.Expr | None) -> exp.Expr:
    """A list, NULLs and all, of which none is made of no rows. In an order: collected with what
    orders it, NULLs last, sorted, and taken out again."""
    inner = node.this
    if isinstance(inner, exp.Distinct):
        raise Invalid("query", "the order of LIST(DISTINCT …) differs: list rows that are distinct")
    down = False
    parts: list[exp.Expr | str] = ["v", inner.this if isinstance(inner, exp.Order) else inner]
    if isinstance(inner, exp.Order):
        if len(inner.expressions) != 1:
            raise Invalid("query", "LIST takes one ORDER BY")
        by = inner.expressions[0]
        down = bool(by.args.get("desc"))
        known = exp.Is(this=by.this.copy(), expression=exp.Null())
        last = exp.Not(this=exp.Paren(this=known)) if down else known
        parts = ["n", last, "k", by.this.copy(), *parts]
    collected = call("COLLECT_LIST", call("NAMED_STRUCT", *parts))
    if where is not None:
        collected = said(exp.Filter(this=collected, expression=where))
    if isinstance(inner, exp.Order):
        collected = call("SORT_ARRAY", collected, said(exp.Boolean(this=not down)))
    return call("NULLIF", call("TRANSFORM", collected, verbatim("_p -> _p.v")), call("ARRAY"))


def _percentile(node: exp.PercentileCont) -> exp.Expr:
    return call("PERCENTILE", node.this, node.expression)


def _discrete(node: exp.PercentileDisc) -> exp.Expr:
    if node.expression is None:
        return node
    order = exp.Order(expressions=[exp.Ordered(this=node.this, nulls_first=False)])
    return said(exp.WithinGroup(this=call("PERCENTILE_DISC", node.expression), expression=order))


def _within(node: exp.WithinGroup) -> exp.Expr:
    """Exact, where SQLGlot would write an approximation."""
    inner = node.this
    if not isinstance(inner, exp.PercentileCont):
        return node
    first = node.expression.expressions[0]
    share = inner.this
    if first.args.get("desc"):
        share = exp.Sub(this=exp.Literal.number(1), expression=share)
    return call("PERCENTILE", first.this, share)


def _summed(node: exp.Sum | exp.Avg) -> exp.Expr:
    """Truth values are added up as 0 and 1."""
    inner = node.this.this if isinstance(node.this, exp.Paren) else node.this
    if isinstance(inner, BOOLEAN):
        return type(node)(this=cast(node.this, "BIGINT"))
    return node


def _any(node: exp.IgnoreNulls) -> exp.Expr:
    inner = node.this
    if not isinstance(inner, exp.AnyValue):
        return node
    return call("ANY_VALUE", inner.this, said(exp.Boolean(this=True)))


def _of_extreme(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """Rows without a value are passed over."""
    if node.args.get("count") is not None:
        raise Invalid("query", "ARG_MAX and ARG_MIN give one value on every engine")
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    by = exp.case().when(known, node.expression)
    return call("MAX_BY" if isinstance(node, exp.ArgMax) else "MIN_BY", node.this, by)


NAMED: dict[str, Rule] = {
    "FSUM": lambda node: exp.Sum(this=node.expressions[0]),
    "FAVG": lambda node: exp.Avg(this=node.expressions[0]),
}

RULES: dict[type[exp.Expr], Rule] = {
    exp.Min: _least,
    exp.Max: _least,
    exp.Filter: _filtered,
    exp.Window: _windowed,
    exp.ArrayAgg: lambda node: _listed(node, None),
    exp.IgnoreNulls: _any,
    exp.ArgMax: _of_extreme,
    exp.ArgMin: _of_extreme,
    exp.PercentileCont: _percentile,
    exp.PercentileDisc: _discrete,
    exp.WithinGroup: _within,
    exp.Sum: _summed,
    exp.Avg: _summed,
}
