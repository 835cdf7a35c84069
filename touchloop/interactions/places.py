"""Where touchpoints lie: the region that an organisation gives to its places."""

from __future__ import annotations

from collections.abc import Mapping

from touchloop.core.db import Connection


def places_without_region(conn: Connection, channel: str) -> list[str]:
    """The locations of a channel that stand in no region yet, in their order."""
    rows = conn.execute(
        "SELECT DISTINCT location FROM touchpoints"
        " WHERE channel = %s AND location <> '' AND region = '' ORDER BY 1",
        (channel,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def set_regions(conn: Connection, regions: Mapping[str, str]) -> int:
    """Let each location (all its channels) stand in its region; how many touchpoints changed.

    Figures by region follow at once: answers hang on places, not on regions. Does not commit.
    """
    return conn.execute(
        "UPDATE touchpoints t SET region = r.region"
        "  FROM unnest(%s::text[], %s::text[]) AS r(location, region)"
        " WHERE t.location = r.location AND t.region <> r.region",
        (list(regions), [region.strip()[:200] for region in regions.values()]),
    ).rowcount
