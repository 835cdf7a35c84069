"""May we? Purposes, categories and grants, and the one function that decides.

Owns the default policy and two append-only ledgers: grants of use, grants of contact.
Reads identity (whose grants belong together).
Offers decide() to every room that uses what we know, and the ledgers to the flow.
"""
