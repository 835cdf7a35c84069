"""Known customers learn what the file says of them, in sets, a part at a time.

Only what differs is written: a value that an import gave before, and that is the same now, keeps
its source and its age. What the person, the staff or a system said is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb
import msgspec

from touchloop.collect.importing.sending import BOOL, INT8, JSONB, send
from touchloop.collect.importing.writing import Context
from touchloop.core.db import Connection
from touchloop.profiles.api import IMPORT, MERGE, fold

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
    names, cells = zip(*context.traits(), strict=True) if context.traits() else ((), ())
    staged = {**dict.fromkeys(("r", "subject_id", "customer_id"), INT8), "again": BOOL,
              **dict.fromkeys(cells, JSONB)}  # fmt: skip
    conn.execute(_STAGE.format(cells="".join(f", {cell} jsonb" for cell in cells)))
    send(connection, f"select {', '.join(staged)} from part", conn, "import_known", staged)
    conn.execute("analyze import_known (subject_id, customer_id)")
    given = _given(context) | _bounds(conn)
    conn.execute(_JOIN.format("on" if given["close"] else "off"))
    conn.execute(_LOCK, given)
    moved = [row[0] for row in conn.execute(_MOVED, given).fetchall()]
    changed = conn.execute(_update(names, cells), given).fetchall() if names else []
    conn.execute(_JOIN.format("on"))
    folded = sorted(row[0] for row in changed if row[1])
    if folded:
        fold(conn, folded, allowed=allowed(conn, folded), now=context.at)
    conn.commit()
    return len(changed), moved


def _given(context: Context) -> dict[str, object]:
    origin = msgspec.json.encode((context.source_id, context.stamp, str(context.tie))).decode()
    return {"authority": IMPORT, "source": context.source_id, "at": context.at, "tie": context.tie,
            "origin": origin, "shown": SHOWN}  # fmt: skip


def _bounds(conn: Connection) -> dict[str, int]:
    """Between which ids the people of the part lie, and whether they lie close together there."""
    row = conn.execute(_BOUNDS).fetchone()
    assert row is not None
    return dict(zip(("s0", "s1", "c0", "c1", "close"), row, strict=True))


def _update(names: Sequence[str], cells: Sequence[str]) -> str:
    """The statement for these traits: one expression each costs less than unfolding an object."""

    def listed(form: str, of: str = ", ") -> str:
        return of.join(
            form.format(name=name, cell=cell, n=number)
            for number, (name, cell) in enumerate(zip(names, cells, strict=True))
        )

    return _UPDATE.format(
        differs=listed("nullif(k.{cell}, s.traits -> '{name}') as d{n}"),
        some=listed("d{n} is not null", " or "),
        news=listed(_NEWS),
        told=listed("n{n} is not null", " or "),
        names=listed("case when n{n} is not null then '{name}' end"),
        traits=listed(_ONE.format(value="n{n}"), " || "),
        won=listed(_WON, " || "),
        origins=listed(_ONE.format(value="%(origin)s::jsonb"), " || "),
        merge=MERGE,
    )


_STAGE = """
create temp table if not exists import_known
  (r bigint, subject_id bigint, customer_id bigint, again boolean{cells}) on commit delete rows
"""

_BOUNDS = """
select min(subject_id), max(subject_id), min(customer_id), max(customer_id),
       greatest(max(subject_id) - min(subject_id), max(customer_id) - min(customer_id))
         <= 10 * count(*)
from import_known
"""

# A part is small beside the tables: each row is looked up, whatever the planner makes of it. Only
# where its people lie close together, their stretch of an index may be read as a whole.
_JOIN = "set local enable_hashjoin = {0}; set local enable_mergejoin = {0}"

# In the order in which the flow locks customers.
_LOCK = """
select 1 from activity
where customer_id between %(c0)s and %(c1)s
  and customer_id in (select customer_id from import_known)
