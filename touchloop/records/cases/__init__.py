"""Cases: a service request, complaint or bad answer with an owner and a clock.

Owns: cases and what was done about them. Reads: customers. Offers: opening (once per cause),
answering, closing, and who has one open.
"""
