"""Sources and keys: who may send, and how to connect in five minutes."""
