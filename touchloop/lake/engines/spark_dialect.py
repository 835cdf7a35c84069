"""Where Spark says it differently: the differences between DuckDB's SQL and Spark's.

SQLGlot writes the grammar of the other dialect. What it leaves as it is, or writes with another
meaning, is written anew here, a rule for each kind of node, before SQLGlot prints the statement.
The rules are for Spark in ANSI mode, with UTC as the session's time zone and TIMESTAMP standing for
a timestamp without a zone. `tests/engines` asks both engines the same and compares. What is
particular to aggregates and to instants stands in files of their own.
"""

from __future__ import annotations

import re

from sqlglot import exp

from touchloop.core.errors import Invalid
from touchloop.lake.engines import spark_aggregates, spark_instants, spark_steps
from touchloop.lake.engines.saying import (
    Dialect,
    Rule,
    bracketed,
    call,
    cast,
    said,
    try_cast,
    verbatim,
)  # fmt: skip

# What DuckDB reads as a number, and as an instant. Spark alone would also read 5d, 2026 or T10:00.
_NUMERAL = (
    r"^[ \t\n\x0B\f\r]*([+-]?([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)"
    r"([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity|nan))[ \t\n\x0B\f\r]*\z"
)
_DAY = r"([0-9]{1,6})([-/])([0-9]{1,2})\2([0-9]{1,2})"
_CLOCK = r"([0-9]{1,2}):([0-9]{1,2})(:[0-9]{1,2})?(\.[0-9]{1,9})?"
_ZONE = r"( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?"
_INSTANT = rf"^[ \t\n]*{_DAY}([ T]{_CLOCK}{_ZONE})?[ \t\n]*\z"

_DIGITS = exp.Literal.string(r"^\s*[+-]?[0-9]+\s*\z")

_WHOLE = {
    exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT,
    exp.DType.INT128, exp.DType.UBIGINT, exp.DType.UINT, exp.DType.USMALLINT, exp.DType.UTINYINT,
}  # fmt: skip
_RENAMED_TYPES = {
    exp.DType.INT128: "DECIMAL(38, 0)",
    exp.DType.UBIGINT: "DECIMAL(20, 0)",
    exp.DType.UINT: "BIGINT",
    exp.DType.USMALLINT: "INT",
    exp.DType.UTINYINT: "SMALLINT",
}


def _number(node: exp.Literal) -> exp.Expr:
    """A literal with a point is a DECIMAL to Spark, and its division is rounded to six digits."""
    if node.is_string or not re.search(r"[.eE]", node.name):
        return node
    return verbatim(f"{node.name}D")


def _divided(node: exp.Div) -> exp.Expr:
    """A number over zero is infinite or no number; Spark would fail."""
    left, right = node.this, node.expression
    if isinstance(right, exp.Nullif) or (isinstance(right, exp.Literal) and float(right.name)):
        return node
    found = exp.Div(this=bracketed(left.copy()), expression=bracketed(right.copy()))
    infinite = exp.Mul(this=bracketed(left.copy()), expression=exp.Var(this="DOUBLE('Infinity')"))
    zero = exp.EQ(this=bracketed(right.copy()), expression=exp.Literal.number(0))
    return exp.Paren(this=exp.case().when(zero, infinite).else_(said(found)))


def _rounded(node: exp.Round) -> exp.Expr:
    """DuckDB rounds the multiplied double; Spark rounds the shortest text of the double."""
    digits = node.args.get("decimals")
    if digits is None:
        return node
    if not isinstance(digits, exp.Literal) or int(digits.name) < 0:
        raise Invalid("query", "ROUND needs its digits as a number")
    by = verbatim(f"1e{int(digits.name)}D")
    multiplied = exp.Mul(this=bracketed(node.this.copy()), expression=by)
    return exp.Paren(
        this=said(exp.Div(this=said(exp.Round(this=multiplied)), expression=by.copy()))
    )


def _casted(node: exp.Cast) -> exp.Expr:
    kind = node.to.this
    if kind in _WHOLE:
        return _whole(node)
    if isinstance(node, exp.TryCast) and kind in (exp.DType.DOUBLE, exp.DType.FLOAT):
        return _guarded(node.this, _NUMERAL, try_cast(_without_lines(node.this), "DOUBLE"))
    if isinstance(node, exp.TryCast) and kind == exp.DType.TIMESTAMPTZ:
        return _guarded(node.this, _INSTANT, try_cast(_day_first(node.this), "TIMESTAMP_LTZ"))
    if isinstance(node, exp.TryCast) and kind in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
        return _guarded(node.this, _INSTANT, try_cast(_day_first(node.this), "TIMESTAMP_NTZ"))
    if isinstance(node, exp.TryCast) and kind == exp.DType.DATE:
        return _guarded(node.this, _INSTANT, try_cast(_day_first(node.this), "DATE"))
    if kind == exp.DType.TIMESTAMPTZ:
        return cast(node.this, "TIMESTAMP_LTZ")
    return node


