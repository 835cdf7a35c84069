"""The console: the door for people.

Owns: pages, the design language (`ui/`), saved views. Reads every room through its `api`.
Holds no rules: a view parses, asks `core.access` whether it may, calls an `api`, and renders.
"""
