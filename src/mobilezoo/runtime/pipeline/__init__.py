"""Pipelines: models in one file that run one after the other."""
