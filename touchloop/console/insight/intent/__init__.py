"""Intent: the visits that are on now, what each means to do, and how right that was before."""
