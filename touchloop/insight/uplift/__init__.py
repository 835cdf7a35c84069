"""Uplift: whom an offer changes.

Owns: fitted uplift models and their curves. Reads: randomised holdouts of offers and campaigns.
Offers: gain in people with its interval, beside "the best for all".
"""
