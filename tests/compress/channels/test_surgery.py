"""What surgery returns: the same kind of model, ordinary, with the user's left alone."""

import channel_zoo
import keras as keras3
import numpy as np
import pytest
import tf_keras
from channel_proof import choose, difference, outputs, prove, randomize, samples

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.surgery import masked, remove
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models import register_channels

BOTH = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
STORED = ("residual", "grouped", "recurrent", "transformer", "nested", "frozen", "sequential")


def smaller(model):
    """Return the model with some channels gone."""
    return remove(model, choose(read_channels(model).removable, np.random.default_rng(0)))


@BOTH
@pytest.mark.parametrize("name", STORED)
def test_saves_and_loads_as_any_model(name, keras, tmp_path):
    small = smaller(randomize(channel_zoo.MODELS[name](keras)))
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    x = samples(small)
    assert difference(outputs(loaded, x), outputs(small, x)) < 1e-6
    assert "tfedge" not in str(small.get_config())


@BOTH
def test_nothing_removed_is_a_copy(keras):
    model = randomize(channel_zoo.residual(keras))
    copy, x = remove(model, {}), samples(model)
    assert difference(outputs(copy, x), outputs(model, x)) == 0
    assert not set(map(id, copy.weights)) & set(map(id, model.weights))


@BOTH
def test_nested_models_stay_nested(keras):
    model = channel_zoo.nested(keras)
    small = smaller(model)
    kinds = [(layer.name, type(layer).__name__) for layer in model.layers]
    assert [(layer.name, type(layer).__name__) for layer in small.layers] == kinds
    base = small.get_layer("middle").get_layer("base")
    assert type(base).__name__ == "Sequential"
    assert base.get_layer("conv").filters < 6


@BOTH
def test_settings_follow(keras):
    model = channel_zoo.grouped(keras)
    small = remove(model, {"columns": [0], "a": [1], "b": [0, 1, 2], "c": [0, 5]})
    settings = {layer.name: layer for layer in small.layers}
    assert (settings["a"].filters, settings["columns"].filters) == (6, 8)
    assert (settings["groups"].groups, settings["single"].groups) == (4, 8)
    norms = [one for one in small.layers if type(one).__name__ == "GroupNormalization"]
    assert [norm.groups for norm in norms] == [1, 4]


@BOTH
def test_freezing_policies_and_regularizers_stay(keras):
    small = smaller(channel_zoo.frozen(keras))
    base = next(layer for layer in small.layers if hasattr(layer, "layers"))
    assert [layer.trainable for layer in base.layers] == [True, False]
    half = smaller(channel_zoo.mixed_precision(keras)).get_layer("half")
    assert half.compute_dtype == "float16"
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, kernel_regularizer="l2", kernel_constraint="non_neg", name="d")(
        inputs
    )
    small = remove(keras.Model(inputs, keras.layers.Dense(1)(x)), {"d": [0]})
    assert type(small.get_layer("d").kernel_regularizer).__name__ == "L2"
    assert type(small.get_layer("d").kernel_constraint).__name__ == "NonNeg"


@BOTH
def test_the_user_class_stays(keras):
    class Mine(keras.Model):
        """Has a training step of its own."""

    class Row(keras.Sequential):
        """A sequential model of the user's."""

    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="d")(inputs)
    assert type(remove(Mine(inputs, keras.layers.Dense(1)(x)), {"d": [0]})) is Mine
    row = Row([keras.Input((4,)), keras.layers.Dense(3, name="d"), keras.layers.Dense(1)])
    assert type(remove(row, {"d": [0]})) is Row


@BOTH
def test_compiled_state_is_left_behind_and_training_works(keras):
    model = channel_zoo.residual(keras)
    model.compile("adam", "mse")
    small = smaller(model)
    assert not getattr(small, "compiled", small._is_compiled if keras is tf_keras else False)
    small.compile("adam", "mse")
    small.fit(samples(model), np.zeros((3, 3)), verbose=0)
    assert model.compiled if keras is keras3 else model._is_compiled


