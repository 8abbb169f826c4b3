"""The rungs that are networks: what to build, how to train it, and how a committee of them decides."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hcr_lib._paths import replace_whole
from hcr_lib.datasets import Dataset
from hcr_lib.research.deskew import deskew, stretch
from hcr_lib.research.ladder._parts import Parts, Predictions

if TYPE_CHECKING:
    import keras

#: Test-time augmentation: each is a list of changes (see `hcr_lib.augment.apply`), whose probabilities are averaged.
VIEWS: dict[str, list[dict[str, float]]] = {
    "once": [{}],
    "shifted": [{}, *({axis: step} for axis in ("shift_x", "shift_y") for step in (-1.0, 1.0))],
    "turned": [{}, {"rotation": -6.0}, {"rotation": 6.0}],
    "sized": [{}, {"scale_x": 0.94, "scale_y": 0.94}, {"scale_x": 1.06, "scale_y": 1.06}],
}
VIEWS["shifted and turned"] = VIEWS["shifted"] + VIEWS["turned"][1:]
VIEWS["shifted, turned and sized"] = VIEWS["shifted and turned"] + VIEWS["sized"][1:]

#: What a member of a committee sees in place of an image.
INPUT_TRANSFORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda images: images,
    "upright": deskew,
    **{f"{width} wide": functools.partial(stretch, width=width) for width in range(10, 22, 2)},
}

TRAINED = "trained.npz"  #: weights and record of a finished training


class Trained(NamedTuple):
    """A trained network, and the record of its training: seconds, epochs, best_epoch, parameters and settings."""

    model: keras.Model
    record: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Network:
    """A network and how to train it.

    Attributes
    ----------
    build : str
        A function of `hcr_lib.networks.models`, or of `hcr_lib.research.networks`.
    fit : dict
        Passed to `hcr_lib.training.fit`, which says what there is.
    augment : dict, optional
        Limits of `hcr_lib.augment.Augment`; what is not named is not changed. None leaves the images alone.
    size : dict
        Further arguments of `build`.
    half : bool
        Train in half precision (bfloat16) on processors that have it, which doubles the speed of convolutions. The
        weights, and all predictions that are reported, are in full precision.
    """

    build: str
    fit: dict[str, Any]
    augment: dict[str, float] | None = None
    size: dict[str, Any] = dataclasses.field(default_factory=dict)
    half: bool = False

    def predictions(self, parts: Parts, seed: int, folder: Path, progress: bool = False) -> Predictions:
        """Train, or take up what was trained before, then predict."""
        model, record = self.trained(parts.train, parts.val, seed, folder, progress)
        val, test = (probabilities(model, part.images).argmax(axis=1) for part in (parts.val, parts.test))
        notes = {key: record[key] for key in ("epochs", "best_epoch")}
        return Predictions(val, test, record["seconds"], record["parameters"], notes)

    def trained(self, train: Dataset, validation: Dataset, seed: int, folder: Path, progress: bool = False) -> Trained:
        """Train with one seed; what is finished is kept in `folder`, and so is every epoch of what is not.

        Other settings, or other data, make another training beside the first: nothing is ever overwritten.
        """
        from hcr_lib._tf import keras
        from hcr_lib.augment import Augment
        from hcr_lib.research.precision import half_precision
        from hcr_lib.training import fit

        own = self._folder(train, validation, seed, folder)
        file = own / TRAINED
        model = self._built(len(train.classes))
        if file.is_file():
            with np.load(file, allow_pickle=False) as kept:
                model.set_weights([kept[f"arr_{number}"] for number in range(len(model.weights))])
                return Trained(model, json.loads(str(kept["record"])))
        keras.utils.set_random_seed(seed)
        with half_precision(None if self.half else False):
            learner = self._built(len(train.classes))
        changed = None if self.augment is None else Augment.only(**self.augment)
        result = fit(
            learner, train, validation,
            augment=changed, seed=seed, checkpoint_dir=own / "checkpoint", progress=progress, **self.fit,
        )  # fmt: skip
        model.set_weights(learner.get_weights())
        history = result.history
        record = {
            **dataclasses.asdict(self), "classes": train.classes, "seed": seed, "images": len(train),
            "parameters": model.count_params(), "epochs": len(history), "best_epoch": result.best_epoch,
            "seconds": round(float(history["seconds"].sum()), 1),
        }  # fmt: skip
        history.to_csv(own / "history.csv", index=False)
        replace_whole(file, lambda kept: np.savez(kept, *model.get_weights(), record=np.array(json.dumps(record))))
        shutil.rmtree(own / "checkpoint")
        return Trained(model, record)

    def is_finished(self, train: Dataset, validation: Dataset, seed: int, folder: Path) -> bool:
        """Return whether `trained` would find its work done."""
        return (self._folder(train, validation, seed, folder) / TRAINED).is_file()

    def _folder(self, train: Dataset, validation: Dataset, seed: int, folder: Path) -> Path:
        """Name a folder after all that decides what is learned: network, settings, data, seed."""
        network = self._built(len(train.classes))
        layers = [
            [type(layer).__name__, _options(layer), *(list(weight.shape) for weight in layer.weights)]
            for layer in network.layers
        ]
        checksum = zlib.crc32(json.dumps([dataclasses.asdict(self), layers], sort_keys=True).encode())
        for array in (train.images, train.labels, validation.images, validation.labels):
            checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
        return folder / f"seed-{seed}-{checksum:08x}"

    def _built(self, num_classes: int) -> keras.Model:
        from hcr_lib.networks import models
        from hcr_lib.research import networks

        module = models if hasattr(models, self.build) else networks
        return getattr(module, self.build)(num_classes, **self.size)


def _options(layer: keras.Layer) -> dict[str, Any]:
    """Return the plain settings of a layer, such as its stride or its share of dropout, without its name."""
    plain = str | int | float | tuple | list
    return {key: value for key, value in layer.get_config().items() if isinstance(value, plain) and key != "name"}


@dataclasses.dataclass(frozen=True)
class Committee:
    """Several trainings of one network: the mean of their probabilities decides.

    Members that differ only by their seed make many of the same errors. So some are shown, in training and ever after,
    every image under another of `INPUT_TRANSFORMS`: Cireşan et al. (2012) did this with widths.

    Besides, each member looks at a picture in several `VIEWS`; which, is chosen on validation, by the errors that the
    members make on their own: there are more of those than of the committee's.

    Attributes
    ----------
    member : Network
    folder : str
        The rung of the member, whose trainings are taken up.
    input_transforms : sequence of str
        Of members 0, 1, ...; from the start again if there are more members.
    """

    member: Network
    folder: str
    input_transforms: Sequence[str] = ("as it is",)

    def predictions(self, parts: Parts, seeds: Sequence[int], folder: Path, progress: bool = False) -> Predictions:
        """Train the members that are missing, choose the views, then predict."""
        names = [self.input_transforms[seed % len(self.input_transforms)] for seed in seeds]
        shown = {name: parts.changed(INPUT_TRANSFORMS[name]) for name in names}
        members = [
            self.member.trained(shown[name].train, shown[name].val, seed, folder, progress)
            for name, seed in zip(names, seeds, strict=True)
        ]

        def votes(part: str, views: str) -> np.ndarray:
            images = [getattr(shown[name], part).images for name in names]
            return np.stack(
                [probabilities(one.model, seen, VIEWS[views]) for one, seen in zip(members, images, strict=True)]
            )

        in_views = {views: votes("val", views) for views in VIEWS}
        errors = {views: int(np.sum(vote.argmax(axis=2) != parts.val.labels)) for views, vote in in_views.items()}
        chosen = min(errors, key=errors.get)
        return Predictions(
            in_views[chosen].mean(axis=0).argmax(axis=1),
            votes("test", chosen).mean(axis=0).argmax(axis=1),
            sum(one.record["seconds"] for one in members),
            sum(one.record["parameters"] for one in members),
            {"members": len(members), "input_transforms": names, "views": chosen, "val_errors_of_members": errors},
        )


def probabilities(model: keras.Model, images: np.ndarray, views: Sequence[dict[str, float]] = ({},)) -> np.ndarray:
    """Return what a network says of stored images, on average over several views; float32 of shape (n, num_classes)."""
    from hcr_lib.augment import apply

    def look(ink: np.ndarray) -> np.ndarray:
        # Called directly: `predict` would compile itself anew for every member of a committee.
        return sum(np.asarray(model(apply(ink, **view) if view else ink, training=False)) for view in views)

    parts = np.array_split(images[..., None], max(1, len(images) // 500))
    return np.concatenate([look(part / np.float32(255)) for part in parts]) / np.float32(len(views))
