"""The door for programs: decisions, and the keys that open it."""
