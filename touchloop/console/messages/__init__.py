"""Messages: campaigns, triggers, templates, the outbox with what was held back, and the policy."""
