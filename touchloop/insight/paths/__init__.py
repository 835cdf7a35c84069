"""Paths: the steps that customers take before a purchase, and what each step is worth.

Owns: nothing; models keep what is counted. Reads: the lake, what customers allow. Offers: the graph
of steps with times, the most common ways, and the credit of each step by three rules and a model.
"""
