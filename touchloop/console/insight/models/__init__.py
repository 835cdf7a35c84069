"""Models: what is learned, how good it is, from whom; train, cancel, roll back."""
