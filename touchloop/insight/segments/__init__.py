"""Segments: customers that satisfy a rule, kept true as interactions arrive and as time passes.

Owns: rules and their versions, membership. Reads: interactions, lines, customers and scores, as the
relations a caller binds. Offers: one description of the rules, executed for everybody over the lake
and for the customers just touched, and the instant at which a membership may next change by itself.
"""
