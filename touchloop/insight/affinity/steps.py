"""What was bought together, counted by the engine: named SQL steps that run on every engine.

An item is a category or a product as the lines name them; a basket is one order. `people` holds
those who may be used. Baskets with more than `{largest}` different items are no single trip and
are left out everywhere; `counted` says how many.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from touchloop.lake.api import Analysis, Step

Level = Literal["category", "product", "department"]
LEVELS: tuple[Level, ...] = ("department", "category", "product")


def together(level: Level) -> Analysis:
    """Rows (a, b, n_both, in_a, in_b, squares, with_a, with_b, with_trips, households), a < b.

    `n_both`, `in_a`, `in_b` count baskets. The other sums go over households: x pairs, m trips:
    squares = Σx², with_a = Σx·x_a, with_b = Σx·x_b, with_trips = Σx·m. `households` bought both on
    one trip.
    """
    return Analysis(f"together_{level}", (*_bought(level), *_COUNTED, *_TOGETHER), _PAIRS)


def ranked(level: Level) -> Analysis:
    """Rows (item, n) of the `{most}` items in most baskets, but at least `{least}`."""
    return Analysis(
        f"ranked_{level}",
        (*_bought(level), *_COUNTED),
        "SELECT item, n FROM items ORDER BY n DESC, item LIMIT {most}",
    )


def held(level: Level) -> Analysis:
    """Rows (customer_id, k, n, m): how often each household bought each item, on how many trips.

    k numbers the items by name from 0. One part in `{parts}` of the households.
    """
    return Analysis(f"held_{level}", (*_bought(level), *_COUNTED), _HELD)


def counted(level: Level) -> Analysis:
    """One row: (baskets, households, left_out, since, until, holdings)."""
    return Analysis(f"counted_{level}", (*_bought(level), *_COUNTED), _COUNTS)


def trips(level: Level) -> Analysis:
    """Rows (m, n) of how many households made how many trips."""
    return Analysis(
        f"trips_{level}",
        (*_bought(level), *_COUNTED),
        "SELECT m, COUNT(*) AS n FROM trips GROUP BY m",
    )


def crossed(level: Level) -> Analysis:
    """Rows (size, pairs): ordered pairs of frequent items on trips of one size, over all."""
    return Analysis(
        f"crossed_{level}", (*_bought(level), *_COUNTED, *_STRATA[:1], _CROSSED),
        "SELECT size, CAST(SUM(k * (k - 1)) AS BIGINT) AS pairs FROM crossed GROUP BY size",
    )  # fmt: skip


def by_cut(level: Level) -> Analysis:
    """Rows (cut, place, a, b, both, in_a, in_b, n): pairs by store and by quarter of the year.

    Of the `{most}` pairs that stand out most over all, in the `{stores}` stores with most baskets.
    """
    return Analysis(
        f"cuts_{level}", (*_bought(level), *_COUNTED, *_TOGETHER, *_PICKED, *_CUT), _BY_CUT
    )


def strata(level: Level) -> Analysis:
    """Rows (customer_id, size, k, n, trips): how often each household bought an item on trips of
    one size (2-4, 5-9, 10-19, 20 and more different items: 1 to 4), and how many such trips.

    One part in `{parts}` of the households, as `held`.
    """
    return Analysis(f"strata_{level}", (*_bought(level), *_COUNTED, *_STRATA), _IN_STRATA)


def catalogue() -> Analysis:
    """Rows (department, category, product, baskets, households, amount, lines) of what was sold."""
    return Analysis("catalogue", (_LINES_USED,), _CATALOGUE)


def sold(level: Level) -> Analysis:
    """Rows (item, baskets, households, amount) of one level, without repeats."""
    return Analysis(f"sold_{level}", (_LINES_USED,), _SOLD.replace("ITEM", level))


def purchases(level: Level) -> Analysis:
    """Rows (customer_id, item, age, n): lines of each household, item and week.

    `age` counts whole weeks back from `{until}`, by days. One part in `{parts}` of the households.
    """
    return Analysis(f"purchases_{level}", (_LINES_USED,), _PURCHASES.replace("ITEM", level))


def buyers() -> Analysis:
    """One row (n, since): households that bought anything, and when the first of it was."""
    return Analysis(
        "buyers", (_LINES_USED,),
        "SELECT COUNT(DISTINCT customer_id) AS n, MIN(occurred_at) AS since FROM used",
    )  # fmt: skip


def _bought(level: Level) -> tuple[Step, ...]:
    """Distinct (basket, item), of baskets that are not too large."""
    return (
        _LINES_USED,
        Step(
            "entries",
            f"SELECT DISTINCT basket_id, customer_id, {level} AS item FROM used"
            f" WHERE {level} IS NOT NULL AND {level} <> ''",
        ),
        Step(
            "sizes",
            "SELECT basket_id, customer_id, COUNT(*) AS size FROM entries"
            " GROUP BY basket_id, customer_id",
        ),
        Step("baskets", "SELECT basket_id, customer_id, size FROM sizes WHERE size <= {largest}"),
        Step(
            "bought",
            "SELECT e.basket_id, e.customer_id, e.item FROM entries AS e"
            " JOIN baskets AS b ON b.basket_id = e.basket_id",
        ),
    )


_LINES_USED = Step(
    "used",
    """SELECT l.interaction_id AS basket_id, l.customer_id, l.occurred_at, l.department, l.category,
    l.product, l.amount
  FROM lines AS l JOIN people AS p ON p.customer_id = l.customer_id
  WHERE l.name = {event} AND l.occurred_at > {since} AND l.occurred_at <= {until}""",
)

_COUNTED = (
    Step("trips", "SELECT customer_id, COUNT(*) AS m FROM baskets GROUP BY customer_id"),
    Step(
        "of_household",
        "SELECT customer_id, item, COUNT(*) AS n FROM bought GROUP BY customer_id, item",
    ),
    Step(
        "items",
        "SELECT item, CAST(SUM(n) AS BIGINT) AS n FROM of_household GROUP BY item"
        " HAVING SUM(n) >= {least}",
    ),
    Step("numbered", "SELECT item, n, ROW_NUMBER() OVER (ORDER BY item) - 1 AS k FROM items"),
)

_HELD = """SELECT h.customer_id, i.k, h.n, t.m
FROM of_household AS h JOIN numbered AS i ON i.item = h.item
JOIN trips AS t ON t.customer_id = h.customer_id
WHERE h.customer_id % {parts} = {part}"""

# Items as small whole numbers: the join of baskets with themselves is what costs.
_TOGETHER = (
    Step(
        "frequent",
        "SELECT b.basket_id, b.customer_id, i.k FROM bought AS b"
        " JOIN numbered AS i ON i.item = b.item",
    ),
    Step(
        "holdings",
        "SELECT h.customer_id, i.k, h.n FROM of_household AS h"
        " JOIN numbered AS i ON i.item = h.item",
    ),
    Step(
        "joint",
        """SELECT x.customer_id, x.k AS a, y.k AS b, COUNT(*) AS n
  FROM frequent AS x JOIN frequent AS y ON y.basket_id = x.basket_id AND y.k > x.k
  GROUP BY x.customer_id, x.k, y.k""",
    ),
    Step(
        "pairs",
        """SELECT j.a, j.b, CAST(SUM(j.n) AS BIGINT) AS n_ab,
    CAST(SUM(j.n * j.n) AS BIGINT) AS squares,
    CAST(SUM(j.n * ha.n) AS BIGINT) AS with_a, CAST(SUM(j.n * hb.n) AS BIGINT) AS with_b,
    CAST(SUM(j.n * t.m) AS BIGINT) AS with_trips, COUNT(*) AS households
  FROM joint AS j
  JOIN holdings AS ha ON ha.customer_id = j.customer_id AND ha.k = j.a
  JOIN holdings AS hb ON hb.customer_id = j.customer_id AND hb.k = j.b
  JOIN trips AS t ON t.customer_id = j.customer_id
  GROUP BY j.a, j.b HAVING SUM(j.n) >= {least_pair}""",
    ),
)

_PAIRS = """SELECT ia.item AS a, ib.item AS b, p.n_ab AS n_both, ia.n AS in_a, ib.n AS in_b,
  p.squares, p.with_a, p.with_b, p.with_trips, p.households
