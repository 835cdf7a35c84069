"""Cases: what a customer is owed an answer to, with its story, owner and clock."""
