"""Campaigns: one message to one audience at one time, with variants and a holdout.

Owns: campaigns and their members. Reads: segments. Offers: make, start, pause, resume, abort; `due`
(feeds the channels under window and throttle); a live report with an interval beside every rate;
the retailer's own campaigns of the past as the log holds them.
"""
