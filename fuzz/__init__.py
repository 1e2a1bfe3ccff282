"""Hostile files: made from good ones, opened and run in a process that is watched."""
