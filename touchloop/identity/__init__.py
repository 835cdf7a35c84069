"""Who is this?

Owns identifiers, the links between them, the log of merges and the suggestions for a person to
decide. Reads only core. Offers (api.py): `resolve` for a batch of claims, merge and undo for staff,
and where each identifier of a customer came from.
"""
