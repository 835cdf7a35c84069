"""What we know: one canonical row per customer, folded from facts with source and age.

Owns trait values, customers, activity. Reads identity and consent.
Offers folding to the flow; search and timeline to the doors.
"""
