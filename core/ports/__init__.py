"""Neutral values and Protocols between the domain and the outside; providers implement them.

Wire words (``101 Sent``, ``ResultCode``) stop in ``channels``; what passes here is ours.
"""
