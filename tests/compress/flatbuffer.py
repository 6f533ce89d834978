"""Run in a process of its own: a saved QAT model to an int8 file, its answers and its kernels."""

import sys

import numpy as np


def main(model_path, data_path, out_path):
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    from tfedge.models.flavours import tf_keras
    from tfedge.models.scope import training_scope

    with training_scope():
        model = tf_keras().models.load_model(model_path, compile=False)
    x = np.load(data_path)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: ([sample[None]] for sample in x[:100])
    interpreter = Interpreter(model_content=converter.convert())
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], x)
    interpreter.invoke()
    outputs = interpreter.get_tensor(sink["index"])
    kernels = {}
    for detail in interpreter.get_tensor_details():
        if detail["dtype"] == np.int8 and detail["shape"].size >= 2:
            try:
                values = interpreter.get_tensor(detail["index"])
            except ValueError:
                continue
            kernels[detail["name"]] = values
    kinds = {d["name"]: str(np.dtype(d["dtype"])) for d in interpreter.get_tensor_details()}
    np.savez(out_path, outputs=outputs, qat=model.predict(x, verbose=0), kinds=kinds, **{
        f"kernel/{name.replace('/', '|')}": value for name, value in kernels.items()
    })


if __name__ == "__main__":
    main(*sys.argv[1:])
