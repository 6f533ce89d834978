"""Run in a process of its own: a saved QAT model to an int8 file, its answers and its kernels."""

import sys

import numpy as np


def main(model_path, data_path, out_path):
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    from tfedge.models.files import load_model

    model, x = load_model(model_path), np.load(data_path)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    interpreter = Interpreter(model_content=converter.convert())
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], x.shape)
    interpreter.allocate_tensors()
    kernels = {
        layer.name: interpreter.get_tensor(detail["index"])
        for detail in interpreter.get_tensor_details()
        for layer in model.layers
        if f"/{layer.name}/" in detail["name"] and "LastValueQuant" in detail["name"]
    }
    interpreter.set_tensor(source["index"], x)
    interpreter.invoke()
    outputs = interpreter.get_tensor(sink["index"])
    assert all(kernel.dtype == np.int8 for kernel in kernels.values())
    np.savez(out_path, outputs=outputs, qat=model.predict(x, verbose=0), **kernels)


if __name__ == "__main__":
    main(*sys.argv[1:])
