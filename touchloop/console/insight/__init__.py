"""Insight: value, risk, affinity, paths, intent, uplift, matching, models, data in motion."""
