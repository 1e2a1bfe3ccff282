"""Weights in few bits: which codes, and which numbers they stand for."""
