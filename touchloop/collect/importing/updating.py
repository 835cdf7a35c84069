"""Known customers learn what the file says of them, in sets, a part at a time.

Only what differs is written: a value that an import gave before, and that is the same now, keeps
its source and its age. What the person, the staff or a system said is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb

from touchloop.collect.importing.sending import send
from touchloop.collect.importing.writing import Context
from touchloop.core.db import Connection
from touchloop.profiles.api import IMPORT, fold

# Traits that the canonical row shows outside of `traits`.
SHOWN = ["name", "firstName", "first_name", "lastName", "last_name", "email", "phone"]

Allowed = Callable[[Connection, Sequence[int]], Mapping[int, int]]


def update_known(
    connection: duckdb.DuckDBPyConnection, conn: Connection, context: Context, *, allowed: Allowed
) -> tuple[int, list[int]]:
    """Update the customers of the table `part`; gives how many changed, and whom to look at again.

    The second are rows whose customer was merged or split since the match: nothing is written
    for them here.
    """
    entries = ", ".join(f"""'"{name}":' || {column}""" for name, column in context.traits())
    rows = (
        "select r, subject_id, customer_id,"
        f" '{{' || concat_ws(',', {entries or repr('')}) || '}}' from part"
    )
    conn.execute(_STAGE)
    send(connection, rows, conn, "import_known", ["r", "subject_id", "customer_id", "traits"])
    conn.execute("analyze import_known")
    conn.execute(_LOCK)
    moved = [row[0] for row in conn.execute(_MOVED).fetchall()]
    given = {"authority": IMPORT, "source": context.source_id, "at": context.at,
             "stamp": context.stamp, "tie": context.tie, "shown": SHOWN}  # fmt: skip
    changed = conn.execute(_UPDATE, given).fetchall()
    shown = sorted({row[0] for row in changed if row[1]})
    if shown:
        fold(conn, shown, allowed=allowed(conn, shown), now=context.at)
    conn.commit()
    return len(changed), moved


_STAGE = """
create temp table if not exists import_known
  (r bigint, subject_id bigint, customer_id bigint, traits jsonb) on commit delete rows
"""

# In the order in which the flow locks customers.
_LOCK = """
select 1 from activity where customer_id in (select customer_id from import_known)
order by customer_id for update
"""

_MOVED = """
delete from import_known k using identifiers i
where i.id = k.subject_id and i.customer_id <> k.customer_id returning k.r
"""

# `told` leaves out what an import said before; `kept` is what is news for its subject; of that,
# what nobody with more authority has said becomes the customer's.
_UPDATE = """
with told as (
  select k.subject_id, k.customer_id, t.key as name, t.value, c.traits -> t.key as now
  from import_known k join customers c on c.id = k.customer_id, jsonb_each(k.traits) t
  where c.traits -> t.key -> 'v' is distinct from t.value
     or (c.traits -> t.key ->> 'a')::int <> %(authority)s
), kept as (
  insert into trait_values (subject_id, name, authority, value, source_id, at, tie)
  select subject_id, name, %(authority)s, value, %(source)s, %(at)s, %(tie)s from told
  order by subject_id, name
  on conflict (subject_id, name, authority) do update
  set value = excluded.value, source_id = excluded.source_id, at = excluded.at, tie = excluded.tie
  where trait_values.value is distinct from excluded.value
    and (excluded.at, excluded.tie) > (trait_values.at, trait_values.tie)
  returning subject_id, name
), won as (
  select customer_id, bool_or(name = any(%(shown)s)) as shown,
         jsonb_object_agg(name, jsonb_build_object(
           'v', value, 's', %(source)s::int, 'a', %(authority)s::int, 'at', %(stamp)s::text)
         ) as traits
  from kept join told using (subject_id, name)
  where coalesce((now ->> 'a')::int, 0) <= %(authority)s
  group by customer_id
), written as (
  update customers c set traits = c.traits || w.traits, updated_at = %(at)s
  from won w where c.id = w.customer_id
), due as (
  insert into refreshes (customer_id, due_at, reason)
  select customer_id, %(at)s, 'import' from won order by customer_id
  on conflict (customer_id) do update set due_at = least(refreshes.due_at, excluded.due_at)
)
select t.customer_id, coalesce(bool_or(w.shown), false)
from kept join told t using (subject_id, name) left join won w using (customer_id)
group by t.customer_id
"""
