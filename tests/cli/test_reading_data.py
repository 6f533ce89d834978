"""Data of every kind come out as the arrays that were put in; bad ones are refused by name."""

import gzip
import json

import numpy as np
import pytest
from PIL import Image

from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.data import batches
from tfedge.core.errors import ArgumentError, DataError

IMAGE = [ModelInput("image", (8, 8, 1))]
PAIR = [ModelInput("left", (2,)), ModelInput("right", (3,))]
RNG = np.random.default_rng(0)
X, Y = RNG.random((10, 8, 8, 1), "float32"), RNG.integers(0, 3, 10)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(spec, inputs=IMAGE, **settings):
    """Return inputs and labels, all batches together."""
    path, _, part = str(spec).partition("::")
    data = open_source(Request(str(spec), path, part, **settings)).load(inputs)
    parts = list(batches(data, shapes={one.name: one.shape for one in inputs}))
    y = None if parts[0].y is None else np.concatenate([part.y for part in parts])
    if isinstance(parts[0].x, dict):
        return {name: np.concatenate([p.x[name] for p in parts]) for name in parts[0].x}, y
    return np.concatenate([part.x for part in parts]), y


def refusal(spec, inputs=IMAGE, error=DataError, **settings):
    """Return why data are refused."""
    with pytest.raises(error) as caught:
        read(spec, inputs, **settings)
    return str(caught.value)


