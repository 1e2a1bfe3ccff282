"""Deployment targets choose the format, and say what would work where they cannot be met."""

from pathlib import Path

import coremltools as ct
import pytest

from mobilezoo.coreml.precision import precision
from mobilezoo.coreml.target import Format, choose_format, find_target
from mobilezoo.errors import InvalidArgumentError

FLOAT16, FLOAT32 = precision("float16"), precision("float32")


@pytest.mark.parametrize(
    ("given", "version"),
    [
        ("iOS11", 1),
        ("iOS11.2", 2),
        ("ios 12", 3),
        ("iOS13", 4),
        ("iOS16.4", 7),
        ("iOS18.0", 9),
        ("macOS10.13.4", 2),
        ("macOS10_15", 4),
        ("macOS10_16", 5),
        ("macOS12", 6),
        ("watchOS6", 4),
        ("tvOS14", 5),
        ("iOS26", 10),
        (ct.target.iOS13, 4),
        (ct.target.macOS13, 7),
        (ct.target.watchOS11, 9),
    ],
)
def test_a_release_is_found(given, version):
    assert find_target(given).specification_version == version


def test_every_target_of_coremltools_is_known():
    for name, member in ct.target.__members__.items():
        assert find_target(name).specification_version == member.value


@pytest.mark.parametrize(
    "given", ["iOS10", "iOS19", "macOS10.12", "android14", "iOS", 15, "iOS1.x"]
)
def test_an_unknown_release_is_refused(given):
    with pytest.raises(InvalidArgumentError, match="Unknown minimum_deployment_target"):
        find_target(given)


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("iOS9", "Choose iOS11, iOS11.2, iOS12, .*, iOS18 or iOS26.$"),
        ("macOS9", "Choose macOS10.13, macOS10.13.2, .*, macOS15 or macOS26.$"),
        ("watchOS3", "Choose watchOS4, watchOS4.2, .*, watchOS11 or watchOS26.$"),
        (
            "windows",
            "Choose iOS11 to iOS26, macOS10.13 to macOS26, watchOS4 .* or tvOS11 to tvOS26",
        ),
        ("13", "or tvOS11 to tvOS26.$"),
    ],
)
def test_the_releases_that_there_are_are_listed(given, choice):
    with pytest.raises(InvalidArgumentError, match=choice):
        find_target(given)


def test_a_misspelt_release_is_guessed():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'iOS15'"):
        find_target("iPhoneOS15")


@pytest.mark.parametrize(
    ("path", "target", "chosen"),
    [
        (None, None, Format.ML_PROGRAM),
        (None, "iOS13", Format.NEURAL_NETWORK),
        (None, "macOS12", Format.ML_PROGRAM),
        ("m.mlmodel", None, Format.NEURAL_NETWORK),
        ("m.mlmodel", "iOS17", Format.NEURAL_NETWORK),
        ("m.mlpackage", None, Format.ML_PROGRAM),
        ("m.mlpackage", "tvOS15", Format.ML_PROGRAM),
    ],
)
def test_the_path_decides_and_without_one_the_target(path, target, chosen):
    found = choose_format(
        None if path is None else Path(path),
        None if target is None else find_target(target),
        FLOAT16,
    )

    assert found is chosen


def test_a_package_on_an_old_system_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"needs macOS12.*Write a \.mlmodel, or pass"):
        choose_format(Path("m.mlpackage"), find_target("macOS11"), FLOAT16)


def test_float16_before_ios_11_2_is_refused():
    with pytest.raises(
        InvalidArgumentError, match=r"float16 needs iOS11\.2.*precision='float32', or minimum"
    ):
        choose_format(None, find_target("iOS11"), FLOAT16)

    assert choose_format(None, find_target("iOS11"), FLOAT32) is Format.NEURAL_NETWORK
