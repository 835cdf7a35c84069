"""Segments: rules that read as sentences, their members, and who came and went."""