@BOTH
def test_key_dimensions_keep_the_scale_of_the_scores(keras):
    """Queries are rescaled, since the layer divides by the root of the number it has left."""
    model = randomize(channel_zoo.transformer(keras))
    small, _ = prove(model, {"mha#2": [0, 3]})
    kernel = model.get_layer("mha")._query_dense.kernel.numpy()[:, :, [1, 2, 4, 5]]
    assert np.allclose(small.get_layer("mha")._query_dense.kernel, kernel * (4 / 6) ** 0.5)


@BOTH
def test_zeros_where_channels_are_made_would_not_do(keras):
    """A sigmoid turns zeros into a half, so the mask lies on the consumer."""
    layers = keras.layers
    rows = [layers.Dense(4, activation="sigmoid", name="d"), layers.Dense(2, name="head")]
    model = randomize(keras.Sequential([keras.Input((3,)), *rows]))
    zeros = masked(model, {"d": [1]})
    assert not zeros.get_layer("head").kernel.numpy()[1].any()
    assert np.array_equal(zeros.get_layer("d").kernel, model.get_layer("d").kernel)


@BOTH
def test_registered_layers(keras):
    class Gain(keras.layers.Layer):
        def build(self, shape):
            self.gain = self.add_weight(shape=(shape[-1],), name="gain")

        def call(self, inputs):
            return inputs * self.gain

    class Twisted(keras.layers.Dense):
        def call(self, inputs):
            return super().call(inputs[..., ::-1])

    inputs = keras.Input((4,))
    x = Gain(name="gain")(keras.layers.Dense(5, name="d")(inputs))
    x = Twisted(6, name="twisted")(x)
    model = randomize(keras.Model(inputs, keras.layers.Dense(2)(x)))
    graph = read_channels(model)
    assert "'gain' (Gain)" in graph.group("d").fixed and "register_channels" in repr(graph)
    register_channels(Gain, "same", follows={"gain": 0})
    assert "'twisted' (Twisted)" in read_channels(model).group("d").fixed

    def backwards(call):
        line, _ = call.line(-1)
        call.consumes("kernel", 0, None if line is None else line[::-1])
        made = call.makes("kernel", 1)
        call.follows("bias", 0, made)
        call.width("units", made)
        return made.reshape(1, -1)

    register_channels(Twisted, backwards)
    assert {g.name: g.size for g in read_channels(model).removable} == {"d": 5, "twisted": 6}
    small, _ = prove(model, {"d": [0, 3], "twisted": [5]})
    assert small.get_layer("gain").gain.shape == (3,)


def test_registering_nonsense_is_refused():
    with pytest.raises(ArgumentError, match="must be a class"):
        register_channels("Gain")
    with pytest.raises(ArgumentError, match="'same' or a function"):
        register_channels(keras3.layers.Layer, "other")


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        ({"stam": [0]}, "does not have. Nearest: 'stem'"),
        ({"head": [0]}, "Nothing can be removed from 'head': it is an output"),
        ({"stem": [6]}, "names unit 6; the group has units 0 to 5"),
        ({"stem": [-1]}, "names unit -1"),
        ({"stem": range(6)}, "names all 6 units. At least one must stay"),
    ],
)
def test_bad_requests_are_refused(drop, message):
    model = channel_zoo.residual(keras3)
    for function in (remove, masked):
        with pytest.raises(ArgumentError, match=message):
            function(model, drop)


def test_what_is_no_layer_graph_is_refused():
    with pytest.raises(ModelError, match="not built"):
        read_channels(keras3.Sequential([keras3.layers.Dense(2)]))


def test_a_layer_without_config_is_named():
    class Hidden(keras3.layers.Layer):
        def __init__(self, width):
            super().__init__(name="hidden")
            self.width = width

        def call(self, inputs):
            return inputs

    inputs = keras3.Input((4,))
    model = keras3.Model(inputs, Hidden(object())(keras3.layers.Dense(3, name="d")(inputs)))
    with pytest.raises(ModelError, match=r"'hidden' \(Hidden\) cannot be made again"):
        remove(model, {})
