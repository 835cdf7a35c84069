"""What the customer felt and how hard it was, asked and inferred."""