def _whole(node: exp.Cast) -> exp.Expr:
    """DuckDB rounds what it casts to a whole number; Spark cuts it off. Spark knows the types."""
    kind = _RENAMED_TYPES.get(node.to.this) or node.to.sql("spark")
    inner = node.this
    if isinstance(node, exp.TryCast):
        number = _guarded(inner, _NUMERAL, try_cast(_without_lines(inner), "DOUBLE"))
        rounded = try_cast(said(exp.Round(this=number)), kind)
        digits = exp.RegexpLike(this=cast(inner.copy(), "STRING"), expression=_DIGITS.copy())
        return exp.case().when(said(digits), try_cast(inner.copy(), kind)).else_(rounded)
    if _is_whole(inner):
        return cast(inner, kind)
    named = call("TYPEOF", inner.copy())
    fraction = exp.Or(
        this=exp.In(this=named, expressions=[exp.Literal.string(x) for x in ("double", "float")]),
        expression=said(exp.Like(this=named.copy(), expression=exp.Literal.string("decimal%"))),
    )
    rounded = cast(call("RINT", cast(inner.copy(), "DOUBLE")), kind)
    return exp.case().when(fraction, rounded).else_(cast(inner.copy(), kind))


def _is_whole(node: exp.Expr) -> bool:
    """Whether the expression shows that it is a whole number, a truth value or text."""
    if isinstance(node, exp.Paren):
        return _is_whole(node.this)
    if isinstance(node, exp.Literal):
        return node.is_string or node.name.isdigit()
    if isinstance(node, exp.Neg):
        return _is_whole(node.this)
    if isinstance(node, exp.Mod | exp.IntDiv):
        return _is_whole(node.this) and _is_whole(node.expression)
    whole = (exp.Count, exp.Null, exp.RowNumber, exp.JSONExtractScalar, *spark_aggregates.BOOLEAN)
    return isinstance(node, whole)


def _guarded(text: exp.Expr, pattern: str, value: exp.Expr) -> exp.Expr:
    matches = said(
        exp.RegexpLike(this=cast(text.copy(), "STRING"), expression=exp.Literal.string(pattern))
    )
    return exp.case().when(matches, value)


def _without_lines(text: exp.Expr) -> exp.Expr:
    """Underscores between digits go; so does white space other than blanks around the number."""
    return call("REGEXP_REPLACE", cast(text.copy(), "STRING"), r"_|^[\s\x0B]+|[\s\x0B]+\z", "")


def _day_first(text: exp.Expr) -> exp.Expr:
    """A date with slashes in one with hyphens; an offset without the blank before it."""
    hyphens = call(
        "REGEXP_REPLACE",
        cast(text.copy(), "STRING"),
        r"^\s*([0-9]+)/([0-9]+)/([0-9]+)",
        "$1-$2-$3",
    )
    zone = call("REGEXP_REPLACE", hyphens, r" (Z|UTC|[+-][0-9:]+)\s*\z", "$1")
    return call("REGEXP_REPLACE", zone, r"([+-][0-9]{2})([0-9]{2})\s*\z", "$1:$2")


def _text_under(node: exp.JSONExtractScalar) -> exp.Expr:
    """The text under a path. GET_JSON_OBJECT has no words for some keys: those go step by step."""
    keys = _keys(node.expression)
    if not all(_PLAIN_KEY.fullmatch(key) for key in keys):
        inner: exp.Expr = node.this
        for key in keys:
            inner = call("TRY_ELEMENT_AT", call("FROM_JSON", inner, "MAP<STRING, STRING>"), key)
        return inner
    found = call("GET_JSON_OBJECT", node.this, "$" + "".join(f"['{key}']" for key in keys))
    number = cast(found.copy(), "DOUBLE")
    digits = cast(cast(number, "DECIMAL(38, 18)"), "STRING")
    plain = call("REGEXP_REPLACE", digits, r"([0-9])0+\z", "$1")
    short = call("REPLACE", call("LOWER", found.copy()), ".0e", "e")
    small = said(exp.Between(this=call("ABS", number.copy()), low=_E_5.copy(), high=_E16.copy()))
    powers = said(exp.RegexpLike(this=found.copy(), expression=exp.Literal.string(_POWER)))
    written: exp.Expr = exp.case().when(small, plain).else_(short)
    whole: exp.Expr = exp.case().when(powers, written).else_(found)
    return exp.Paren(this=whole)


# A number as Java writes it from 10 million on and below a thousandth; others write it out.
_POWER = r"^-?[0-9]\.[0-9]+E-?[0-9]+\z"
_E_5, _E16 = verbatim("1e-5D"), verbatim("9.999999999999999e15D")
_PLAIN_KEY = re.compile(r"[^'?*\\\[\]]+")


def _keys(path: exp.Expr) -> list[str]:
    if isinstance(path, exp.Literal) and path.name.startswith("/"):
        return [key.replace("~1", "/").replace("~0", "~") for key in path.name[1:].split("/")]
    parts = path.expressions[1:] if isinstance(path, exp.JSONPath) else []
    if not parts or not all(isinstance(part, exp.JSONPathKey) for part in parts):
        raise Invalid("query", f"a path of plain keys is needed, not {path.sql('duckdb')}")
    return [str(part.this) for part in parts]


