"""What it means: segments that are right at every moment, scores with their inputs and age.

Owns rules, membership, scores. Reads the lake, and what its callers hand in.
Offers evaluation to the flow, and rules in words to the doors.
"""
