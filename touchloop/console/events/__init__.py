"""Events: the catalogue of what was ever sent."""
