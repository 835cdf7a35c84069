WITH base AS (
  SELECT c.customer_id
  FROM customers AS c
),
marks_0 AS (
  SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, 1 AS first
  FROM interactions AS i
  WHERE i.name = 'Order Completed' AND i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000'
  UNION ALL
  SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, 0 AS first
  FROM interactions AS i
  WHERE i.name = 'Order Completed' AND i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000'
),
pairs_0 AS (
  SELECT customer_id, t, first,
    LAG(first) OVER w AS before_first, LAG(t) OVER w AS before_t
  FROM marks_0 WINDOW w AS (PARTITION BY customer_id ORDER BY t, first)
),
sequence_0 AS (
  SELECT customer_id, TRUE AS held, CAST(NULL AS BIGINT) AS due
  FROM pairs_0
  WHERE first = 0 AND before_first = 1 AND t <= before_t + 604800000000
  GROUP BY customer_id
),
marks_1 AS (
  SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, 1 AS first
  FROM interactions AS i
  WHERE i.name = 'Product Added' AND i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND i.occurred_at > TIMESTAMP '2026-02-02 12:00:00.000000' AND i.channel = 'web'
  UNION ALL
  SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t, 0 AS first
  FROM interactions AS i
  WHERE i.name = 'Order Completed' AND i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000' AND i.occurred_at > TIMESTAMP '2026-02-02 12:00:00.000000'
),
pairs_1 AS (
  SELECT customer_id, t, first,
    MIN(CASE WHEN first = 0 THEN t END) OVER (
      PARTITION BY customer_id ORDER BY t DESC, first DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS next_t
  FROM marks_1
),
alone_1 AS (
  SELECT customer_id, t, t + 3600000000 <= 1772625600000000 AS ripe
  FROM pairs_1
  WHERE first = 1 AND (next_t IS NULL OR next_t > t + 3600000000)
),
sequence_1 AS (
  SELECT customer_id, MAX(CASE WHEN ripe THEN 1 ELSE 0 END) = 1 AS held,
    CASE WHEN MAX(CASE WHEN ripe THEN 1 ELSE 0 END) = 1 THEN CAST(MAX(CASE WHEN ripe THEN t END) + 2592000000000 AS BIGINT)
      ELSE MIN(t) + 3600000000 END AS due
  FROM alone_1 GROUP BY customer_id
),
flips AS (
  SELECT customer_id, 0 AS condition FROM sequence_0 WHERE held
  UNION ALL SELECT customer_id, 1 AS condition FROM sequence_1 WHERE held
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
  SELECT *, (w0 & 3) = 3 AS s1
  FROM facts
),
wakes AS (
  SELECT customer_id, EPOCH_US(occurred_at) AS due FROM interactions WHERE occurred_at > TIMESTAMP '2026-03-04 12:00:00.000000' AND name IN ('Order Completed', 'Product Added')
  UNION ALL SELECT customer_id, due FROM sequence_0
  UNION ALL SELECT customer_id, due FROM sequence_1
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
