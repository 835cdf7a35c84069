"""Likeness: what sets two segments apart, and who resembles the members of one.

Owns: comparisons that were asked for, with what was found. Reads: the lake, segments, what
customers allow; models keep the lookalikes. Offers: a comparison, and a kind of
model for each seed.
"""
