"""The log: everything that happens between a customer and the company, in either direction.

Owns sources, the inbox, the append-only log, touchpoints, the catalogue of kinds, held messages.
Reads nothing of other rooms.
Offers `append` to the flow, and reading functions in api.py.
"""
