"""Triggers: an entry or an event, a delay, a condition asked again, an act; exactly once.

Owns: triggers with their versions, and runs, one for each customer on the way through one. Reads:
segments, open cases. Offers: `on_batch` (starts and ends runs in the batch's transaction), `due`
(takes what is due through its steps). A trigger is a way of three steps; a journey has more.
"""
