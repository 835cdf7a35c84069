"""Live: interactions as they arrive, each with what every step of the flow did to it."""
