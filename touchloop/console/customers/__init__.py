"""Customers: finding them, and one customer's page: who, what happened, what now."""
