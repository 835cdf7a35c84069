"""Paths to purchase: the graph of steps, the ways, and what each step is worth."""
