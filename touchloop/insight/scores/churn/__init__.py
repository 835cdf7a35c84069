"""Who is leaving: by contract, by silence, and from any file."""
