"""Comparing two networks of the same weights."""

import numpy as np

from mobilezoo.randomize import random_pictures


def assert_same_answers(ours, theirs, *, low=-1, high=1):
    """Compare two networks on two random pictures, to rounding relative to the largest value.

    Called directly: tracing `predict` takes longer than everything else here.
    """
    shape = (2, *theirs.input_shape[1:])
    pictures = random_pictures(np.random.default_rng(0), shape)  # noise alone looks all the same
    x = (low + (high - low) * (pictures / 255)).astype(np.float32)
    expected = np.asarray(theirs(x, training=False))
    assert np.ptp(expected, axis=0).max() > 0.01 * np.abs(expected).max()  # sees its input
    # float32 sums of some thousand products, in the order that threads bring about
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(ours(x, training=False), expected, rtol=0, atol=tolerance)