FROM pairs AS p JOIN numbered AS ia ON ia.k = p.a JOIN numbered AS ib ON ib.k = p.b"""

_COUNTS = """SELECT (SELECT COUNT(*) FROM baskets) AS baskets,
  (SELECT COUNT(*) FROM trips) AS households,
  (SELECT COUNT(*) FROM sizes WHERE size > {largest}) AS left_out,
  (SELECT MIN(occurred_at) FROM used) AS since, (SELECT MAX(occurred_at) FROM used) AS until,
  (SELECT COUNT(*) FROM of_household) AS holdings"""

# Which pairs stand out: the baskets beyond chance, measured in their standard error.
_PICKED = (
    Step("everything", "SELECT COUNT(*) AS n FROM baskets"),
    Step(
        "picked",
        """SELECT p.a, p.b FROM pairs AS p JOIN numbered AS ia ON ia.k = p.a
    JOIN numbered AS ib ON ib.k = p.b CROSS JOIN everything AS e
  ORDER BY ABS(p.n_ab - 1.0 * ia.n * ib.n / e.n) / SQRT(1.0 * ia.n * ib.n / e.n) DESC, p.a, p.b
  LIMIT {most}""",
    ),
)

_CUT = (
    Step(
        "placed",
        """SELECT i.interaction_id AS basket_id, i.location,
    CONCAT(CAST(EXTRACT(YEAR FROM i.occurred_at) AS VARCHAR), ' Q',
      CAST(EXTRACT(QUARTER FROM i.occurred_at) AS VARCHAR)) AS quarter
  FROM interactions AS i JOIN baskets AS b ON b.basket_id = i.interaction_id
  WHERE i.name = {event}""",
    ),
    Step(
        "stores",
        "SELECT location, COUNT(*) AS n FROM placed WHERE location IS NOT NULL AND location <> ''"
        " GROUP BY location ORDER BY n DESC, location LIMIT {stores}",
    ),
    Step(
        "cuts",
        """SELECT p.basket_id, 'store' AS cut, p.location AS place
  FROM placed AS p JOIN stores AS s ON s.location = p.location
  UNION ALL SELECT basket_id, 'quarter' AS cut, quarter AS place FROM placed""",
    ),
    Step("cut_trips", "SELECT cut, place, COUNT(*) AS n FROM cuts GROUP BY cut, place"),
    Step(
        "cut_items",
        """SELECT c.cut, c.place, f.k, COUNT(*) AS n
  FROM frequent AS f JOIN cuts AS c ON c.basket_id = f.basket_id
  GROUP BY c.cut, c.place, f.k""",
    ),
    Step(
        "cut_pairs",
        """SELECT c.cut, c.place, k.a, k.b, COUNT(*) AS n
  FROM picked AS k JOIN frequent AS x ON x.k = k.a
  JOIN frequent AS y ON y.basket_id = x.basket_id AND y.k = k.b
  JOIN cuts AS c ON c.basket_id = x.basket_id
  GROUP BY c.cut, c.place, k.a, k.b""",
    ),
)

_BY_CUT = """SELECT p.cut, p.place, na.item AS a, nb.item AS b, p.n AS n_both, ia.n AS in_a,
  ib.n AS in_b, t.n