order by customer_id for update
"""

_MOVED = """
delete from import_known k using identifiers i
where i.id = k.subject_id and i.id between %(s0)s and %(s1)s
  and i.customer_id <> k.customer_id returning k.r
"""

# What differs, without what another identifier of the customer was given by an import.
_NEWS = """case when d{n} is not null and (now -> '{name}' -> 'v' is distinct from d{n}
  or (now -> '{name}' ->> 'a')::int <> %(authority)s) then d{n} end as n{n}"""

# A piece of an object: to put empty pieces together costs nothing, to build and strip it does.
_ONE = """case when n{{n}} is not null then jsonb_build_object('{{name}}', {value})
  else '{{{{}}}}' end"""

# What nobody with more authority has said.
_WON = """case when n{n} is not null
    and coalesce((now -> '{name}' ->> 'a')::int, 0) <= %(authority)s
  then jsonb_build_object('{name}', jsonb_build_object('v', n{n}, 'a', %(authority)s::int))
  else '{{}}' end"""

# `news` is what no import has said before. A statement that has nothing newer takes it as it is;
# otherwise value by value. A name, and a customer of several rows, is folded.
_UPDATE = """
with known as (
  select k.subject_id, k.customer_id, k.again, c.traits as now, s.traits as said, s.others,
         s.at < %(at)s and (s.others is null or %(at)s > (
           select max((o.value ->> 1)::timestamptz) from jsonb_each(s.others) o)) as older,
         {differs}
  from import_known k
  join customers c on c.id = k.customer_id and c.id between %(c0)s and %(c1)s
  left join trait_statements s on s.subject_id = k.subject_id and s.authority = %(authority)s
    and s.subject_id between %(s0)s and %(s1)s
  offset 0
), told as (
  select subject_id, customer_id, again, now, said, others, coalesce(older, false) as older, {news}
  from known where {some} offset 0
), news as materialized (
  select subject_id, customer_id, again, older, said, others,
         array_remove(array[{names}], null) as names,
         {traits} as traits,
         {won} as won,
         {origins} as origins
  from told where {told}
), whole as (
  select subject_id, names, traits, origins,
         case when others is null then said - names <> '{{}}'
              else said - names - array(select jsonb_object_keys(others)) <> '{{}}' end as stays
  from news where older
), added as (
  update trait_statements s
  set source_id = case when w.stays then s.source_id else %(source)s end,
      at = case when w.stays then s.at else %(at)s end,
      tie = case when w.stays then s.tie else %(tie)s end,
      traits = s.traits || w.traits,
      others = nullif(coalesce(s.others, '{{}}') - w.names
                      || case when w.stays then w.origins else '{{}}' end, '{{}}')
  from whole w where s.subject_id = w.subject_id and s.authority = %(authority)s
    and s.subject_id between %(s0)s and %(s1)s
), merged as (
  insert into trait_statements as s (subject_id, authority, source_id, at, tie, traits)
  select subject_id, %(authority)s, %(source)s, %(at)s, %(tie)s, traits from news
  where not older order by subject_id {merge}
), written as (
  update customers c set traits = c.traits || n.won, updated_at = %(at)s
  from news n where c.id = n.customer_id and c.id between %(c0)s and %(c1)s
    and n.won <> '{{}}' and not n.again and not n.won ?| %(shown)s
), due as (
  insert into refreshes (customer_id, due_at, reason)
  select distinct n.customer_id, %(at)s::timestamptz, 'import'
  from news n left join refreshes r on r.customer_id = n.customer_id and r.due_at <= %(at)s
    and r.customer_id between %(c0)s and %(c1)s
  where n.won <> '{{}}' and r.customer_id is null order by n.customer_id
  on conflict (customer_id) do update set due_at = excluded.due_at
  where refreshes.due_at > excluded.due_at
)
select customer_id, bool_or(again or won ?| %(shown)s) from news group by customer_id
"""
