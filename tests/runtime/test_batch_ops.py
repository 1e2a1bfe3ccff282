"""Ops whose rules let several examples run at once give what each example gives alone."""

import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct, mb

RNG = np.random.default_rng(2)
TARGETS = {15: ct.target.iOS15, 17: ct.target.iOS17, 18: ct.target.iOS18}


def whole(x):
    """Places 0 to 2 that depend on the input."""
    return mb.cast(x=mb.mul(x=mb.sigmoid(x=x), y=2.99), dtype="int32")


def kept(x):
    """Two boxes out of the columns of x (1, n, 6): their coordinates and scores."""
    boxes, scores = mb.split(x=mb.exp(x=x), split_sizes=[4, 2], axis=2)
    made = mb.non_maximum_suppression(
        boxes=boxes, scores=scores, iou_threshold=0.3, score_threshold=0.1, max_boxes=2
    )
    return mb.concat(values=(made[0], mb.square(x=made[0])), axis=2)


def resampled(x):
    where = mb.slice_by_index(x=x, begin=[0, 0, 0, 0], end=[1, 2, 3, 2])
    return mb.resample(
        x=x, coordinates=where, sampling_mode="bilinear", padding_mode="border",
        padding_value=0.0, coordinates_mode="normalized_zero_to_one", align_corners=True,
    )  # fmt: skip


def transformed(x):
    return mb.affine(
        x=x, transform_matrix=np.float32([[0.5, 0.1, 0.0, 0.2, 0.7, 0.1]]), output_height=2,
        output_width=5, sampling_mode="bilinear", padding_mode="constant", padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one", align_corners=True,
    )  # fmt: skip


def updated(x):
    part = mb.slice_by_index(x=mb.square(x=x), begin=[0, 0, 1], end=[1, 1, 4])
    return mb.slice_update(x=x, update=part, begin=[0, 2, 0], end=[1, 3, 3])


def attended(x):
    mask = np.where(np.eye(3) > 0, 0.0, -1.0).astype(np.float32)
    return mb.scaled_dot_product_attention(query=x, key=mb.sin(x=x), value=x, attn_mask=mask)


def coded(x):
    codes = mb.quantize(input=x, scale=np.float32([0.1, 0.2, 0.3]), output_dtype="int8", axis=1)
    return mb.dequantize(input=codes, scale=np.float32(0.5))


def scattered(x):
    updates = mb.slice_by_index(x=mb.square(x=x), begin=[0, 0, 0], end=[1, 2, 4])
    return mb.scatter(data=x, indices=np.int32([2, 0]), updates=updates, axis=1)


def filled(x):
    return mb.add(x=mb.fill_like(ref_tensor=x, value=np.float32(3.0)), y=x)


def gathered(x):
    return mb.gather_along_axis(x=x, indices=whole(x), axis=1)


def looked_up(x):
    table = np.arange(27.0, dtype=np.float32).reshape(3, 3, 3)
    return mb.gather_nd(
        x=table, indices=mb.slice_by_size(x=whole(x), begin=[0, 0, 0], size=[1, 3, 2])
    )


def hot(x):
    return mb.one_hot(indices=whole(x), one_hot_vector_size=3, on_value=2.0, off_value=0.5)


