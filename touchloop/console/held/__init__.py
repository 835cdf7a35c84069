"""Dead letters and quarantine: messages set aside, to be replayed or discarded."""
