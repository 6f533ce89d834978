"""Every network that can be quantized can be recovered, and never loses by it."""

import numpy as np
import pytest
from quantized_zoo import MODELS

import tfedge


def inputs_for(model, samples=48):
    """Return random inputs in the model's order, one array where there is one."""
    rng = np.random.default_rng(0)
    made = []
    for tensor in model.inputs:
        shape = (samples, *tensor.shape[1:])
        words = "int" in tensor.dtype
        made.append(rng.integers(0, 20, shape) if words else rng.normal(size=shape))
    return made if len(made) > 1 else made[0]


@pytest.mark.filterwarnings("ignore:.*never exercise:UserWarning")  # weights are random
@pytest.mark.parametrize("name", MODELS)
def test_whatever_can_be_quantized_can_be_recovered(name):
    model = MODELS[name][0]()
    methods = ("equalize", "batch_norm", "bias")
    record = tfedge.recover(model, inputs_for(model), methods=methods, verbose=0).recovery
    assert (record.changed["bias"] == 0) == ("bias" in record.undone)
    assert record.sqnr_db["bias"] >= record.sqnr_db["plain"]
