"""Uplift: whom an offer changes, in people, with the noise of the method beside it."""