class TestArrays:
    def test_usual_names(self):
        np.savez("a.npz", x=X, y=Y)
        x, y = read("a.npz")
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)

    def test_a_part_and_a_missing_axis(self):
        np.savez("a.npz", x_train=X[..., 0], y_train=Y, x_test=X[:1], y_test=Y[:1])
        x, y = read("a.npz::train")
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)
        assert "a.npz::test or a.npz::train" in refusal("a.npz")
        assert "no part 'trian'" in refusal("a.npz::trian")

    def test_named_keys_and_several_inputs(self):
        np.savez("a.npz", left=X[:, 0, :2, 0], right=X[:, 0, :3, 0], kind=Y)
        by_name, y = read("a.npz", PAIR, y=(("", "kind"),))
        assert set(by_name) == {"left", "right"}
        np.testing.assert_array_equal(y, Y)
        swapped, _ = read("a.npz", PAIR, x=(("right", "right"), ("left", "left")))
        np.testing.assert_array_equal(swapped["right"], by_name["right"])
        assert "2 inputs" in refusal("a.npz", PAIR, x=(("", "left"),))

    def test_one_array_alone(self):
        np.save("a.npy", X)
        x, y = read("a.npy")
        np.testing.assert_array_equal(x, X)
        assert y is None

    def test_scale(self):
        np.savez("a.npz", x=np.full((2, 8, 8, 1), 255, np.uint8))
        said = []
        assert read("a.npz", say=said.append)[0].max() == 255
        assert "--scale" in said[0]
        assert read("a.npz", scale="unit")[0].max() == 1
        assert read("a.npz", scale="symmetric")[0].max() == 1
        np.savez("b.npz", x=np.zeros((2, 8, 8, 1), np.uint8))
        assert read("b.npz", scale="symmetric")[0].min() == -1
        np.savez("a.npz", x=np.zeros((1, 8, 8, 3), np.uint8))
        x, _ = read("a.npz", [ModelInput("image", (8, 8, 3))], scale="imagenet")
        np.testing.assert_allclose(x[0, 0, 0], [-2.117904, -2.035714, -1.804444], rtol=1e-6)

    def test_refusals(self):
        np.savez("a.npz", images=X, y=Y[:9], text=np.array(["a"]))
        assert "Did you mean 'images'?" in refusal("a.npz", x=(("", "image"),))
        assert "Which of" in refusal("a.npz")
        message = refusal("a.npz", x=(("", "images"),))
        assert "'x': 10" in message and "'y': 9" in message
        wide = [ModelInput("image", (9, 8, 1))]
        assert "(8, 8, 1)" in refusal("a.npz", wide, x=(("", "images"),))
        assert "numbers are needed" in refusal("a.npz", x=(("", "text"),))
        np.savez("b.npz", x=np.array([{}], object))
        assert "objects" in refusal("b.npz")
        np.savez("c.npz", x=X[:0])
        assert "no samples" in refusal("c.npz")

    def test_damaged_and_missing(self, folder):
        np.savez("a.npz", x=X)
        content = (folder / "a.npz").read_bytes()
        (folder / "a.npz").write_bytes(content[: len(content) // 2])
        assert "'a.npz' cannot be read" in refusal("a.npz")
        assert "No data at 'none.npz'" in refusal("none.npz")
        (folder / "a.txt").touch()
        assert "no kind of data" in refusal("a.txt")


class TestImages:
    @pytest.fixture
    def photos(self, folder):
        """Colours of one shade each, by class."""
        for number, name in enumerate(("cat", "dog")):
            (folder / "photos" / name).mkdir(parents=True)
            for shade in range(3):
                Image.new("RGB", (20, 10), (100 * number + shade,) * 3).save(
                    folder / "photos" / name / f"{shade}.png"
                )
        return folder / "photos"

    def test_classes_in_the_order_of_names(self, photos):
        said = []
        x, y = read(photos, scale="none", say=said.append)
        assert x.shape == (6, 8, 8, 1)
        np.testing.assert_array_equal(x[:, 0, 0, 0] // 100, y)
        assert sorted(y) == [0, 0, 0, 1, 1, 1]
        assert "6 images, 2 classes: 0 cat, 1 dog" in said[0] and "0 to 255" in said[1]

    def test_the_order_is_that_of_the_seed(self, photos):
        first, again, other = (read(photos, scale="unit", seed=seed)[1] for seed in (0, 0, 3))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_cut_or_stretched(self, folder):
        (folder / "photos").mkdir()
        wide = np.zeros((10, 30, 3), np.uint8)
        wide[:, :10] = 255
        Image.fromarray(wide).save(folder / "photos" / "wide.png")
        x, y = read("photos", scale="unit", interpolation="nearest")
        assert y is None
        assert 0.2 < x.mean() < 0.5
        cut, _ = read("photos", scale="unit", interpolation="nearest", crop=True)
        assert cut.max() == 0

    def test_a_part(self, photos, folder):
        (folder / "all").mkdir()
        photos.rename(folder / "all" / "train")
        assert len(read("all::train", scale="unit")[0]) == 6
        assert "Did you mean 'train'?" in refusal("all::tran", scale="unit")

    def test_refusals(self, photos, folder):
        assert "need --scale" in refusal(photos, error=ArgumentError)
        assert "(4,)" in refusal(photos, [ModelInput("x", (4,))], scale="unit")
        open_size = [ModelInput("x", (None, None, 3))]
        assert "--image-size" in refusal(photos, open_size, ArgumentError, scale="unit")
        assert read(photos, open_size, scale="unit", image_size=(4, 6))[0].shape[1:] == (4, 6, 3)
        (photos / "emu").mkdir()
        assert "emu" in refusal(photos, scale="unit")
        (photos / "emu" / "bad.png").write_bytes(b"no image")
        assert "bad.png' cannot be read: it is no image" in refusal(photos, scale="unit")
        whole = (photos / "cat" / "0.png").read_bytes()
        (photos / "emu" / "bad.png").write_bytes(whole[:50])
        assert "bad.png' cannot be read" in refusal(photos, scale="unit")
        (folder / "empty").mkdir()
        assert "no images in 'empty'" in refusal("empty", scale="unit")


class TestTables:
    def test_a_column_of_words_and_rows_in_the_shape_of_the_model(self, folder):
        rows = [
            ",".join([*(str(v) for v in x.ravel()), "bad"[k]]) for x, k in zip(X, Y, strict=True)
        ]
        (folder / "a.csv").write_text("\n".join([",".join([*map(str, range(64)), "kind"]), *rows]))
        for label in ("kind", "64", "-1"):
            if label != "64":
                x, y = read("a.csv", y=(("", label),))
                np.testing.assert_array_equal(x, X)
                np.testing.assert_array_equal(y, np.array([1, 0, 2])[Y])  # a, b, d

    def test_without_a_row_of_names(self, folder):
        (folder / "a.tsv").write_text("0\t1.5\t2\n1\t2.5\t3\n")
        x, y = read("a.tsv", [ModelInput("x", (2,))], y=(("", "0"),))
        assert x.tolist() == [[1.5, 2.0], [2.5, 3.0]]
        assert y.tolist() == [0, 1] and y.dtype == np.int64
        x, y = read("a.tsv", [ModelInput("x", (1,))], x=(("", "2"),), y=(("", "1"),))
        assert x.tolist() == [[2.0], [3.0]] and y.tolist() == [1.5, 2.5]

    def test_refusals(self, folder):
        two = [ModelInput("x", (2,))]
        (folder / "a.csv").write_text("height,width,kind\n1,2,0\n3,x,1\n")
        label = {"y": (("", "kind"),)}
        assert "Line 3 of 'a.csv': 'x' in column 'width'" in refusal("a.csv", two, **label)
        assert "Did you mean 'kind'?" in refusal("a.csv", two, y=(("", "kin"),))
        assert "no column 7" in refusal("a.csv", two, y=(("", "7"),))
        (folder / "a.csv").write_text("1,2\n3\n")
        assert "Line 2 of 'a.csv' has 1 cells" in refusal("a.csv", two)
        (folder / "a.csv").write_text("1,2,3\n")
        assert "(3)" in refusal("a.csv", two)
        (folder / "a.csv").write_text("\n")
        assert "empty" in refusal("a.csv", two)
        (folder / "a.csv").write_text("a,b\n")
        assert "no samples" in refusal("a.csv", two)


class TestFunctions:
    @pytest.fixture
    def module(self, folder, request):
        """A module of the user's own in this folder."""
        name = f"own_{request.node.name}"
        (folder / f"{name}.py").write_text(
            "import numpy as np\n"
            "def pair():\n    return np.zeros((4, 8, 8, 1)), np.arange(4)\n"
            "def items():\n    for k in range(3):\n        yield np.zeros((8, 8, 1)), k\n"
            "def broken():\n    return 1 / 0\n"
            "def nothing():\n    pass\n"
            "x = np.ones((2, 8, 8, 1))\n"
        )
        return name

    def test_what_they_return(self, module):
        assert read(f"{module}:pair")[1].tolist() == [0, 1, 2, 3]
        assert read(f"{module}:items")[1].tolist() == [0, 1, 2]
        assert read(f"{module}:x")[0].sum() == 128
        source = open_source(Request("", f"{module}:items", "")).load(IMAGE)
        assert [sum(1 for _ in source()) for _ in range(2)] == [3, 3]

    def test_refusals(self, module):
        assert "Did you mean 'pair'?" in refusal(f"{module}:pairs")
        assert "ZeroDivisionError" in refusal(f"{module}:broken")
        assert "returned None" in refusal(f"{module}:nothing")
        assert "no module 'not_there'" in refusal("not_there:pair")
        assert "are for files" in refusal(f"{module}:pair", error=ArgumentError, scale="unit")


class TestRecords:
    @pytest.fixture
    def written(self, folder):
        """Two files of examples, one feature of each kind."""
        import io

        import tensorflow as tf

        train = tf.train
        pixels = (X * 255).astype("uint8")
        for number in range(2):
            with tf.io.TFRecordWriter(f"part-{number}.tfrecord") as file:
                for k in range(5 * number, 5 * number + 5):
                    png = io.BytesIO()
                    Image.fromarray(pixels[k, ..., 0]).save(png, "png")
                    features = {
                        "x": train.Feature(float_list=train.FloatList(value=X[k].ravel())),
                        "label": train.Feature(int64_list=train.Int64List(value=[Y[k]])),
                        "raw": train.Feature(
                            bytes_list=train.BytesList(value=[pixels[k].tobytes()])
                        ),
                        "png": train.Feature(bytes_list=train.BytesList(value=[png.getvalue()])),
                    }
                    example = train.Example(features=train.Features(feature=features))
                    file.write(example.SerializeToString())
        return pixels

    def test_each_kind_of_feature(self, written, folder):
        plain = ("x=float32[8,8,1]", "label=int64")
        x, y = read("part-*.tfrecord", features=plain)
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)
        content = b"".join((folder / f"part-{number}.tfrecord").read_bytes() for number in (0, 1))
        (folder / "packed.tfrecord").write_bytes(gzip.compress(content))
        x, _ = read("packed.tfrecord", features=plain)
        np.testing.assert_array_equal(x, X)
        bytes_only = {"raw": "raw-uint8[8, 8]", "label": "int64"}
        (folder / "spec.json").write_text(json.dumps(bytes_only))
        x, _ = read("part-*.tfrecord", features_file="spec.json")
        np.testing.assert_array_equal(x, written)
        x, y = read("part-1.tfrecord", features=("png=image[8,8,1]", "label=int64"), scale="unit")
        np.testing.assert_allclose(x, written[5:] / 255, rtol=1e-6)
        np.testing.assert_array_equal(y, Y[5:])

    def test_refusals(self, written, folder):
        name = "part-0.tfrecord"
        assert "--feature" in refusal(name, error=ArgumentError)
        assert "is no feature" in refusal(name, error=ArgumentError, features=("x:float",))
        wrong = ("x=float32[9]", "label=int64")
        assert "cannot be read" in refusal(name, [ModelInput("x", (9,))], features=wrong)
        assert "64 bytes" in refusal(name, features=("raw=raw-uint8[9]",))
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-10])
        assert "damaged" in refusal(name, features=("x=float32[8,8,1]",))
        (folder / name).write_bytes(b"")
        assert "empty" in refusal(name, features=("x=float32[8,8,1]",))
