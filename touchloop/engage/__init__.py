"""What the company proposes to whom, when: offers, decisions, triggers, campaigns."""
