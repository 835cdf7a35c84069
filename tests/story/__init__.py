"""Stories: the whole product, from the outside."""