# name: (op set, shape of one example, body)
CASES = {
    "affine": (15, (2, 4, 3), transformed),
    "argsort": (15, (3, 4), lambda x: mb.cast(x=mb.argsort(x=x, axis=1), dtype="fp32")),
    "band_part": (15, (3, 4), lambda x: mb.band_part(x=x, lower=1, upper=0)),
    "crop": (15, (2, 4, 3), lambda x: mb.crop(x=x, crop_height=[1, 0], crop_width=[0, 1])),
    "depth_to_space": (15, (8, 2, 3), lambda x: mb.depth_to_space(x=x, block_size=2)),
    "einsum": (15, (2, 3, 2), lambda x: mb.einsum(values=(x, x), equation="nchw,nwhu->nchu")),
    "fill_like": (17, (3, 4), filled),
    "flatten2d": (15, (3, 4), lambda x: mb.flatten2d(x=x, axis=1)),
    "gather_along_axis": (15, (3, 4), gathered),
    "gather_nd": (15, (3, 4), looked_up),
    "instance_norm": (15, (2, 4, 3), lambda x: mb.instance_norm(x=x, gamma=np.float32([2, 3]))),
    "l2_norm": (15, (2, 4, 3), lambda x: mb.l2_norm(x=x)),
    "non_maximum_suppression": (15, (7, 6), kept),
    "one_hot": (15, (3, 4), hot),
    "pixel_shuffle": (15, (8, 2, 3), lambda x: mb.pixel_shuffle(x=x, upscale_factor=2)),
    "pixel_unshuffle": (
        17, (2, 4, 6), lambda x: mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(2)),
    ),
    "quantize": (17, (3, 4), coded),
    "reduce_l2_norm": (15, (3, 4), lambda x: mb.reduce_l2_norm(x=x, axes=[-1])),
    "reduce_log_sum_exp": (15, (3, 4), lambda x: mb.reduce_log_sum_exp(x=x, axes=[1])),
    "resample": (15, (2, 4, 3), resampled),
    "resize": (
        17, (2, 4, 3),
        lambda x: mb.resize(x=x, shape=[3, 5], resized_dims=np.uint32(2), sampling_mode="DEFAULT"),
    ),
    "scaled_dot_product_attention": (18, (3, 4), attended),
    "scatter": (15, (3, 4), scattered),
    "slice_update": (18, (3, 4), updated),
    "sliding_windows": (15, (3, 4), lambda x: mb.sliding_windows(x=x, axis=2, size=2)),
    "space_to_depth": (15, (2, 4, 6), lambda x: mb.space_to_depth(x=x, block_size=2)),
    "topk": (15, (3, 4), lambda x: mb.topk(x=x, k=2, axis=1)[0]),
    "upsample_bilinear": (
        15, (4, 3), lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2)
    ),
}  # fmt: skip
# each mixes what lies along the leading axis, or has a constant of one row
ONE_BY_ONE = {
    "argsort": (15, (3,), lambda x: mb.cast(x=mb.argsort(x=x, axis=0), dtype="fp32")),
    "band_part": (15, (3,), lambda x: mb.band_part(x=x, lower=0, upper=1)),
    "l2_norm": (15, (4, 3), lambda x: mb.l2_norm(x=x)),
    "gather_along_axis": (
        15, (3,), lambda x: mb.gather_along_axis(x=x, indices=np.int32([[2, 0]]), axis=1),
    ),
    "resize": (17, (3,), lambda x: mb.resize(x=x, shape=[1, 5], resized_dims=np.uint32(2))),
    "flatten2d": (15, (3,), lambda x: mb.flatten2d(x=x, axis=0)),
    "shape": (15, (2,), lambda x: mb.mul(x=x, y=mb.cast(x=mb.shape(x=x), dtype="fp32"))),
}  # fmt: skip


def predictions(save_package, case):
    target, shape, body = case
    mil = build((1, *shape), lambda x: mb.identity(x=body(x), name="y"), TARGETS[target])
    program = load_coreml(save_package(mil, minimum_deployment_target=TARGETS[target]))
    x = RNG.normal(size=(5, *shape)).astype(np.float32)
    together = program.predict({"x": x[:, np.newaxis]})["y"]
    alone = np.stack([program.predict({"x": x[i : i + 1]})["y"] for i in range(5)])
    return program._executable.runs_many, together, alone


@pytest.mark.parametrize("name", CASES)
def test_several_examples_run_at_once(save_package, name):
    at_once, together, alone = predictions(save_package, CASES[name])

    assert at_once
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
    assert np.abs(alone - alone[0]).max() > 0.1  # the examples differ


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_what_would_mix_examples_runs_one_by_one(save_package, name):
    at_once, together, alone = predictions(save_package, ONE_BY_ONE[name])

    assert not at_once
    np.testing.assert_array_equal(together, alone)


def test_examples_that_find_different_numbers_of_things_give_a_list(save_package):
    program = load_coreml(save_package(build((1, 4), lambda x: mb.non_zero(x=x, name="y"))))
    x = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]])

    at_once = program.predict({"x": x[:, np.newaxis]})["y"]
    listed = [row["y"] for row in program.predict([{"x": x[:1]}, {"x": x[1:]}])]

    for found in (at_once, listed):
        assert isinstance(found, list)
        assert [each.tolist() for each in found] == [[[0, 1], [0, 3]], [[0, 3]]]


@pytest.mark.parametrize("op", ["gather_nd", "scatter_nd"])
def test_a_place_that_the_inputs_ask_for_and_is_not_there_is_their_fault(save_package, op):
    def body(x):
        places = mb.cast(x=mb.reshape(x=x, shape=[3, 1]), dtype="int32")
        if op == "gather_nd":
            return mb.gather_nd(x=mb.reshape(x=x, shape=[3]), indices=places, name="y")
        flat = mb.reshape(x=x, shape=[3])
        return mb.scatter_nd(data=flat, indices=places, updates=flat, mode="update", name="y")

    program = load_coreml(save_package(build((1, 3), body)))

    np.testing.assert_array_equal(program.predict({"x": [[2.0, 0.0, 1.0]]})["y"].shape, [3])
    with pytest.raises(InvalidArgumentError, match="ask for a place that a value does not have"):
        program.predict({"x": [[2.0, 0.0, 3.0]]})
