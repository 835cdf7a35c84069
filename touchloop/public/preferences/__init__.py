"""What a customer chooses without signing in: unsubscribing, and the page of choices."""
