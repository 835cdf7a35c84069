"""SQL in DuckDB's dialect, read, filled and changed node by node for an engine of another dialect.

What an engine says differently is a table of rules in a file of its own (`spark_dialect`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from touchloop.core.errors import Invalid
from touchloop.lake.engines.base import Params
from touchloop.lake.literals import lit

Rule = Callable[[Any], exp.Expr]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect of SQLGlot, and what it says differently: by kind of node, by name of function.

    `differs` names functions whose answers differ between engines, with what to say instead;
    `whole` changes a statement as a whole, before its nodes.
    """

    name: str
    rules: Mapping[type[exp.Expr], Rule]
    named: Mapping[str, Rule]
    differs: Mapping[str, str]
    whole: Callable[[exp.Expr], exp.Expr]

    def spoken(self, query: str, params: Params = None) -> str:
        """A query with its parameters as literals; raises Invalid for what cannot be said."""
        tree = sqlglot.parse_one(query, read="duckdb")
        changed = self.differently(self.whole(_filled(tree, params)))
        try:
            return changed.sql(self.name, unsupported_level=sqlglot.ErrorLevel.RAISE)
        except sqlglot.errors.UnsupportedError as error:
            raise Invalid("query", f"{self.name} has no words for it: {error}") from error

    def differently(self, node: exp.Expr) -> exp.Expr:
        """A tree from the top down; what a rule makes is looked at again."""
        while not node.meta.get("said"):
            rule = self._rule(node)
            changed = rule(node) if rule is not None else node
            if changed is node:
                break
            node = changed
        for part in list(node.iter_expressions()):
            changed = self.differently(part)
            if changed is not part:
                part.replace(changed)
        return node

    def _rule(self, node: exp.Expr) -> Rule | None:
        if isinstance(node, exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
            if name in self.differs:
                raise Invalid("query", f"engines differ in {name}: {self.differs[name]}")
            if isinstance(node, exp.Anonymous) and name in self.named:
                return self.named[name]
        return self.rules.get(type(node))


def _filled(tree: exp.Expr, params: Params) -> exp.Expr:
    if params is None:
        return tree
    in_order = None if isinstance(params, Mapping) else iter(params)

    def fill(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        if in_order is not None:
            return literal(next(in_order))
        assert isinstance(params, Mapping)
        return literal(params[node.name])

    return tree.transform(fill)


def literal(value: Any) -> exp.Expr:
    """A value as a literal of DuckDB's dialect, parsed."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return sqlglot.parse_one(f"DATE '{value}'", read="duckdb")
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise Invalid("query", "an instant must be given in UTC without a zone")
    return sqlglot.parse_one(lit(value), read="duckdb")


def said(node: exp.Expr) -> exp.Expr:
    """Mark what is in the engine's own words already; its parts are still looked at."""
    node.meta["said"] = True
    return node


def call(name: str, *parts: exp.Expr | str | int) -> exp.Expr:
    """A function of the engine's own."""
    listed = [
        exp.Literal.number(part) if isinstance(part, int)
        else exp.Literal.string(part) if isinstance(part, str) else part
        for part in parts
    ]  # fmt: skip
    return said(exp.Anonymous(this=name, expressions=listed))


def verbatim(text: str) -> exp.Expr:
    """Text of the engine's own."""
    return said(exp.Var(this=text))


def cast(node: exp.Expr, kind: str) -> exp.Expr:
    """CAST to a type of the engine's own name, which SQLGlot passes on as it is."""
    return said(exp.Cast(this=node, to=_type(kind)))


def try_cast(node: exp.Expr, kind: str) -> exp.Expr:
    """The same, NULL where it fails."""
    return said(exp.TryCast(this=node, to=_type(kind), safe=True))


def bracketed(node: exp.Expr) -> exp.Expr:
    """Between brackets, where the sign of another operation would take it apart."""
    return exp.Paren(this=node) if isinstance(node, exp.Binary) else node


def _type(kind: str) -> exp.DataType:
    return exp.DataType(this=exp.DType.USERDEFINED, kind=kind)
