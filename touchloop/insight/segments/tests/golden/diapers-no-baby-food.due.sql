WITH base AS (
  SELECT c.customer_id
  FROM customers AS c
),
asked AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(reading AS VARCHAR) AS reading, CAST(name AS VARCHAR) AS name, CAST(key AS VARCHAR) AS key, CAST(pick AS BIGINT) AS pick, CAST(length AS BIGINT) AS length, CAST(start AS BIGINT) AS start, CAST(stop AS BIGINT) AS stop, CAST(need0 AS BIGINT) AS need0
  FROM (VALUES
    (0, 'lines_counts_by_category', 'Order Completed', 'DIAPERS & DISPOSABLES', 0, 5184000000000, NULL, NULL, 0),
    (1, 'lines_counts_by_category', 'Order Completed', 'BABY FOODS', 0, 5184000000000, NULL, NULL, 0)) AS v(condition, reading, name, key, pick, length, start, stop, need0)
),
limits AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(measure AS VARCHAR) AS measure, CAST(low AS DOUBLE) AS low, CAST(high AS DOUBLE) AS high, CAST(outside AS BOOLEAN) AS outside, CAST(otherwise AS BOOLEAN) AS otherwise, CAST(wake AS VARCHAR) AS wake, CAST(wake_if AS BOOLEAN) AS wake_if, CAST(length AS BIGINT) AS length, CAST(crossing AS BIGINT) AS crossing
  FROM (VALUES
    (0, 'count', 1.0, 1.7976931348623157e+308, FALSE, FALSE, 'last', TRUE, 5184000000000, NULL),
    (1, 'absence', 0.0, 0.0, FALSE, TRUE, 'last', FALSE, 5184000000000, NULL)) AS v(condition, measure, low, high, outside, otherwise, wake, wake_if, length, crossing)
),
asked_now AS (
  SELECT *, COALESCE(1772625600000000 - length, start - 1, -9000000000000000000) AS after,
    COALESCE(stop, 9000000000000000000) AS until
  FROM asked
),
read_lines_counts_by_category AS (
  SELECT l.customer_id, l.name, EPOCH_US(l.occurred_at) AS t, l.category AS key
  FROM lines AS l
  WHERE l.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND l.name = 'Order Completed' AND l.occurred_at > TIMESTAMP '2026-01-03 12:00:00.000000' AND l.category IN ('DIAPERS & DISPOSABLES', 'BABY FOODS')
),
hits_lines_counts_by_category AS (
  SELECT r.customer_id, a.condition, r.t
  FROM read_lines_counts_by_category AS r JOIN asked_now AS a ON a.name = r.name AND a.reading = 'lines_counts_by_category' AND r.t > a.after AND r.t < a.until AND a.key = r.key
),
lines_counts_by_category AS (
  SELECT customer_id, condition, COUNT(*) AS n, CAST(NULL AS DOUBLE) AS total, MIN(t) AS first_t, MAX(t) AS last_t
  FROM hits_lines_counts_by_category GROUP BY customer_id, condition
),
judged AS (
  SELECT *, COALESCE((seen BETWEEN low AND high) <> outside, FALSE) AS verdict
  FROM (
    SELECT s.customer_id, s.first_t, s.last_t, l.*,
      CASE l.measure
        WHEN 'sum' THEN COALESCE(ROUND(s.total, 4), 0)
        WHEN 'first' THEN CAST(1772625600000000 - s.first_t AS DOUBLE)
        WHEN 'last' THEN CAST(1772625600000000 - s.last_t AS DOUBLE)
        ELSE CAST(s.n AS DOUBLE) END AS seen
    FROM (SELECT * FROM lines_counts_by_category) AS s JOIN limits AS l ON l.condition = s.condition
  ) AS o
),
flips AS (
  SELECT customer_id, condition FROM judged WHERE verdict <> otherwise
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
  SELECT *, (w0 & 3) = 1 AS s1
  FROM facts
),
wakes AS (
  SELECT customer_id, EPOCH_US(occurred_at) AS due FROM lines WHERE occurred_at > TIMESTAMP '2026-03-04 12:00:00.000000' AND name = 'Order Completed'
  UNION ALL SELECT customer_id, CASE
    WHEN wake = 'never' OR verdict <> wake_if THEN NULL
    WHEN wake = 'first' THEN first_t + length
    ELSE last_t + length END AS due
  FROM judged
  UNION ALL
  SELECT customer_id, crossing + CASE measure WHEN 'first' THEN first_t ELSE last_t END AS due
  FROM judged WHERE crossing IS NOT NULL AND crossing
    + CASE measure WHEN 'first' THEN first_t ELSE last_t END > 1772625600000000
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
