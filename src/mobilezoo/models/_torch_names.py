"""What torchvision and timm call the layers of the networks here.

Source: the modules of torchvision 0.29 and timm 1.0. Both give a layer its place in the network
("features.3", "blocks.2.0.conv_dw"); ours are named after what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mobilezoo.weights import Dialect, Source

TIMM_V3_EPSILON = 1e-5  # of batch norms; torchvision's MobileNetV3 has 1e-3


def vgg_names(convolutions: Sequence[int], *, batch_norm: bool, classifier: str) -> list[Dialect]:
    """Of VGG.

    Args:
        convolutions: in each of the blocks.
        batch_norm: whether a batch norm follows each.
        classifier: our name of the last layer.
    """
    features = dict(_vgg_features(convolutions, batch_norm))
    torchvision: dict[str, str | Source] = {
        # 7x7 whatever the picture's size: there is a pooling to that before
        "fc1": Source("classifier.0", flattened=(7, 7, 512)),
        "fc2": "classifier.3",
        classifier: "classifier.6",
    }
    timm = {"fc1": "pre_logits.fc1", "fc2": "pre_logits.fc2", classifier: "head.fc"}
    return [
        Dialect("torchvision", features | torchvision),
        Dialect("timm", features | timm),
    ]


def _vgg_features(convolutions: Sequence[int], batch_norm: bool) -> Iterator[tuple[str, str]]:
    position = 0  # in a row of convolutions, batch norms, ReLUs and poolings
    for block, count in enumerate(convolutions, start=1):
        for number in range(1, count + 1):
            yield f"block{block}_conv{number}", f"features.{position}"
            if batch_norm:
                yield f"block{block}_conv{number}_bn", f"features.{position + 1}"
            position += 3 if batch_norm else 2
        position += 1


def resnet_names(blocks: Sequence[int], *, convolutions: int, classifier: str) -> list[Dialect]:
    """Of ResNet, version 1; timm's names are torchvision's.

    Args:
        blocks: in each of the stages.
        convolutions: in each of the blocks, 2 or 3.
        classifier: our name of the last layer.
    """
    names = {"stem_conv": "conv1", "stem_bn": "bn1", classifier: "fc"}
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            ours, theirs = f"stage{stage + 1}_block{block + 1}", f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                names[f"{ours}_conv{number}"] = f"{theirs}.conv{number}"
                names[f"{ours}_bn{number}"] = f"{theirs}.bn{number}"
            # basic blocks keep the stem's 64 channels in the first stage
            if block == 0 and (stage > 1 or convolutions == 3):
                names[f"{ours}_shortcut_conv"] = f"{theirs}.downsample.0"
                names[f"{ours}_shortcut_bn"] = f"{theirs}.downsample.1"
    return [Dialect("torchvision", names)]


def mobilenet_v2_names(repeats: Sequence[int], *, classifier: str) -> list[Dialect]:
    """Of MobileNetV2, whose first block alone has no expansion.

    Args:
        repeats: blocks in each row of the paper's table.
        classifier: our name of the last layer.
    """
    torchvision = _conv_bn("stem", "features.0.0", "features.0.1")
    timm = _conv_bn("stem", "conv_stem", "bn1")
    places = [(row, place) for row, count in enumerate(repeats) for place in range(count)]
    for number, (row, place) in enumerate(places, start=1):
        ours, theirs = f"block{number}", f"features.{number}.conv"
        kinds = _kinds(number, squeeze=False)
        for position, kind in enumerate(kinds[:-1]):
            at = f"{theirs}.{position}"
            torchvision |= _conv_bn(f"{ours}_{kind}", f"{at}.0", f"{at}.1")
        last = len(kinds) - 1  # the projection is not wrapped with its batch norm
        torchvision |= _conv_bn(f"{ours}_project", f"{theirs}.{last}", f"{theirs}.{last + 1}")
        timm |= _timm_block(ours, f"blocks.{row}.{place}", kinds)
    head = f"features.{len(places) + 1}"
    torchvision |= _conv_bn("head", f"{head}.0", f"{head}.1")
    timm |= _conv_bn("head", "conv_head", "bn2")
    return [
        Dialect("torchvision", torchvision | {classifier: "classifier.1"}),
        Dialect("timm", timm | {classifier: "classifier"}),
    ]


def mobilenet_v3_names(
    filters: Sequence[int], squeeze: Sequence[bool], *, convention: str
) -> list[Dialect]:
    """Of MobileNetV3, whose first block alone has no expansion.

    Args:
        filters: of each block; timm counts anew where they change.
        squeeze: whether each block has squeeze-and-excitation.
        convention: "torch"; or "keras", which of all checkpoints timm's `tf_` ones are of.
    """
    torchvision = _conv_bn("stem", "features.0.0", "features.0.1")
    timm = _conv_bn("stem", "conv_stem", "bn1")
    stages = [list(group) for _, group in groupby(filters)]
    places = [(stage, at) for stage, group in enumerate(stages) for at in range(len(group))]
    for number, ((stage, place), squeezes) in enumerate(zip(places, squeeze, strict=True), start=1):
        ours, kinds = f"block{number}", _kinds(number, squeeze=squeezes)
        torchvision |= _torchvision_v3_block(ours, f"features.{number}.block", kinds)
        timm |= _timm_block(ours, f"blocks.{stage}.{place}", kinds)
    head = f"features.{len(places) + 1}"
    torchvision |= _conv_bn("head", f"{head}.0", f"{head}.1")
    torchvision |= {"hidden_conv": "classifier.0", "logits_conv": "classifier.3"}
    timm |= _conv_bn("head", f"blocks.{len(stages)}.0.conv", f"blocks.{len(stages)}.0.bn1")
    timm |= {"hidden_conv": "conv_head", "logits_conv": "classifier"}
    if convention == "keras":
        return [Dialect("timm's tf_ networks, the only ones of convention='keras'", timm)]
    return [
        Dialect("torchvision", torchvision),
        Dialect("timm", timm, epsilon=TIMM_V3_EPSILON),
    ]


def _kinds(number: int, *, squeeze: bool) -> list[str]:
    """What a block of MobileNet v2 or v3 has, in order; the first one is number 1."""
    return [
        *(["expand"] if number > 1 else []),
        "depthwise",
        *(["squeeze"] if squeeze else []),
        "project",
    ]


def _torchvision_v3_block(ours: str, theirs: str, kinds: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for position, kind in enumerate(kinds):
        at = f"{theirs}.{position}"
        if kind == "squeeze":
            names |= {f"{ours}_squeeze_conv": f"{at}.fc1", f"{ours}_excite_conv": f"{at}.fc2"}
        else:
            names |= _conv_bn(f"{ours}_{kind}", f"{at}.0", f"{at}.1")
    return names


def _timm_block(ours: str, theirs: str, kinds: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    if "squeeze" in kinds:
        names[f"{ours}_squeeze_conv"] = f"{theirs}.se.conv_reduce"
        names[f"{ours}_excite_conv"] = f"{theirs}.se.conv_expand"
    # without an expansion it is another class of timm's, which calls the projection conv_pw
    convs = ["conv_pw", "conv_dw", "conv_pwl"] if "expand" in kinds else ["conv_dw", "conv_pw"]
    normalised = [kind for kind in kinds if kind != "squeeze"]
    for number, (kind, conv) in enumerate(zip(normalised, convs, strict=True), start=1):
        names |= _conv_bn(f"{ours}_{kind}", f"{theirs}.{conv}", f"{theirs}.bn{number}")
    return names


def _conv_bn(ours: str, conv: str, bn: str) -> dict[str, str]:
    return {f"{ours}_conv": conv, f"{ours}_bn": bn}
