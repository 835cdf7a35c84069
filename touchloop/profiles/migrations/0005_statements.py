"""What one authority says of one identifier becomes one row; the view keeps a row for each trait.

The words to search by are in their index only; one index serves names by beginning and in order.
"""

from django.db import migrations, models

TABLE = """
CREATE TABLE trait_statements (
  subject_id bigint NOT NULL, authority smallint NOT NULL, source_id int NOT NULL,
  at timestamptz NOT NULL, tie uuid NOT NULL, traits jsonb NOT NULL, others jsonb,
  PRIMARY KEY (subject_id, authority)
) WITH (fillfactor = 70)
"""
# The row's origin is the newest of its values; older values keep their own.
PACK = """
INSERT INTO trait_statements (subject_id, authority, source_id, at, tie, traits, others)
SELECT v.subject_id, v.authority, n.source_id, n.at, n.tie, jsonb_object_agg(v.name,
         coalesce(v.value, 'null'::jsonb)),
       jsonb_object_agg(v.name, jsonb_build_array(v.source_id, v.at, v.tie))
         FILTER (WHERE (v.source_id, v.at, v.tie) <> (n.source_id, n.at, n.tie))
FROM trait_values v JOIN (
  SELECT DISTINCT ON (subject_id, authority) subject_id, authority, source_id, at, tie
  FROM trait_values ORDER BY subject_id, authority, at DESC, tie DESC, source_id
) n USING (subject_id, authority)
GROUP BY v.subject_id, v.authority, n.source_id, n.at, n.tie
ORDER BY v.subject_id, v.authority
"""
VIEW = """
CREATE VIEW trait_values AS
SELECT s.subject_id, v.key AS name, s.authority, v.value,
       coalesce((s.others -> v.key ->> 0)::int, s.source_id) AS source_id,
       coalesce((s.others -> v.key ->> 1)::timestamptz, s.at) AS at,
       coalesce((s.others -> v.key ->> 2)::uuid, s.tie) AS tie
FROM trait_statements s CROSS JOIN LATERAL jsonb_each(s.traits) v
"""
UNPACK = """
CREATE TABLE unpacked_values (
  subject_id bigint NOT NULL, name text NOT NULL, authority smallint NOT NULL, value jsonb,
  source_id int NOT NULL, at timestamptz NOT NULL, tie uuid NOT NULL,
  PRIMARY KEY (subject_id, name, authority)
)
"""
WORDS = (
    "to_tsvector('simple'::regconfig,"
    " display_name || ' ' || replace(email, '@', ' ') || ' ' || email)"
)

FORWARD = [
    TABLE,
    PACK,
    "DROP TABLE trait_values",
    VIEW,
    # The unique index of the identifiers serves beginnings too, since identity's 0003.
    "DROP INDEX identifiers_beginning",
    "DROP INDEX customers_by_name",
    "DROP INDEX customers_named",
    "ALTER TABLE customers DROP COLUMN search",
    # Room in its pages: who learns something new stays where it is, and no index is touched.
    "ALTER TABLE customers SET (fillfactor = 50)",
    f"CREATE INDEX customers_words ON customers USING gin ({WORDS})",
    'CREATE INDEX customers_named ON customers (lower(display_name) COLLATE "C", id)',
]
BACKWARD = [
    "DROP INDEX customers_named",
    "DROP INDEX customers_words",
    "ALTER TABLE customers RESET (fillfactor)",
    "ALTER TABLE customers ADD COLUMN search tsvector",
    f"UPDATE customers SET search = {WORDS}",
    "CREATE INDEX customers_search ON customers USING gin (search) WITH (fastupdate = on)",
    "CREATE INDEX customers_named ON customers (lower(display_name), id)",
    "CREATE INDEX customers_by_name ON customers (lower(display_name) text_pattern_ops)",
    "CREATE INDEX identifiers_beginning ON identifiers (value text_pattern_ops)",
    UNPACK,
    "INSERT INTO unpacked_values SELECT * FROM trait_values",
    "DROP VIEW trait_values",
    "DROP TABLE trait_statements",
    "ALTER TABLE unpacked_values RENAME TO trait_values",
]

AUTHORITIES = [(0, "Inferred"), (1, "Import"), (2, "System"), (3, "Staff"), (4, "Person")]


class Migration(migrations.Migration):
    dependencies = [("profiles", "0004_visit"), ("identity", "0003_beginnings")]
    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.DeleteModel(name="TraitValue"),
                migrations.CreateModel(
                    name="TraitStatement",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "subject_id",
                                "authority",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("subject_id", models.BigIntegerField()),
                        ("authority", models.SmallIntegerField(choices=AUTHORITIES)),
                        ("source_id", models.IntegerField()),
                        ("at", models.DateTimeField()),
                        ("tie", models.UUIDField()),
                        ("traits", models.JSONField()),
                        ("others", models.JSONField(null=True)),
                    ],
                    options={"db_table": "trait_statements"},
                ),
                migrations.RemoveIndex(model_name="customer", name="customers_search"),
                migrations.RemoveField(model_name="customer", name="search"),
            ],
        )
    ]
