"""Scorecards: experience per touchpoint, place and stage, with sample size and interval."""
