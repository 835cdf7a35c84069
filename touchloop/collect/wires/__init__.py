"""The protocols that are understood at the door, one file each.

A wire turns a request into a Parcel in Segment's shape; nothing behind the door knows another. To
add one: write its file with a `ROUTES` like the others, and name it in routes.py.
"""
