"""Loop: the whole circle at a glance, and what changed for customers today."""
