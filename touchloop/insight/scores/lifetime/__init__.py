"""Lifetime value: how often customers will come again, what they will spend, whether they left.

Each model is a file of a log-likelihood with its gradient over grouped sufficient statistics;
`fitting` maximises them, `judging` says when a fit lies at a boundary and what is used instead.
"""
