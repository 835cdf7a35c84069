"""Suggestions: merges to decide, and merges to undo."""
