"""Django's own settings, addresses and server entry."""
