"""Scores: numbers that a model gives customers, with their inputs and their age.

Owns: the scores table. Reads: the lake's relations. Offers: a score by name for segments and
pages, and the models that compute them (each a folder or file of named SQL steps).
"""
