"""Links in messages: where they lead, and what is kept of who followed them."""
