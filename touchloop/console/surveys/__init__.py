"""Surveys: what is asked of whom, who was not asked and why, and what was answered."""
