"""Signals: experience that shows in what customers do, without asking them.

Owns: signals and the rules they follow. Reads: what happened, the log's clicks, the lake's orders.
Offers: noticing (once for each cause), and what was noticed of whom and where.
"""
