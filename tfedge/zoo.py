"""Small architectures for edge devices, and what each costs: a table, and a function for each."""

from tfedge.models.zoo.autoencoder import AnomalyAutoencoder
from tfedge.models.zoo.catalog import Architecture, Architectures
from tfedge.models.zoo.catalog import list_architectures as list
from tfedge.models.zoo.ds_cnn import DSCNN
from tfedge.models.zoo.efficientnet_lite import EfficientNetLite0
from tfedge.models.zoo.ghostnet import GhostNet
from tfedge.models.zoo.mcunet import MCUNet
from tfedge.models.zoo.mobilenet_v1 import MobileNetV1, PersonDetection
from tfedge.models.zoo.mobilenet_v2 import MobileNetV2
from tfedge.models.zoo.mobilenet_v3 import MobileNetV3Small
from tfedge.models.zoo.names import build
from tfedge.models.zoo.recurrent import SmallGRU
from tfedge.models.zoo.resnet8 import ResNet8
from tfedge.models.zoo.shufflenet_v2 import ShuffleNetV2
from tfedge.models.zoo.squeezenet import SqueezeNet
from tfedge.models.zoo.temporal import TCN
from tfedge.models.zoo.vision_transformer import VisionTransformer

__all__ = [
    "DSCNN",
    "TCN",
    "AnomalyAutoencoder",
    "Architecture",
    "Architectures",
    "EfficientNetLite0",
    "GhostNet",
    "MCUNet",
    "MobileNetV1",
    "MobileNetV2",
    "MobileNetV3Small",
    "PersonDetection",
    "ResNet8",
    "ShuffleNetV2",
    "SmallGRU",
    "SqueezeNet",
    "VisionTransformer",
    "build",
    "list",
]
