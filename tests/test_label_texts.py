"""Labels of heads of sigmoids: what the metadata hold is read back as it was."""

import pytest

from mobilezoo._labels import join_labels, labels_in, split_labels


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (("cat", "dog"), "cat,dog"),
        (("crane (bird)", "Größe"), "crane (bird),Größe"),
        (("tench, Tinca tinca", "goldfish"), '["tench, Tinca tinca", "goldfish"]'),
        ((" cat", "dog"), '[" cat", "dog"]'),
        (('["a"', '"b"]'), '["[\\"a\\"", "\\"b\\"]"]'),
        (("[open", "shut]"), "[open,shut]"),
        (("a\nb", "ö,"), '["a\\nb", "ö,"]'),
    ],
)
def test_labels_come_back_as_they_were(labels, text):
    joined = join_labels(labels)

    assert joined == text
    assert split_labels(joined) == labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat, dog", ("cat", "dog")),  # as other tools write them
        ("[1, 2]", ("[1", "2]")),
        ("80", None),
        ("", None),
        ('["only one, with a comma"]', None),
        ("[" * 100_000, None),
    ],
)
def test_what_other_tools_wrote_is_read(text, labels):
    assert labels_in({"classes": text}) == labels


def test_a_file_without_them_has_none():
    assert labels_in({}) is None
