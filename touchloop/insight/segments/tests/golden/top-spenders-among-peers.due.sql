WITH base AS (
  SELECT c.customer_id
  FROM customers AS c
),
asked_scores AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(name AS VARCHAR) AS name, CAST(low AS DOUBLE) AS low, CAST(high AS DOUBLE) AS high, CAST(outside AS BOOLEAN) AS outside
  FROM (VALUES
    (0, 'spend_percentile', 0.9500000000000001, 1.7976931348623157e+308, FALSE)) AS v(condition, name, low, high, outside)
),
flips AS (
  SELECT s.customer_id, a.condition FROM scores AS s JOIN asked_scores AS a ON a.name = s.name WHERE (s.value BETWEEN a.low AND a.high) <> a.outside
),
bits AS (
  SELECT customer_id, BIT_OR(CAST(1 AS BIGINT) << CAST(condition % 60 AS INTEGER)) AS w0
  FROM flips GROUP BY customer_id
),
facts AS (
  SELECT b.customer_id, COALESCE(f.w0, 0) AS w0
  FROM base AS b LEFT JOIN bits AS f ON f.customer_id = b.customer_id
),
decided_1 AS (
  SELECT *, (w0 & 1) = 1 AS s1
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
