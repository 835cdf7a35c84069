"""Matching: which records are the same person, without a shared key.

Owns: what was learned (versions), runs, pairs to look at, labels, the policy of merging, and
households. Reads: customers, under consent; any list of people from a file. Offers: the matching of
a table (`match`), suggestions to identity, homes. Merges happen in identity, and can be undone.

The way through: columns (what is what), cleaning (one written form), blocking (which pairs),
comparing and learning (weights, by Splink), guarding (what must not be joined), clustering
(people), measuring.
"""
