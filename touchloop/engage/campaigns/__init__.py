"""Campaigns: one message to one audience at one time, with variants and a holdout."""
