"""Data in motion: what of all that is captured feeds anything, and what hibernates."""
