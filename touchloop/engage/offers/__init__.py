"""Offers and their treatments: what may be proposed, to whom, how it looks on a channel."""
