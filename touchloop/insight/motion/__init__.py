"""Data in motion: what of the captured data is used, what hibernates, what it costs.

Owns: the count of uses. Reads: the catalogue of events, segments, models, decisions, messages.
Offers: one row for each source, event, property and trait; one number for Loop.
"""
