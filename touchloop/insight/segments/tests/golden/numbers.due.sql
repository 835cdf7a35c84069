WITH base AS (
  SELECT c.customer_id
  FROM customers AS c
),
asked AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(reading AS VARCHAR) AS reading, CAST(name AS VARCHAR) AS name, CAST(key AS VARCHAR) AS key, CAST(pick AS BIGINT) AS pick, CAST(length AS BIGINT) AS length, CAST(start AS BIGINT) AS start, CAST(stop AS BIGINT) AS stop, CAST(need0 AS BIGINT) AS need0
  FROM (VALUES
    (0, 'lines_in_context_counts', 'Order Completed', NULL, 1, 2592000000000, NULL, NULL, 1),
    (1, 'interactions_kinds', NULL, NULL, 1, NULL, NULL, NULL, 1),
    (2, 'interactions_counts', 'Order Completed', NULL, 0, NULL, NULL, NULL, 0)) AS v(condition, reading, name, key, pick, length, start, stop, need0)
),
limits AS (
  SELECT CAST(condition AS BIGINT) AS condition, CAST(measure AS VARCHAR) AS measure, CAST(low AS DOUBLE) AS low, CAST(high AS DOUBLE) AS high, CAST(outside AS BOOLEAN) AS outside, CAST(otherwise AS BOOLEAN) AS otherwise, CAST(wake AS VARCHAR) AS wake, CAST(wake_if AS BOOLEAN) AS wake_if, CAST(length AS BIGINT) AS length, CAST(crossing AS BIGINT) AS crossing
  FROM (VALUES
    (0, 'sum', 10.0, 1.7976931348623157e+308, FALSE, FALSE, 'first', NULL, 2592000000000, NULL),
    (1, 'distinct', 2.0, 1.7976931348623157e+308, FALSE, FALSE, 'never', NULL, NULL, NULL),
    (2, 'last', 1814400000000.0002, 1.7976931348623157e+308, FALSE, FALSE, 'never', NULL, NULL, 1814400000001)) AS v(condition, measure, low, high, outside, otherwise, wake, wake_if, length, crossing)
),
asked_now AS (
  SELECT *, COALESCE(1772625600000000 - length, start - 1, -9000000000000000000) AS after,
    COALESCE(stop, 9000000000000000000) AS until
  FROM asked
),
read_lines_in_context_counts AS (
  SELECT l.customer_id, l.name, EPOCH_US(l.occurred_at) AS t, l.amount AS v1, CASE WHEN i.channel = 'web' THEN 1 ELSE 0 END AS mask0
  FROM lines AS l JOIN interactions AS i ON i.customer_id = l.customer_id AND i.interaction_id = l.interaction_id
  WHERE l.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND l.name = 'Order Completed' AND l.occurred_at > TIMESTAMP '2026-02-02 12:00:00.000000' AND i.channel = 'web'
),
hits_lines_in_context_counts AS (
  SELECT r.customer_id, a.condition, r.t, CASE a.pick WHEN 1 THEN r.v1 END AS v
  FROM read_lines_in_context_counts AS r JOIN asked_now AS a ON a.name = r.name AND a.reading = 'lines_in_context_counts' AND r.t > a.after AND r.t < a.until AND (r.mask0 & a.need0) = a.need0
),
lines_in_context_counts AS (
  SELECT customer_id, condition, COUNT(*) AS n, SUM(v) AS total, MIN(t) AS first_t, MAX(t) AS last_t
  FROM hits_lines_in_context_counts GROUP BY customer_id, condition
),
read_interactions_kinds AS (
  SELECT i.customer_id, i.name, EPOCH_US(i.occurred_at) AS t, JSON_EXTRACT_STRING(i.properties, '$."a"."b"') AS v1, CASE WHEN COALESCE(i.type, '') <> 'system' THEN 1 ELSE 0 END AS mask0
  FROM interactions AS i
  WHERE i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND COALESCE(i.type, '') <> 'system'
),
hits_interactions_kinds AS (
  SELECT r.customer_id, a.condition, r.t, r.v1 AS v
  FROM read_interactions_kinds AS r JOIN asked_now AS a ON a.name IS NULL AND a.reading = 'interactions_kinds' AND r.t > a.after AND r.t < a.until AND (r.mask0 & a.need0) = a.need0
),
interactions_kinds AS (
  SELECT customer_id, condition, COUNT(DISTINCT v) AS n, CAST(NULL AS DOUBLE) AS total, MIN(t) AS first_t, MAX(t) AS last_t
  FROM hits_interactions_kinds GROUP BY customer_id, condition
),
read_interactions_counts AS (
  SELECT i.customer_id, i.name, EPOCH_US(i.occurred_at) AS t
  FROM interactions AS i
  WHERE i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND i.name = 'Order Completed'
),
hits_interactions_counts AS (
  SELECT r.customer_id, a.condition, r.t
  FROM read_interactions_counts AS r JOIN asked_now AS a ON a.name = r.name AND a.reading = 'interactions_counts' AND r.t > a.after AND r.t < a.until
),
interactions_counts AS (
  SELECT customer_id, condition, COUNT(*) AS n, CAST(NULL AS DOUBLE) AS total, MIN(t) AS first_t, MAX(t) AS last_t
  FROM hits_interactions_counts GROUP BY customer_id, condition
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
    FROM (SELECT * FROM lines_in_context_counts
    UNION ALL SELECT * FROM interactions_kinds
    UNION ALL SELECT * FROM interactions_counts) AS s JOIN limits AS l ON l.condition = s.condition
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
  SELECT *, (w0 & 7) = 7 AS s1
  FROM facts
),
wakes AS (
  SELECT customer_id, EPOCH_US(occurred_at) AS due FROM interactions WHERE occurred_at > TIMESTAMP '2026-03-04 12:00:00.000000'
  UNION ALL SELECT customer_id, EPOCH_US(occurred_at) AS due FROM lines WHERE occurred_at > TIMESTAMP '2026-03-04 12:00:00.000000' AND name = 'Order Completed'
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
