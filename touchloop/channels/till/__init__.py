"""The prompt at a till or on an agent's screen: decided when the customer is there."""
