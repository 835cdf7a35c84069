"""Touchloop: one customer, one record, one loop."""
