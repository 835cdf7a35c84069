WITH base AS (
  SELECT c.customer_id, c.stage, COALESCE(c.allowed, 0) AS allowed, JSON_EXTRACT_STRING(c.traits, '$."city"') AS x0, JSON_EXTRACT_STRING(c.traits, '$."age"') AS x1
  FROM customers AS c
),
asked_segments AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(segment_id AS BIGINT) AS segment_id
  FROM (VALUES
    (4, 7)) AS v(condition, segment_id)
),
flips AS (
  SELECT m.customer_id, a.condition FROM members AS m JOIN asked_segments AS a ON a.segment_id = m.segment_id
),
bits AS (
  SELECT customer_id, BIT_OR(CAST(1 AS BIGINT) << CAST(condition % 60 AS INTEGER)) AS w0
  FROM flips GROUP BY customer_id
),
facts AS (
  SELECT b.customer_id, COALESCE(f.w0, 0) + CASE WHEN b.x0 IN ('Graz', 'L''Aquila') THEN 1 ELSE 0 END + CASE WHEN (TRY_CAST(b.x1 AS DOUBLE) >= 30.0 AND TRY_CAST(b.x1 AS DOUBLE) BETWEEN -1e300 AND 1e300) THEN 2 ELSE 0 END + CASE WHEN (b.allowed & 16) <> 0 THEN 4 ELSE 0 END + CASE WHEN b.stage = 'loyal' THEN 8 ELSE 0 END AS w0
  FROM base AS b LEFT JOIN bits AS f ON f.customer_id = b.customer_id
),
decided_1 AS (
  SELECT *, NOT ((w0 & 31) = 16) AS s1
  FROM facts
),
wakes AS (
  SELECT customer_id, CAST(NULL AS BIGINT) AS due FROM base
),
soonest AS (
  SELECT customer_id, MIN(due) AS due
  FROM wakes WHERE due > 1772625600000000 GROUP BY customer_id
),
answer AS (
  SELECT d.customer_id, d.s1, n.due
  FROM decided_1 AS d LEFT JOIN soonest AS n ON n.customer_id = d.customer_id
)
SELECT * FROM answer
