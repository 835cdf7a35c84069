"""The door for customers: preferences, surveys, tracked links; no sign-in, no scripts needed."""
