"""DOOR for operators: the command `touchloop`.

Owns nothing; starts, watches and stops the parts. Reads the command line and the environment.
Holds no rules: each command calls the room that has the work, and prints what it says.
"""
