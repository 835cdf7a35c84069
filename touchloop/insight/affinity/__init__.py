"""Affinity: what goes with what, and what a customer has never bought.

Owns: counted pairs and sets, product families, suggestions. Reads: the lake. Offers: pairs with
intervals, next categories and products as scores, ideas for shelves and bundles.
"""
