"""Concatenate data sets."""

import numpy as np

from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._origins import Origins


def combine(*datasets: Dataset, classes: str | None = None, same_writers: bool = False) -> Dataset:
    """Concatenate data sets.

    Parameters
    ----------
    *datasets : Dataset
    classes : str, optional
        Bring each part to this class string (see `Dataset.relabel`); needed where theirs differ.
    same_writers : bool
        By default, equally named writers of different sources are different writers: where there is more than one
        source, its name goes before theirs, and ``w001`` becomes ``photos: w001``. True leaves all names as they are.

    Returns
    -------
    Dataset
        Writers are kept where every part names them; origins always are, and partial labels where any part has them.

    Raises
    ------
    ValueError
        If there is none, or their classes differ and `classes` is not given or does not fit.

    Examples
    --------
    >>> images = np.zeros((1, 28, 28), "uint8")
    >>> digits = Dataset(images, [7], "0123456789", "digits", writers=["w001"])
    >>> letters = Dataset(images, [0], "AB", "letters", writers=["w001"])
    >>> both = combine(digits, letters, classes="0123456789AB")
    >>> both.writers.tolist(), both.origin(1)
    (['digits: w001', 'letters: w001'], 'letters, image 0')
    """
    if not datasets:
        raise ValueError("combine needs at least one data set; got none.")
    if classes is not None:
        datasets = tuple(part.relabel(classes) for part in datasets)
    class_strings = {part.classes for part in datasets}
    if len(class_strings) > 1:
        raise ValueError(
            f"combine needs data sets with the same classes; got {', '.join(map(repr, sorted(class_strings)))}. "
            "Say what to bring them to, such as combine(..., classes=labels.ALNUM), or .merge_classes(...) them first."
        )
    origins = Origins.joined([part.origins for part in datasets])
    writers = None
    if all(part.writers is not None for part in datasets):
        full = not same_writers and len({source.name for source in origins.sources}) > 1
        writers = np.concatenate([_full_names(part) if full else part.writers for part in datasets])
    partial = any(part.label_mask is not None for part in datasets)
    return Dataset(
        np.concatenate([part.images for part in datasets]),
        np.concatenate([part.labels for part in datasets]),
        classes=datasets[0].classes,
        source=" + ".join(dict.fromkeys(part.source for part in datasets)),
        writers=writers,
        origins=origins,
        label_mask=np.concatenate([part.targets for part in datasets]) if partial else None,
    )


def _full_names(part: Dataset) -> np.ndarray:
    """Return each writer's name with the source before it; in a combined set it is there already."""
    first, *others = {source.name for source in part.origins.sources}
    return part.writers if others else np.char.add(f"{first}: ", part.writers)
