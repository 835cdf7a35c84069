"""Triggers: an entry or an event, a delay, a condition asked again, an act; exactly once."""
