"""The rights of the person: what we hold, why, how it leaves and how it ages.

Owns the manifest of every table. Reads all rooms below.
Offers access (export) and erasure of one customer.
"""
