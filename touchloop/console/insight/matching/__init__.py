"""Matching: the last run, what weighs how much, how right it is, labels, and homes."""
