"""The ladder: what each rung computes, that nothing finished is done twice, and what the record says."""

import json
import statistics

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline

from hcr_lib import _paths, baselines, metrics, records, training
from hcr_lib._tf import keras
from hcr_lib.augment import Augment
from hcr_lib.labels import DIGITS
from hcr_lib.networks import models
from hcr_lib.research import ladder, manifest
from hcr_lib.research.deskew import deskew, slant
from hcr_lib.research.ladder import Network, Parts, Predictions, __main__, _classical, _climb, _networks


@pytest.fixture(scope="module")
def parts():
    """Return a few synthetic digits: 30, 5 and 10 of each."""
    rng = np.random.default_rng(0)
    whole = Parts.load("bundled").merge_classes(DIGITS)
    return Parts(whole.train.balanced(30, rng=rng), whole.val.balanced(5, rng=rng), whole.test.balanced(10, rng=rng))


LINEAR = Network("linear", {"epochs": 2, "batch_size": 32, "learning_rate": 0.01})


class TestParts:
    def test_deskewed_images_stand_upright_and_keep_their_labels(self, parts):
        upright = parts.changed(deskew)
        lean = [np.abs(slant(each.val.images / 255)).mean() for each in (parts, upright)]
        assert lean[1] < 0.3 * lean[0]
        assert (upright.val.labels == parts.val.labels).all()
        assert upright.test.images.shape == parts.test.images.shape

    def test_a_tenth_as_many_to_choose_and_to_report(self, parts):
        few = parts.first(100)
        assert [len(part) for part in (few.train, few.val, few.test)] == [100, 10, 10]

    def test_more_than_there_are_is_all_of_them(self, parts):
        assert [len(part) for part in parts.first(10**6)._all] == [len(part) for part in parts._all]


class TestClassical:
    @pytest.mark.parametrize(
        ("fit", "settings"),
        [
            (baselines.least_squares, {"ridge": 10.0}),
            (baselines.softmax_regression, {"C": 1.0}),
            (baselines.nearest_neighbours, {"k": 1}),
            (baselines.gaussian_svm, {"C": 10.0, "gamma": 0.02}),
        ],
        ids=["least squares", "softmax", "neighbours", "svm"],
    )
    def test_every_method_learns(self, parts, fit, settings):
        reader = fit(**settings).fit(parts.train.images, parts.train.labels)
        read = reader.predict(parts.test.images)
        assert read.shape == parts.test.labels.shape
        assert metrics.accuracy(parts.test.labels, read) > 0.7
        assert baselines.parameters(reader) >= 7850

    def test_least_squares_are_the_least(self, parts):
        few = parts.train.take(np.arange(60))
        ink = np.hstack([few.images.reshape(60, -1) / 255, np.ones((60, 1))])
        targets = 2 * np.eye(10)[few.labels] - 1
        # The ridge as rows of data: to fit sqrt(r) w = 0 costs r w^2.
        weights = np.linalg.lstsq(
            np.vstack([ink, np.sqrt(3) * np.eye(785)]), np.vstack([targets, np.zeros((785, 10))])
        )[0]
        test = parts.test.images
        expected = (np.hstack([test.reshape(len(test), -1) / 255, np.ones((len(test), 1))]) @ weights).argmax(axis=1)
        fitted = baselines.least_squares(ridge=3.0).fit(few.images, few.labels)
        assert (fitted.predict(test) == expected).mean() > 0.98

    def test_neighbours_are_the_nearest_and_of_equal_votes_the_nearer_wins(self):
        def page(ink):
            return np.full((28, 28), ink, "uint8")

        train = np.stack([page(ink) for ink in (10, 30, 34, 200, 210)])
        asked = np.stack([page(ink) for ink in (12, 31, 203, 206)])
        for k, expected in ((1, [0, 1, 2, 0]), (2, [0, 1, 2, 0]), (3, [1, 1, 2, 0])):
            assert baselines.nearest_neighbours(k).fit(train, [0, 1, 1, 2, 0]).predict(asked).tolist() == expected

    def test_settings_are_chosen_on_validation_with_a_subset_and_fitted_on_everything(self, parts):
        fitted = []

        class Method(ClassifierMixin, BaseEstimator):
            """Knows the answers, or gives the neighbouring ones."""

            def __init__(self, right):
                self.right = right

            def fit(self, images, labels):
                fitted.append((self.right, len(images)))
                self.coef_ = self.intercept_ = np.zeros(1)
                return self

            def predict(self, images):
                known = {part.images[0].tobytes(): part.labels for part in (parts.val, parts.test)}
                return (known[images[0].tobytes()] + (not self.right)) % 10

        method = _classical.Classical(
            lambda right: make_pipeline(Method(right)), [{"right": False}, {"right": True}], subset=50
        )
        found = method.predictions(parts)
        assert fitted == [(False, 50), (True, 50), (True, len(parts.train))]
        assert (found.val == parts.val.labels).all() and (found.test == parts.test.labels).all()
        assert found.notes == {"chosen": {"right": True}, "chosen_with": 50}


