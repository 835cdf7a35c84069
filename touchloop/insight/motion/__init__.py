"""Data in motion: of everything that is captured, what feeds anything, and what hibernates.

Owns: what is captured with what it costs, who uses it, how the share in use went day by day.
Reads: the log's catalogue and a sample of it, traits, consent. Offers: the figures for a page and
for Loop; rooms above hand in what they use.
"""
