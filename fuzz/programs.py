"""Small ML programs, one for each op or so, that coremltools writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mobilezoo import _environment

ct = _environment.coremltools()

import coremltools.optimize.coreml as cto  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402

Body: TypeAlias = Callable[[Any], Any]
RNG = np.random.default_rng(5)
SHAPE = (1, 4, 6, 8)


def _weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def _whole(x: Any) -> Any:
    """Numbers from 0 to 3."""
    return mb.cast(x=mb.clip(x=x, alpha=0.0, beta=3.0), dtype="int32")


def _rows(x: Any) -> Any:
    return mb.reshape(x=x, shape=[1, 24, 8])


def _attention(x: Any) -> Any:
    q, k, v = (mb.linear(x=_rows(x), weight=_weights(8, 8)) for _ in range(3))
    scores = mb.softmax(x=mb.matmul(x=q, y=k, transpose_y=True), axis=-1)
    return mb.matmul(x=scores, y=v)


def _lstm(x: Any) -> Any:
    given = mb.transpose(x=_rows(x), perm=[1, 0, 2])
    start = np.zeros((1, 5), np.float32)
    return mb.lstm(
        x=given, initial_h=start, initial_c=start, weight_ih=_weights(20, 8),
        weight_hh=_weights(20, 5), bias=_weights(20), output_sequence=True,
    )[0]  # fmt: skip


def _gru(x: Any) -> Any:
    given = mb.transpose(x=_rows(x), perm=[1, 0, 2])
    return mb.gru(
        x=given, initial_h=np.zeros((1, 5), np.float32), weight_ih=_weights(15, 8),
        weight_hh=_weights(15, 5), output_sequence=True,
    )[0]  # fmt: skip


def _rnn(x: Any) -> Any:
    given = mb.transpose(x=_rows(x), perm=[1, 0, 2])
    return mb.rnn(
        x=given, initial_h=np.zeros((1, 5), np.float32), weight_ih=_weights(5, 8),
        weight_hh=_weights(5, 5), output_sequence=True,
    )[0]  # fmt: skip


def _suppressed(x: Any) -> Any:
    boxes = mb.slice_by_size(x=_rows(x), begin=[0, 0, 0], size=[1, 24, 4])
    scores = mb.slice_by_size(x=_rows(x), begin=[0, 0, 4], size=[1, 24, 4])
    return mb.non_maximum_suppression(
        boxes=boxes, scores=scores, iou_threshold=0.5, score_threshold=0.1, max_boxes=6,
        per_class_suppression=False,
    )  # fmt: skip


def _cropped(x: Any) -> Any:
    roi = np.float32([[0, 0, 0, 3, 3], [0, 1, 1, 4, 5]]).reshape(2, 1, 5, 1, 1)
    return mb.crop_resize(x=x, roi=roi, target_height=3, target_width=2)


def _resampled(x: Any) -> Any:
    return mb.resample(
        x=x, coordinates=_weights(1, 3, 5, 2), sampling_mode="bilinear",
        padding_mode="constant", padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one", align_corners=True,
    )  # fmt: skip


def _affine(x: Any) -> Any:
    return mb.affine(
        x=x, transform_matrix=np.ones((1, 6), np.float32), output_height=4, output_width=5,
        sampling_mode="bilinear", padding_mode="constant", padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one", align_corners=True,
    )  # fmt: skip


def _dynamic(x: Any) -> Any:
    """Sizes that the numbers decide."""
    places = mb.non_zero(x=x)
    return mb.reduce_sum(x=mb.cast(x=places, dtype="fp32"), axes=[0])


def _computed(x: Any) -> Any:
    """Sizes that another value has."""
    sizes = mb.shape(x=x)
    filled = mb.fill(shape=mb.gather(x=sizes, indices=[0, 3, 2], axis=0), value=0.5)
    return mb.matmul(
        x=filled, y=mb.fill(shape=mb.gather(x=sizes, indices=[2, 1], axis=0), value=2.0)
    )


def _everything(x: Any) -> Any:
    y = mb.conv(x=x, weight=_weights(8, 4, 3, 3), pad_type="same", strides=[2, 2], bias=_weights(8))
    y = mb.batch_norm(
        x=y, mean=_weights(8), variance=np.ones(8, np.float32), gamma=_weights(8), beta=_weights(8)
    )
    y = mb.relu(x=y)
    z = mb.conv(x=y, weight=_weights(8, 1, 3, 3), groups=8, pad_type="custom", pad=[1, 1, 1, 1])
    y = mb.add(x=y, y=z)
    y = mb.concat(values=[y, mb.tanh(x=z)], axis=1)
    y = mb.avg_pool(x=y, kernel_sizes=[2, 2], pad_type="same", strides=[1, 1])
    y = mb.reduce_mean(x=y, axes=[2, 3], keep_dims=False)
    return mb.softmax(x=mb.linear(x=y, weight=_weights(5, 16), bias=_weights(5)), axis=-1)


BODIES: dict[str, Body] = {
    "everything": _everything,
    "attention": _attention,
    "lstm": _lstm, "gru": _gru, "rnn": _rnn,
    "nms": _suppressed, "crop_resize": _cropped, "resample": _resampled, "affine": _affine,
    "non_zero": _dynamic, "computed": _computed,
    "conv1d": lambda x: mb.conv(x=_rows(x), weight=_weights(6, 24, 3), dilations=[2]),
    "conv_groups": lambda x: mb.conv(x=x, weight=_weights(6, 2, 3, 2), groups=2, strides=[2, 1]),
    "conv_dilated": lambda x: mb.conv(
        x=x, weight=_weights(4, 1, 2, 2), groups=4, dilations=[2, 1], pad_type="custom",
        pad=[1, 2, 0, 1],
    ),
    "conv_transpose": lambda x: mb.conv_transpose(
        x=x, weight=_weights(4, 3, 3, 2), strides=[2, 3], pad_type="same"
    ),
    "conv_transpose_groups": lambda x: mb.conv_transpose(
        x=x, weight=_weights(4, 2, 3, 3), groups=2, dilations=[2, 1], pad_type="custom",
        pad=[1, 0, 1, 1],
    ),
    "max_pool": lambda x: mb.max_pool(
        x=x, kernel_sizes=[3, 2], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1],
        ceil_mode=True,
    ),
    "avg_pool": lambda x: mb.avg_pool(
        x=x, kernel_sizes=[3, 2], strides=[2, 1], pad_type="custom", pad=[1, 0, 1, 1],
        exclude_padding_from_average=True,
    ),
    "l2_pool": lambda x: mb.l2_pool(x=x, kernel_sizes=[2, 3], strides=[2, 1], pad_type="valid"),
    "upsample": lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2, scale_factor_width=3),
    "nearest": lambda x: mb.upsample_nearest_neighbor(
        x=x, scale_factor_height=2, scale_factor_width=3
    ),
    "resize_bilinear": lambda x: mb.resize_bilinear(
        x=x, target_size_height=5, target_size_width=7, sampling_mode="OFFSET_CORNERS"
    ),
    "resize_nearest": lambda x: mb.resize_nearest_neighbor(
        x=x, target_size_height=5, target_size_width=7
    ),
    "tile": lambda x: mb.tile(x=x, reps=[1, 2, 1, 3]),
    "pad": lambda x: mb.pad(x=x, pad=[0, 0, 1, 2, 2, 1], mode="constant", constant_val=1.0),
    "pad_reflect": lambda x: mb.pad(x=x, pad=[1, 2, 2, 1], mode="reflect"),
    "pad_replicate": lambda x: mb.pad(x=x, pad=[1, 2, 2, 1], mode="replicate"),
    "gather": lambda x: mb.gather(x=_weights(5, 6), indices=_whole(x), axis=0),
    "gather_axis": lambda x: mb.gather(x=x, indices=[0, 3, -1], axis=2),
    "gather_nd": lambda x: mb.gather_nd(x=x, indices=[[0, 1], [0, 3]]),
    "gather_along": lambda x: mb.gather_along_axis(x=x, indices=_whole(x), axis=1),
    "scatter": lambda x: mb.scatter(data=x, indices=[1, 0], updates=_weights(1, 2, 6, 8), axis=1),
    "scatter_nd": lambda x: mb.scatter_nd(
        data=x, indices=[[0, 1], [0, 3]], updates=_weights(2, 6, 8), mode="mul"
    ),
    "scatter_along": lambda x: mb.scatter_along_axis(
        data=x, indices=_whole(x), updates=x, axis=1, mode="update"
    ),
    "one_hot": lambda x: mb.one_hot(indices=_whole(x), one_hot_vector_size=4),
    "range": lambda x: mb.add(x=x, y=mb.cast(x=mb.range_1d(start=0, end=8, step=1), dtype="fp32")),
    "band": lambda x: mb.band_part(x=x, lower=1, upper=2),
    "topk": lambda x: mb.topk(x=x, k=3, axis=3),
    "argsort": lambda x: mb.cast(x=mb.argsort(x=x, axis=1), dtype="fp32"),
    "cumsum": lambda x: mb.cumsum(x=x, axis=2, reverse=True, exclusive=True),
    "argmax": lambda x: mb.reduce_argmax(x=x, axis=1, keep_dims=True),
    "reverse": lambda x: mb.reverse(x=x, axes=[1, 3]),
    "reverse_sequence": lambda x: mb.reverse_sequence(x=x, lengths=[3], seq_axis=2, batch_axis=0),
    "split": lambda x: mb.split(x=x, split_sizes=[1, 3], axis=1),
    "split_even": lambda x: mb.split(x=x, num_splits=4, axis=3),
    "stack": lambda x: mb.stack(values=[x, mb.exp(x=x)], axis=2),
    "interleave": lambda x: mb.concat(values=[x, mb.exp(x=x)], axis=1, interleave=True),
    "slice": lambda x: mb.slice_by_index(
        x=x, begin=[0, 1, 0, 7], end=[1, 3, 6, 0], stride=[1, 1, 2, -2],
        squeeze_mask=[True, False, False, False],
    ),
    "slice_size": lambda x: mb.slice_by_size(x=x, begin=[0, 1, 2, 0], size=[1, 2, -1, 3]),
    "crop": lambda x: mb.crop(x=x, crop_height=[1, 2], crop_width=[2, 0]),
    "squeeze": lambda x: mb.expand_dims(x=mb.squeeze(x=x, axes=[0]), axes=[1, -1]),
    "transpose": lambda x: mb.transpose(x=x, perm=[0, 2, 3, 1]),
    "flatten": lambda x: mb.flatten2d(x=x, axis=2),
    "space_depth": lambda x: mb.depth_to_space(
        x=mb.space_to_depth(x=x, block_size=2), block_size=2
    ),
    "pixel_shuffle": lambda x: mb.pixel_shuffle(x=x, upscale_factor=2),
    "windows": lambda x: mb.sliding_windows(x=x, axis=2, size=3, stride=2),
    "layer_norm": lambda x: mb.layer_norm(x=x, axes=[3], gamma=_weights(8), beta=_weights(8)),
    "instance_norm": lambda x: mb.instance_norm(x=x, gamma=_weights(4), beta=_weights(4)),
    "lrn": lambda x: mb.local_response_norm(x=x, size=3),
    "l2_norm": lambda x: mb.l2_norm(x=x),
    "prelu": lambda x: mb.prelu(x=x, alpha=_weights(4)),
    "softplus": lambda x: mb.softplus_parametric(x=x, alpha=_weights(4), beta=_weights(4)),
    "einsum": lambda x: mb.einsum(values=(x, mb.transpose(x=x, perm=[0, 3, 2, 1])),
                                  equation="nchw,nwhu->nchu"),
    "select": lambda x: mb.select(cond=mb.greater(x=x, y=0.0), a=x, b=mb.sigmoid(x=x)),
    "integers": lambda x: mb.cast(
        x=mb.floor_div(x=_whole(x), y=mb.mod(x=_whole(x), y=np.int32(2))), dtype="fp32"
    ),
    "reductions": lambda x: mb.add(
        x=mb.reduce_log_sum_exp(x=x, axes=[-1, 1], keep_dims=True),
        y=mb.reduce_l2_norm(x=x, axes=[2], keep_dims=True),
    ),
}  # fmt: skip

_NEWER: dict[str, Body] = {
    "resize": lambda x: mb.resize(
        x=x, shape=[4, 5], resized_dims=np.uint32(2), sampling_mode="ALIGN_CORNERS"
    ),
    "crop_resize_17": lambda x: mb.crop_resize(
        x=x, boxes=_weights(3, 4), box_indices=[0, 0, 0], target_height=4, target_width=5
    ),
    "space_batch": lambda x: mb.batch_to_space(
        x=mb.space_to_batch(x=x, block_shape=[2, 2], paddings=[[0, 0], [1, 1]]),
        block_shape=[2, 2], crops=[[0, 0], [1, 1]],
    ),
    "reshape_like": lambda x: mb.reshape_like(
        x=x, ref_tensors=(x, x), begins=[0, 2], ends=[2, 4], end_masks=[False, True]
    ),
    "quantize": lambda x: mb.dequantize(
        input=mb.quantize(input=x, scale=0.1, zero_point=np.int8(3), output_dtype="int8"),
        scale=0.1, zero_point=np.int8(3),
    ),
    "pixel_unshuffle": lambda x: mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(2)),
    "gather_17": lambda x: mb.gather(x=x, indices=[[0, 1]], axis=1, batch_dims=1),
}  # fmt: skip

_NEWEST: dict[str, Body] = {
    "sdpa": lambda x: mb.scaled_dot_product_attention(
        query=x, key=x, value=x, attn_mask=_weights(6, 6)
    ),
    "slice_update": lambda x: mb.slice_update(
        x=x, update=_weights(1, 2, 6, 8), begin=[0, 1, 0, 0], end=[1, 3, 6, 8]
    ),
}  # fmt: skip


def write_program(folder: Path, name: str) -> None:
    """Write one of `BODIES` for iOS 15, in float32."""
    _save(
        folder / f"mil_{name}.mlpackage", BODIES[name], ct.target.iOS15,
        compute_precision=ct.precision.FLOAT32,
    )  # fmt: skip


def write_programs(folder: Path) -> None:
    """Write all of them, compressed forms and such with several functions included."""
    targets = {"": (ct.target.iOS15, BODIES), "17": (ct.target.iOS17, _NEWER),
               "18": (ct.target.iOS18, _NEWEST)}  # fmt: skip
    for suffix, (target, bodies) in targets.items():
        for name, body in bodies.items():
            precision = ct.precision.FLOAT16 if len(name) % 2 else ct.precision.FLOAT32
            _save(
                folder / f"mil{suffix}_{name}.mlpackage", body, target, compute_precision=precision
            )
    _write_compressed(folder)
    _write_interfaces(folder)


def _save(path: Path, body: Body, target: Any, compress: Any = None, **options: Any) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)], opset_version=target)
    def program(x: Any) -> Any:
        return body(x)

    model = ct.convert(
        program, source="milinternal", convert_to="mlprogram", pass_pipeline=ct.PassPipeline.EMPTY,
        skip_model_load=True, minimum_deployment_target=target, **options,
    )  # fmt: skip
    (model if compress is None else compress(model)).save(str(path))


def _kernels(x: Any) -> Any:
    y = mb.reduce_mean(x=mb.relu(x=mb.conv(x=x, weight=_weights(16, 4, 3, 2))), axes=[2, 3])
    return mb.linear(x=y, weight=_weights(8, 16))


def _write_compressed(folder: Path) -> None:
    def palette(**options: Any) -> Any:
        config = cto.OpPalettizerConfig(weight_threshold=32, **options)
        return lambda m: cto.palettize_weights(m, cto.OptimizationConfig(global_config=config))

    def linear(**options: Any) -> Any:
        config = cto.OpLinearQuantizerConfig(weight_threshold=32, **options)
        return lambda m: cto.linear_quantize_weights(
            m, cto.OptimizationConfig(global_config=config)
        )

    sparse = cto.OpMagnitudePrunerConfig(target_sparsity=0.6, weight_threshold=32)
    forms = {
        "palette6": (ct.target.iOS16, palette(mode="uniform", nbits=6)),
        "int8": (ct.target.iOS16, linear(mode="linear_symmetric")),
        "sparse": (
            ct.target.iOS16,
            lambda m: cto.prune_weights(m, cto.OptimizationConfig(global_config=sparse)),
        ),
        "palette3": (ct.target.iOS18, palette(mode="uniform", nbits=3)),
        "grouped": (
            ct.target.iOS18,
            palette(mode="uniform", nbits=4, granularity="per_grouped_channel", group_size=4),
        ),
        "scaled": (
            ct.target.iOS18, palette(mode="uniform", nbits=4, enable_per_channel_scale=True),
        ),
        "blocks": (
            ct.target.iOS18, linear(mode="linear", granularity="per_block", block_size=4),
        ),
        "sparse18": (
            ct.target.iOS18,
            lambda m: cto.prune_weights(m, cto.OptimizationConfig(global_config=sparse)),
        ),
    }  # fmt: skip
    for name, (target, compress) in forms.items():
        _save(folder / f"mil_{name}.mlpackage", _kernels, target, compress)


def _write_interfaces(folder: Path) -> None:
    target = ct.target.iOS15
    labels = ct.ClassifierConfig(["a", "b", "c", "d", "e"])
    _save(folder / "mil_classifier.mlpackage", _everything, target, classifier_config=labels)
    image = ct.ImageType(name="x", shape=(1, 3, 6, 8), scale=1 / 127.5, bias=[-1, -1, -1])

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 6, 8))], opset_version=target)
    def pictures(x: Any) -> Any:
        return mb.conv(x=x, weight=_weights(4, 3, 2, 2))

    options = {
        "source": "milinternal", "convert_to": "mlprogram", "skip_model_load": True,
        "minimum_deployment_target": target,
    }  # fmt: skip
    ct.convert(pictures, inputs=[image], **options).save(str(folder / "mil_image.mlpackage"))
    descriptor = ct.utils.MultiFunctionDescriptor()
    for name in ("lstm", "everything"):
        descriptor.add_function(str(folder / f"mil_{name}.mlpackage"), "main", name)
    descriptor.default_function_name = "everything"
    ct.utils.save_multifunction(descriptor, str(folder / "mil_functions.mlpackage"))
