"""Offers: what the company may propose, to whom, how it looks, and what came of it."""
