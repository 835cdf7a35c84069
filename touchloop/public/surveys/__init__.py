"""The page on which customers answer: by the link of an invitation, or a code at a place."""
