"""Decisions: what was proposed to whom and why, and what would be proposed."""
