"""A step that several later ones read is worked out once.

Spark puts the text of a step in every place that reads it, so a chain of steps grows to a tree, and
the lake would be read once for each leaf. It does not do so where the rows might differ from time
to time: then they are worked out once and handed to all who read them.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from touchloop.lake.engines.saying import said, verbatim

_COSTLY = (exp.Group, exp.Join, exp.Window, exp.Distinct)


def once(tree: exp.Expr) -> exp.Expr:
    """The statement, with its costly steps that are read more than once marked as changeable."""
    read = Counter(table.name for table in tree.find_all(exp.Table) if not table.db)
    for step in list(tree.find_all(exp.CTE)):
        if read[step.alias] > 1 and step.this.find(*_COSTLY):
            inner = exp.Subquery(
                this=step.this.copy(), alias=exp.TableAlias(this=exp.to_identifier("once"))
            )
            kept = exp.Select(expressions=[exp.Star()]).from_(inner)
            step.this.replace(kept.where(said(verbatim("RAND() >= 0"))))
    return tree
