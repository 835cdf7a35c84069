"""Models: numbers that are learned, kept like products.

Owns: versions of every model (window, features, metrics, words), which one is in use, the runs.
Reads: the lake, what customers allow. Offers: the seam that a kind of model fills, training on a
schedule, rollback, drift, the model card.
"""
