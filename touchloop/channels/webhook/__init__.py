"""A webhook as a channel: Standard Webhooks, and an address that is checked when it is used."""
