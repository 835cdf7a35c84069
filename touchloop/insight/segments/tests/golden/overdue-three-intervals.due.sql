WITH base AS (
  SELECT c.customer_id
  FROM customers AS c
),
visits_0 AS (
  SELECT i.customer_id, EPOCH_US(i.occurred_at) AS t
  FROM interactions AS i
  WHERE i.name = 'Order Completed' AND i.occurred_at <= TIMESTAMP '2026-03-04 12:00:00.000000'
),
days_0 AS (
  SELECT customer_id, (t + 66528000000000000) // 86400000000 AS day, MIN(t) AS first_t, MAX(t) AS last_t
  FROM visits_0 GROUP BY customer_id, (t + 66528000000000000) // 86400000000
),
gaps_0 AS (
  SELECT customer_id, first_t, last_t,
    day - LAG(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
  FROM days_0
),
usual_0 AS (
  SELECT customer_id, MIN(first_t) AS first_t, MAX(last_t) AS last_t,
    MEDIAN(gap) AS gap, COUNT(*) AS days
  FROM gaps_0 GROUP BY customer_id
),
overdue_0 AS (
  SELECT customer_id, 1772625600000000 >= late_t AS held,
    CASE WHEN late_t > 1772625600000000 THEN LEAST(late_t, CAST(NULL AS BIGINT)) ELSE CAST(NULL AS BIGINT) END AS due
  FROM (
    SELECT customer_id, first_t,
      last_t + CAST(ROUND(gap * 259200000000.0) AS BIGINT) AS late_t
    FROM usual_0 WHERE days >= 8
  ) AS u
),
flips AS (
  SELECT customer_id, 0 AS condition FROM overdue_0 WHERE held
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
  SELECT customer_id, EPOCH_US(occurred_at) AS due FROM interactions WHERE occurred_at > TIMESTAMP '2026-03-04 12:00:00.000000' AND name = 'Order Completed'
  UNION ALL SELECT customer_id, due FROM overdue_0
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
