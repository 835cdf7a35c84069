"""The way of every interaction through the product: steps.py is the map.

Owns micro-batches and the wake-up list. Reads all rooms below.
Offers the worker, replay and the figures of each step.
"""
