"""Decisions: which offer, or none, for this customer here and now, and why; replayable."""
