"""A file beside what another framework computes."""

import numpy as np

_LIMIT = 2e-5  # of the largest reference: float32 sums in another order


def assert_computes(program, inputs, references):
    """Several examples together, and the first alone, give the references.

    Args:
        program: the opened file.
        inputs: name -> several examples, one row each.
        references: one array for each output, one row for each example.
    """
    together = list(program.predict(inputs).values())
    alone = list(program.predict({name: value[:1] for name, value in inputs.items()}).values())

    for reference, many, one in zip(references, together, alone, strict=True):
        peak = np.abs(reference).max()
        assert np.ptp(reference, axis=0).max() > 0.01 * peak  # the examples differ
        np.testing.assert_allclose(many, reference, atol=_LIMIT * peak, rtol=0)
        np.testing.assert_allclose(one, reference[:1], atol=_LIMIT * peak, rtol=0)
