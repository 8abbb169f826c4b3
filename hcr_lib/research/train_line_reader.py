"""Train the reader of whole lines: ``python -m hcr_lib.research.train_line_reader --out DIR``.

It learns from UNIPEN's training people, EMNIST's training images and the course's own writers (see
`hcr_lib.research.line_samples`), and is watched on words of UNIPEN's development people. Every epoch is rendered anew
by other processes while the network learns. A checkpoint after each epoch lets the command go on where it was stopped.

``--limit 200`` runs all of it on a few lines, to try it out.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import datetime
import hashlib
import itertools
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hcr_lib import ctc, images, line_decoding, metrics, pen
from hcr_lib._paths import replace_whole, user_data_dir
from hcr_lib.datasets import DataError, StrokeDataset, load_strokes
from hcr_lib.research import export_reader, line_samples, manifest
from hcr_lib.research._arguments import at_least_one

PEAK = 2e-3  #: learning rate after the warm-up; a cosine leads down to a hundredth
WARM_UP = 0.03  #: of all steps
AHEAD = 4  #: batches that each process may be ahead
WATCHED = 1000  #: words of development people
WATCHED_WIDTH = 10 * images.LINE_HEIGHT  #: pixels


def rendered(
    pool: concurrent.futures.Executor, batches: Iterable[line_samples.Batch], data_dir: Path, ahead: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the batches in order, rendered by other processes, which are a few batches ahead."""
    waiting: collections.deque = collections.deque()
    rest = iter(batches)
    while True:
        for batch in itertools.islice(rest, ahead - len(waiting)):
            waiting.append(pool.submit(line_samples.render_batch, batch, data_dir))
        if not waiting:
            return
        pictures, texts = waiting.popleft().result()
        yield pictures.astype("float32") / 255, texts


def watched(strokes: StrokeDataset, number: int, width: int) -> tuple[np.ndarray, list[str]]:
    """Render words as the reader would see them, with pens of several widths; longer ones are cut off at `width`.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, LINE_HEIGHT, width, 1)
    texts : list of str
    """
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(strokes), min(number, len(strokes)), replace=False)
    pictures = np.zeros((len(chosen), images.LINE_HEIGHT, width, 1), "uint8")
    for picture, k in zip(pictures, chosen, strict=True):
        line = images.to_line(drawn(strokes[k], rng.uniform(1, 2.5)))[:, :width]
        picture[:, : line.shape[1], 0] = line
    return pictures, [str(strokes.texts[k]) for k in chosen]


def drawn(strokes: Sequence[np.ndarray], half_width: float, height: int = 64) -> np.ndarray:
    """Draw a word at a height in pixels, as the pictures of ``pen_words_dev.zip`` were; float32 ink."""
    x0, y0, x1, y1 = pen.bounds(strokes)
    scale = (height - 16) / max(y1 - y0, (x1 - x0) / 40, 1e-6)
    moved = [(stroke - [x0, y0]) * scale + 8 for stroke in strokes]
    return pen.render_page(moved, (height, int((x1 - x0) * scale) + 17), half_width)


def best_path(scores: np.ndarray, classes: str = line_samples.CLASSES) -> str:
    """Return the text of the likeliest path: `hcr_lib.line_decoding.best_path` of scores before the softmax."""
    return line_decoding.best_path(ctc.log_softmax(scores), classes)


def error_rate(texts: Iterable[str], answers: Iterable[str]) -> float:
    """Return the character error rate, case ignored."""
    return metrics.character_error_rate([t.upper() for t in texts], [a.upper() for a in answers])


