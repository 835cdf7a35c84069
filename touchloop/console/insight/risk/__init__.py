"""Risk: who is leaving, how right that was before, and who uses less than people like them."""
