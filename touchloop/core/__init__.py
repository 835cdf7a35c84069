"""What every room stands on: settings, clock, errors, ids, the database.

Owns no customer data. Reads the environment. Offers small, stable functions.
"""