def _matches(node: exp.RegexpLike) -> exp.Expr:
    """`$` is the end of the text; to Java it may stand before a last line break as well."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and re.search(r"(?<!\\)\$$", pattern.name):
        whole = exp.Literal.string(pattern.name[:-1] + r"\z")
        return said(exp.RegexpLike(this=node.this, expression=whole))
    return node


def _alike(node: exp.Like | exp.ILike) -> exp.Expr:
    """A backslash is a sign like others in DuckDB's patterns; to Spark it makes the next plain."""
    if isinstance(node.parent, exp.Escape):
        return node
    pattern = node.expression
    if isinstance(pattern, exp.Literal):
        doubled: exp.Expr = exp.Literal.string(pattern.name.replace("\\", "\\\\"))
    else:
        doubled = call("REPLACE", pattern, "\\", "\\\\")
    return said(type(node)(this=node.this, expression=doubled))


def _joined(node: exp.Concat) -> exp.Expr:
    return call("CONCAT_WS", "", *(cast(part, "STRING") for part in node.expressions))


def _floored(node: exp.Floor | exp.Ceil) -> exp.Expr:
    """A double stays a double."""
    return cast(said(type(node)(this=node.this)), "DOUBLE")


def _cut(node: exp.Trunc) -> exp.Expr:
    size = cast(call("FLOOR", call("ABS", node.this.copy())), "DOUBLE")
    return exp.Paren(this=exp.Mul(this=call("SIGN", node.this.copy()), expression=size))


def _logarithm(node: exp.Log) -> exp.Expr:
    return call("LOG10", node.this) if node.expression is None else node


def _counted_out(node: exp.Table) -> exp.Expr:
    """RANGE and GENERATE_SERIES as tables."""
    series = node.this
    if not isinstance(series, exp.GenerateSeries) or series.args.get("step") is not None:
        return node
    end = series.args["end"]
    if not series.args.get("is_end_exclusive"):
        end = exp.Add(this=end, expression=exp.Literal.number(1))
    found = node.copy()
    found.set("this", call("RANGE", series.args["start"], end))
    return found


def _cte(node: exp.CTE) -> exp.Expr:
    if node.args.get("materialized") is None:
        return node
    found = node.copy()
    found.set("materialized", None)
    return found


def _replaced(node: exp.RegexpReplace) -> exp.Expr:
    flags = node.args.get("modifiers")
    if flags is None or "g" not in flags.name:
        raise Invalid("query", "REGEXP_REPLACE replaces all on every engine: say 'g'")
    return node


def _not_a_number(node: exp.IsNan) -> exp.Expr:
    return (
        exp.case()
        .when(exp.Is(this=node.this.copy(), expression=exp.Null()), exp.Null())
        .else_(call("ISNAN", node.this))
    )


def _infinite(node: exp.Expr, *, finite: bool) -> exp.Expr:
    value = cast(node, "DOUBLE")
    bound = verbatim("DOUBLE('Infinity')")
    size = call("ABS", value)
    # NaN is greater than every number to Spark.
    return exp.Paren(this=exp.LT(this=size, expression=bound) if finite
                     else exp.EQ(this=size, expression=bound))  # fmt: skip


_NAMED: dict[str, Rule] = {
    "ISFINITE": lambda node: _infinite(node.expressions[0], finite=True),
    "STRLEN": lambda node: call("OCTET_LENGTH", node.expressions[0]),
}

_RULES: dict[type[exp.Expr], Rule] = {
    exp.Literal: _number,
    exp.Div: _divided,
    exp.Round: _rounded,
    exp.Cast: _casted,
    exp.TryCast: _casted,
    exp.JSONExtractScalar: _text_under,
    exp.RegexpLike: _matches,
    exp.RegexpReplace: _replaced,
    exp.Like: _alike,
    exp.ILike: _alike,
    exp.Concat: _joined,
    exp.Floor: _floored,
    exp.Ceil: _floored,
    exp.Trunc: _cut,
    exp.Log: _logarithm,
    exp.Sign: lambda node: cast(said(exp.Sign(this=node.this)), "BIGINT"),
    exp.IsNan: _not_a_number,
    exp.IsInf: lambda node: _infinite(node.this, finite=False),
    exp.Table: _counted_out,
    exp.CTE: _cte,
}

_DIFFERS = {
    "HASH": "compare the values themselves",
    "APPROX_DISTINCT": "COUNT(DISTINCT …) is exact",
    "APPROX_QUANTILE": "QUANTILE_CONT is exact",
    "SKEWNESS": "of a sample or of all? say it with AVG and POWER",
    "KURTOSIS": "of a sample or of all? say it with AVG and POWER",
    "RAND": "draw with a seed, on arrays",
}

SPARK = Dialect(
    "spark",
    rules={**_RULES, **spark_instants.RULES, **spark_aggregates.RULES},
    named={**_NAMED, **spark_instants.NAMED, **spark_aggregates.NAMED},
    differs=_DIFFERS,
    whole=spark_steps.once,
)