FROM cut_pairs AS p
JOIN numbered AS na ON na.k = p.a JOIN numbered AS nb ON nb.k = p.b
JOIN cut_items AS ia ON ia.cut = p.cut AND ia.place = p.place AND ia.k = p.a
JOIN cut_items AS ib ON ib.cut = p.cut AND ib.place = p.place AND ib.k = p.b
JOIN cut_trips AS t ON t.cut = p.cut AND t.place = p.place
WHERE p.n >= {least_pair}"""

_STRATA = (
    Step(
        "sized",
        """SELECT basket_id, customer_id,
    CASE WHEN size < 2 THEN 0 WHEN size < 5 THEN 1 WHEN size < 10 THEN 2 WHEN size < 20 THEN 3
      ELSE 4 END AS size
  FROM baskets WHERE customer_id % {parts} = {part}""",
    ),
    Step(
        "sized_trips",
        "SELECT customer_id, size, COUNT(*) AS m FROM sized GROUP BY customer_id, size",
    ),
    Step(
        "sized_items",
        """SELECT s.customer_id, s.size, i.k, COUNT(*) AS n
  FROM bought AS b JOIN sized AS s ON s.basket_id = b.basket_id
  JOIN numbered AS i ON i.item = b.item
  WHERE s.size > 0
  GROUP BY s.customer_id, s.size, i.k""",
    ),
)

_IN_STRATA = """SELECT x.customer_id, x.size, x.k, x.n, t.m AS trips
FROM sized_items AS x JOIN sized_trips AS t ON t.customer_id = x.customer_id AND t.size = x.size"""

_CROSSED = Step(
    "crossed",
    """SELECT s.size, s.basket_id, COUNT(*) AS k
  FROM bought AS b JOIN sized AS s ON s.basket_id = b.basket_id
  JOIN items AS i ON i.item = b.item
  GROUP BY s.size, s.basket_id""",
)

_CATALOGUE = """SELECT department, category, product, COUNT(DISTINCT basket_id) AS baskets,
  COUNT(DISTINCT customer_id) AS households, ROUND(SUM(amount), 2) AS amount, COUNT(*) AS n
