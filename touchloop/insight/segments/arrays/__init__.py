"""The second execution of a described set of rules: for the customers just touched, on arrays.

`plan` is made once for a set of rules; `rows` holds a relation in the order of customer and time;
`choosing` finds the rows that a condition means; `counting`, `ordering` and `knowing` decide the
conditions; `questions` and `casting` read what stands in JSON as DuckDB would.
"""
