"""Value: what customers will spend, how sure that is, and whether it was right before."""
