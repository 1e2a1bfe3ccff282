"""Models that are one formula: suppression of boxes, linear models, arranging of features.

They stand behind a network in a pipeline, or alone in a file. What each means is in Apple's
protobuf file of its name; all compute in float64, one example after the other.
"""
