"""How fast it is, measured: each number beside a baseline of the same run.

Owns installations of its own for a measurement, and removes them. May reach into any room.
Offers `run` of each bench to the command line.
"""
