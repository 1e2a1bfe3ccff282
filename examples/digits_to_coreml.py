"""Train on digits, write a Core ML file, measure the file itself: the demo, as a script to copy.

python examples/digits_to_coreml.py
"""

import keras
import numpy as np

from mobilezoo import export_coreml, load_coreml, mnist_mlp, verify
from mobilezoo.data.digits import load_digits
from mobilezoo.data.preprocessing import preprocessing

keras.utils.set_random_seed(0)
train, held_out = load_digits()
prepare = preprocessing("unit")  # pixels 0..255 -> 0..1

model = mnist_mlp()
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(prepare(train.images), train.labels, batch_size=64, epochs=10, verbose=0)

export_coreml(
    model,
    "digits.mlpackage",
    precision="float16",
    labels="digits",
    author="me",
    short_description="Handwritten digits, 28 x 28, white on black",
    overwrite=True,
)

program = load_coreml("digits.mlpackage")
answers = program.predict({"image": held_out.images})["classLabel"]
print(f"accuracy of the file: {np.mean(np.int64(answers) == held_out.labels):.1%}")
print(verify(model, program, held_out.images))