FROM used GROUP BY department, category, product"""

_SOLD = """SELECT ITEM, COUNT(DISTINCT basket_id) AS baskets,
  COUNT(DISTINCT customer_id) AS households, ROUND(SUM(amount), 2) AS amount
FROM used WHERE ITEM IS NOT NULL AND ITEM <> '' GROUP BY ITEM"""

_PURCHASES = """SELECT customer_id, ITEM AS item,
  CAST(FLOOR(DATE_DIFF('day', CAST(occurred_at AS DATE), CAST({until} AS DATE)) / 7.0) AS BIGINT)
    AS age,
  COUNT(*) AS n
FROM used WHERE ITEM IS NOT NULL AND ITEM <> '' AND customer_id % {parts} = {part}
GROUP BY 1, 2, 3"""

_WINDOW: dict[str, object] = {
    "event": "Order Completed",
    "since": datetime(2025, 1, 1),
    "until": datetime(2027, 1, 1),
}
_COUNTING = _WINDOW | {"largest": 1_000, "least": 2}
_PART: dict[str, object] = {"parts": 1, "part": 0}
ANALYSES: tuple[tuple[Analysis, dict[str, object]], ...] = (
    (together("category"), _COUNTING | {"least_pair": 1}),
    (together("product"), _COUNTING | {"least_pair": 1}),
    (ranked("category"), _COUNTING | {"most": 10}),
    (held("category"), _COUNTING | _PART),
    (counted("category"), _COUNTING),
    (trips("category"), _COUNTING),
    (crossed("category"), _COUNTING | _PART),
    (by_cut("category"), _COUNTING | {"least_pair": 1, "most": 50, "stores": 5}),
    (strata("category"), _COUNTING | _PART),
    (catalogue(), _WINDOW),
    (sold("category"), _WINDOW),
    (purchases("category"), _WINDOW | _PART),
    (buyers(), _WINDOW),
)
