"""Settings: the organisation, its people, their sign-in, what they did, how the console looks."""
