"""Matching: who may be the same person without sharing an identifier.

Owns: versions of the matching rules, the pairs found, the labels people gave. Reads: customers and
imported lists. Offers: suggestions with the evidence in words; merges go through identity.
"""
