"""The labels of outputs that are no classifier's, as text in a file's metadata.

Tools look for them under `classes`, separated by commas. Where these would not give the labels
back, because one contains a comma, a JSON list stands there instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

TAGS = "classes"  # the key of a file's user-defined metadata


def join_labels(labels: Sequence[str]) -> str:
    """The text from which `split_labels` makes the same labels."""
    joined = ",".join(labels)
    if split_labels(joined) == tuple(labels):
        return joined
    return json.dumps(list(labels), ensure_ascii=False)


def split_labels(text: str) -> tuple[str, ...]:
    """The labels in a text that `join_labels` made, or another tool."""
    listed = _list_in(text) if text.startswith("[") else None
    if listed is not None:
        return tuple(listed)
    return tuple(part.strip() for part in text.split(","))


def labels_in(user_defined: Mapping[str, str]) -> tuple[str, ...] | None:
    """The labels in a file's user-defined metadata; None where there are not several."""
    labels = split_labels(user_defined.get(TAGS, ""))
    return labels if len(labels) > 1 else None


def _list_in(text: str) -> list[str] | None:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
    return listed if is_list else None
