"""Signals: experience inferred from behaviour, without asking."""
