"""Preprocessing, labels and the digits that ship with the package."""
