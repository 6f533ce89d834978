"""How each Keras 3 layer and operation becomes a tf_keras layer."""