class TestNetworks:
    def test_what_is_finished_is_not_trained_again_and_predicts_the_same(self, parts, tmp_path, monkeypatch):
        first = LINEAR.predictions(parts, 0, tmp_path)
        assert LINEAR.is_finished(parts.train, parts.val, 0, tmp_path)
        assert not list(tmp_path.rglob("checkpoint"))
        monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained again"))
        again = LINEAR.predictions(parts, 0, tmp_path)
        assert (again.test == first.test).all() and (again.val == first.val).all()
        assert (again.seconds, again.notes) == (first.seconds, first.notes)
        assert metrics.accuracy(parts.test.labels, first.test) > 0.5

    def test_another_seed_setting_or_data_is_another_training(self, parts, tmp_path):
        longer = Network("linear", LINEAR.fit | {"epochs": 3})
        train, val, few = parts.train, parts.val, np.arange(20)
        places = {
            LINEAR._folder(train, val, 0, tmp_path),
            LINEAR._folder(train, val, 1, tmp_path),
            LINEAR._folder(train.take(few), val, 0, tmp_path),
            LINEAR._folder(train, val.take(few), 0, tmp_path),
            longer._folder(train, val, 0, tmp_path),
        }
        assert len(places) == 5
        assert LINEAR._folder(train, val, 0, tmp_path) in places  # and the same one each time it is asked

    def test_another_network_of_the_same_shape_is_another_training(self, parts, tmp_path, monkeypatch):
        def built(activation, dropout):
            layers = keras.layers
            shape = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dropout(dropout), layers.Dense(10, activation)]
            monkeypatch.setattr(models, "linear", lambda num_classes: keras.Sequential(shape))
            return LINEAR._folder(parts.train, parts.val, 0, tmp_path)

        places = [built(*settings) for settings in (("softmax", 0.1), ("softmax", 0.9), ("sigmoid", 0.1))]
        assert len(set(places)) == 3
        assert built("softmax", 0.1) == places[0]

    def test_looking_several_times_averages_the_probabilities(self, parts):
        model = LINEAR._built(10)
        images = parts.test.images[:5]
        once = ladder.probabilities(model, images)
        assert once.shape == (5, 10)
        np.testing.assert_allclose(once.sum(axis=1), 1, rtol=1e-5)
        right = np.pad(images, ((0, 0), (0, 0), (1, 0)))[:, :, :28]
        both = (once + ladder.probabilities(model, right)) / 2
        np.testing.assert_allclose(ladder.probabilities(model, images, [{}, {"shift_x": 1.0}]), both, atol=1e-6)

    def test_a_committee_is_the_mean_of_its_members(self, parts, tmp_path, monkeypatch):
        monkeypatch.setattr(_networks, "VIEWS", {"once": [{}], "far away": [{"shift_x": 20.0}]})
        committee = _networks.Committee(LINEAR, folder="linear")
        found = committee.predictions(parts, range(2), tmp_path)
        members = [LINEAR.trained(parts.train, parts.val, seed, tmp_path).model for seed in range(2)]
        mean = sum(ladder.probabilities(model, parts.test.images) for model in members)
        assert (found.test == mean.argmax(axis=1)).all()
        assert found.parameters == 2 * 7850
        assert found.notes["views"] == "once"
        errors = found.notes["val_errors_of_members"]
        assert errors["once"] < errors["far away"]

    def test_each_member_sees_images_under_its_own_transform(self, parts, tmp_path, monkeypatch):
        monkeypatch.setattr(_networks, "VIEWS", {"once": [{}]})
        monkeypatch.setitem(_networks.INPUT_TRANSFORMS, "inverted", lambda images: 255 - images)
        committee = _networks.Committee(LINEAR, "linear", ["as it is", "inverted"])
        found = committee.predictions(parts, range(3), tmp_path)
        assert found.notes["input_transforms"] == ["as it is", "inverted", "as it is"]
        shown = [parts, parts.changed(lambda images: 255 - images), parts]
        members = [LINEAR.trained(each.train, each.val, seed, tmp_path).model for seed, each in enumerate(shown)]
        mean = sum(ladder.probabilities(model, each.test.images) for model, each in zip(members, shown, strict=True))
        assert (found.test == mean.argmax(axis=1)).all()


