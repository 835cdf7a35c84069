"""All kinds of models of the product, in one list.

Owns: nothing. Reads: the rooms that learn. Offers: KINDS, which the part that learns runs and the
console shows.
"""
