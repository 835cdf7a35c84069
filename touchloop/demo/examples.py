"""What the demo shows of understanding: a score, and segments that are sentences of the field."""

from __future__ import annotations

from touchloop.core import clock, db
from touchloop.flow import api as flow
from touchloop.insight.segments import api as segments


def install() -> int:
    """Compute the scores, make and fill the example segments; gives how many are new."""
    with db.connect(application="touchloop demo") as conn:
        there = {segment.slug for segment in segments.listing(conn=conn)}
        if there.issuperset(example.slug for example in segments.EXAMPLES):
            return 0
        flow.export_all(conn)
        conn.rollback()
        flow.refresh_scores(conn)
        made = segments.install_examples(conn, now=clock.now())
        conn.commit()
    for segment in made:
        flow.fill_segment(segment.id)
    return len(made)
