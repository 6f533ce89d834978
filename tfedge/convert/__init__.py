"""From Keras to ``.tflite``: calibration, conversion in a worker process, proof of the file."""

from tfedge.core.rooms import callable_room

callable_room(__name__, "tfedge.convert.converter:convert")