def baselines(texts: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """Return what readers that never look at the picture get wrong."""
    rng = np.random.default_rng(0)
    commonest = collections.Counter("".join(known)).most_common(1)[0][0]
    return {
        "always blank": error_rate(texts, [""] * len(texts)),
        f"always {commonest!r}": error_rate(texts, [commonest] * len(texts)),
        "words at random": error_rate(texts, rng.choice(list(known), len(texts))),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and write ``line_reader.keras``, which carries its record, and ``history.json`` to a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m hcr_lib.research.train_line_reader", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights, the log and the checkpoint")
    parser.add_argument("--epochs", type=at_least_one, default=20)
    parser.add_argument("--width", type=int, default=32, help="filters of the first convolution")
    parser.add_argument("--units", type=int, default=192, help="units of each LSTM, in each direction")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, metavar="FILE.keras", help="trained line reader to go on from")
    parser.add_argument("--peak", type=float, default=PEAK, metavar="RATE", help="highest learning rate")
    parser.add_argument("--workers", type=at_least_one, default=os.cpu_count(), help="processes that render")
    parser.add_argument(
        "--batch", type=at_least_one, default=1, metavar="N", help="N times as many lines in a batch, for a GPU"
    )
    parser.add_argument("--limit", type=at_least_one, metavar="N", help="N lines of each kind, to try it out")
    parser.add_argument("--ship", action="store_true", help="put the result into data/ when it is done")
    options = parser.parse_args(arguments)
    if options.limit and options.ship:
        parser.error("--limit is for trying it out; what it trains is not shipped")

    from hcr_lib._tf import keras
    from hcr_lib.networks import models

    data_dir = user_data_dir()
    sizes = {kind: options.limit or number for kind, number in line_samples.EPOCH.items()}
    try:
        known = line_samples.material(data_dir)
        development = load_strokes("unipen-words", "val", data_dir=data_dir)
    except DataError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    steps = len(line_samples.plan(known, 1000 * options.seed, sizes, options.batch))
    pictures, texts = watched(development, options.limit or WATCHED, WATCHED_WIDTH)
    parts = [part / np.float32(255) for part in np.array_split(pictures, -(-len(pictures) // 250))]
    for name, rate in baselines(texts, known.words.texts).items():
        print(f"{name}: {rate:.1%} of characters wrong", flush=True)

    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint, history_file = options.out / "checkpoint.keras", options.out / "history.json"
    history = []
    keras.utils.set_random_seed(options.seed)
    if checkpoint.is_file():
        model = keras.saving.load_model(checkpoint)
        # The history is written first; if it has an epoch more, the training was stopped between the two.
        history = json.loads(history_file.read_text(encoding="utf-8"))
        history = [row for row in history if row["step"] <= int(model.optimizer.iterations)]
    else:
        model = models.line_reader(len(line_samples.CLASSES), options.width, options.units)
        if options.start:
            model.set_weights(keras.saving.load_model(options.start).get_weights())
        warm_up = int(WARM_UP * steps * options.epochs)
        rate = keras.optimizers.schedules.CosineDecay(
            options.peak / 10,
            steps * options.epochs - warm_up,
            alpha=0.01,
            warmup_target=options.peak,
            warmup_steps=warm_up,
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=5e-3, global_clipnorm=2.0)
        # XLA slows down TensorFlow's loops, and a compiled PyTorch would not use cuDNN's LSTM.
        model.compile(optimizer, loss=keras.losses.CTC(), jit_compile=keras.backend.backend() == "jax")
    print(f"{model.count_params():,} weights, {steps} steps an epoch; from epoch {len(history) + 1}", flush=True)

    context = multiprocessing.get_context("spawn")  # a fork of a process that runs TensorFlow may hang
    with concurrent.futures.ProcessPoolExecutor(options.workers, context) as pool:

        def planned(epoch: int) -> concurrent.futures.Future:
            return pool.submit(line_samples.plan_epoch, data_dir, 1000 * options.seed + epoch, sizes, options.batch)

        following = planned(len(history))
        for epoch in range(len(history), options.epochs):
            start = time.perf_counter()
            batches, following = following.result(), planned(epoch + 1)
            for number, layer in enumerate(model.layers):  # a checkpoint does not hold how far dropout has come
                if isinstance(layer, keras.layers.Dropout):
                    layer.seed_generator.state.assign([options.seed + number, 1_000_000 * epoch])
            fitted = model.fit(rendered(pool, batches, data_dir, AHEAD * options.workers), verbose=0)
            answers = [best_path(scores) for part in parts for scores in keras.ops.convert_to_numpy(model(part))]
            row = {"epoch": epoch + 1, "step": int(model.optimizer.iterations)}
            row |= {"loss": round(fitted.history["loss"][0], 4)}
            row |= {"dev_error": round(error_rate(texts, answers), 4), "seconds": round(time.perf_counter() - start, 1)}
            print(json.dumps(row), flush=True)
            history.append(row)
            replace_whole(history_file, json.dumps(history, indent=1).encode())
            unfinished = checkpoint.with_name("unfinished.keras")
            model.save(unfinished)
            unfinished.replace(checkpoint)
    record = {
        "model": "line_reader", "width": options.width, "units": options.units, "classes": line_samples.CLASSES,
        "seed": options.seed, "epochs": options.epochs, "steps": steps, "batch": options.batch, "peak": options.peak,
        "start_sha256": options.start and hashlib.sha256(options.start.read_bytes()).hexdigest(),
        "emnist_images": sum(map(len, known.glyphs.values())), "dev_error": history[-1]["dev_error"],
        "backend": keras.backend.backend(), "minutes": round(sum(row["seconds"] for row in history) / 60, 1),
        "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    trained = models.line_reader(len(line_samples.CLASSES), options.width, options.units)  # without its optimizer
    trained.set_weights(model.get_weights())
    export_reader.save(trained, options.out / "line_reader.keras", record)
    print(json.dumps(record, indent=1))
    if options.ship:
        export_reader.ship(options.out / "line_reader.keras")
        epochs = pd.DataFrame(history).drop(columns="step").to_csv(index=False)
        replace_whole(manifest.results_dir() / "line_reader-history.csv", epochs.encode())


if __name__ == "__main__":
    main()
