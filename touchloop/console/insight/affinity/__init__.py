"""What goes with what: pairs, ideas, what comes next, families."""