class TestTable:
    def test_names_differ_and_published_errors_have_a_source(self):
        assert len(set(ladder.rung_names())) == len(ladder.RUNGS)
        for one in ladder.RUNGS:
            assert (one.published is None) == (one.source is None)
            assert one.published is None or 0.001 < one.published < 0.2

    def test_every_network_can_be_built_and_its_arguments_exist(self):
        for one in ladder.RUNGS:
            network = one.method.member if hasattr(one.method, "member") else one.method
            if isinstance(network, Network):
                assert one.seeds >= 3
                assert network._built(10).output_shape == (None, 10)
                assert set(network.fit) <= set(training.fit.__kwdefaults__) | {"epochs"}
                Augment.only(**network.augment or {})

    def test_tiny_is_tiny(self):
        assert ladder.rung("tiny").method._built(10).count_params() < 10_000

    def test_a_committee_takes_up_the_trainings_of_its_rung(self):
        committee = ladder.rung("committee").method
        assert committee.member == ladder.rung(committee.folder).method
        assert set(committee.input_transforms) <= set(_networks.INPUT_TRANSFORMS)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Let records be written and read in a folder of their own."""
    monkeypatch.setattr(manifest, "results_dir", lambda: tmp_path / "results")
    monkeypatch.setattr(_paths, "shipped", lambda name: tmp_path / name)
    return tmp_path / "results" / "ladder.json"


class TestRecord:
    def predictions(self, parts, wrong):
        test = parts.test.labels.copy()
        test[:wrong] = (test[:wrong] + 1) % 10
        return Predictions(parts.val.labels, test, 1.23, 99, {"note": wrong})

    def test_a_row_has_the_mean_of_the_seeds_and_the_interval_of_the_median_one(self, parts):
        row = ladder._climb.row(ladder.rung("mlp300"), [self.predictions(parts, wrong) for wrong in (3, 9, 4)], parts)
        total = len(parts.test)
        assert row["errors"] == [3 / total, 9 / total, 4 / total]
        assert row["error"] == pytest.approx(statistics.mean(row["errors"]), abs=1e-6)
        low, high = metrics.wilson_interval(total - 4, total)
        assert (row["low"], row["high"]) == pytest.approx((1 - high, 1 - low), abs=1e-6)
        assert row["val_accuracy"] == [1.0] * 3
        assert (row["published"], row["source"]) == (0.047, "LeCun 1998")
        json.dumps(row)

    def test_a_row_is_written_at_once_in_place_of_an_older_one_and_in_order(self, results):
        for name, error in (("svm", 0.3), ("linear", 0.5), ("svm", 0.2)):
            _climb.record({"rung": name, "error": error})
            assert results.is_file()
        rows = records.read("ladder")["rows"]
        assert [(row["rung"], row["error"]) for row in rows] == [("linear", 0.5), ("svm", 0.2)]

    def test_a_damaged_record_is_named_and_not_replaced(self, results):
        _climb.record({"rung": "svm", "error": 0.3})
        damaged = results.read_text(encoding="utf-8") + "<<<<<<< HEAD"
        results.write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"ladder.json is no longer JSON .* Restore it with git"):
            _climb.record({"rung": "linear", "error": 0.5})
        assert results.read_text(encoding="utf-8") == damaged

    def test_climbing_measures_the_rungs_that_are_named_and_trying_out_writes_nothing(
        self, parts, results, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(Parts, "load", classmethod(lambda cls, name, data_dir=None: parts))
        monkeypatch.setattr(_networks.Network, "_built", lambda self, num_classes: models.linear(num_classes))
        names = ["knn-deskewed", "lenet5"]
        tried = list(ladder.climb(names, out=tmp_path / "out", limit=100))
        assert [row["rung"] for row in tried] == names
        assert not results.exists() and not (tmp_path / "out").exists()
        (row,) = ladder.climb(["knn-deskewed"], out=tmp_path / "out")
        assert row["test_images"] == len(parts.test)
        assert records.read("ladder")["rows"] == [json.loads(json.dumps(row))]

    def test_what_is_on_record_belongs_to_the_ladder(self):
        if not (manifest.results_dir() / "ladder.json").is_file():
            pytest.skip("not measured yet")
        rows = records.read("ladder")["rows"]
        names = [row["rung"] for row in rows]
        assert names == [name for name in ladder.rung_names() if name in names]
        for row in rows:
            one = ladder.rung(row["rung"])
            assert (row["what"], row["published"], row["source"]) == (one.what, one.published, one.source)
            assert row["low"] < row["error"] < row["high"] or len(row["errors"]) > 1
            assert row["test_images"] == 10_000


class TestCommand:
    def run(self, *arguments):
        return __main__.main(arguments)

    def test_list_names_every_rung(self, capsys):
        assert self.run("--list") == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == ladder.rung_names()

    def test_an_unknown_rung_is_refused_by_the_names_there_are(self, capsys):
        assert self.run("--rungs", "linaer") == 2
        assert "there is no rung linaer; expected some of linear," in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [("--seeds", "0"), ("--limit", "-3"), ("--limit", "many")])
    def test_numbers_count_from_one(self, capsys, arguments):
        with pytest.raises(SystemExit):
            self.run(*arguments)
        assert f"expected a whole number, at least 1; got '{arguments[1]}'" in capsys.readouterr().err

    def test_without_mnist_it_says_what_to_do(self, capsys, monkeypatch, tmp_path):
        monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
        assert self.run("--rungs", "linear", "--out", str(tmp_path)) == 2
        assert "datasets.fetch('mnist')" in capsys.readouterr().err


@pytest.mark.real_data
def test_neighbours_on_a_little_of_mnist_are_as_good_as_known(real_data, tmp_path):
    """3,000 training images of MNIST give some 8 % of errors (300 asked)."""
    (row,) = ladder.climb(["knn"], data_dir=real_data, out=tmp_path, limit=3000)
    assert row["low"] < 0.08 < row["high"]
