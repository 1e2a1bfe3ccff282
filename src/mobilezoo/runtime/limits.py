"""How much a file may ask for. A file that you trust may need more: assign before it runs.

    from mobilezoo.runtime import limits

    limits.MOST_ELEMENTS = 1 << 30

Numbers are elements, of 4 bytes each in most values, and of one example. docs/untrusted-files.md
says what these bounds are worth.
"""

MOST_ELEMENTS = 1 << 28  # of one value: 1 GiB
MOST_ELEMENTS_IN_ALL = 1 << 31  # of all values together: 8 GiB
MOST_MULT_ADDS = 1 << 42  # of one example: minutes

MOST_OPERATIONS = 1 << 16  # of a program, or layers of a network
MOST_AXES = 16  # of a value; Core ML takes 5, or 6
MOST_WINDOW = 1 << 16  # pixels of a kernel, a stride, a dilation or a border
MOST_PARTS = 1 << 12  # groups of a convolution, or values that one is cut into
MOST_PAIRS = 1 << 34  # of boxes that may be compared, times their classes
MOST_STEPS = 1 << 16  # of a recurrent layer

MOST_SPECIFICATION_BYTES = (1 << 31) - 1  # protobuf's own
MOST_MANIFEST_BYTES = 1 << 20
