"""Scorecards: the experience from region to store to answers, never without n and interval."""
