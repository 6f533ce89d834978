"""Small architectures from tf_keras layers, each with an INT8 file of integer operators alone."""
