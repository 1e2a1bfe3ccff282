"""Every value of a program for several examples, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.examples import read_examples
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.storage import Storage

_DEVICE = "CPU:0"


def observe(opened: Opened, inputs: Mapping[str, Any], look: Callable[[str, Array], None]) -> None:
    """Run a program on each example and show every value, the inputs' too; none is kept.

    Args:
        opened: the program; no pipeline.
        inputs: as `predict` takes them, several at once.
        look: gets the name of a value and the numbers, float32.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """
    executable = opened.executable
    if not isinstance(executable, Executable):
        raise InvalidArgumentError(f"{opened.path.name} is no ML program, but a pipeline.")
    arrays = read_examples(opened.inputs, inputs).arrays
    executable.run([array[:1] for array in arrays])  # refuses what needs too much
    for i in range(len(arrays[0])):
        ((operations, environment),) = executable.begun([array[i : i + 1] for array in arrays])
        for name, value in environment.items():
            look(name, np.asarray(value))
        with tf.device(_DEVICE):
            for name, value in evaluate(operations, environment, Storage()):
                look(name, np.asarray(value))
