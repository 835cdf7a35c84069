"""The door for machines: tracking over HTTP, and files (importing/).

Owns: nothing but what waits for its commit. Reads: sources, through interactions.api.
Offers: `app.serve`, which speaks the Segment tracking contract and some others, and answers 200
only after what it accepted is committed to the inbox. It decides nothing about people: who may
send, how much, and whether it is well formed.
"""
