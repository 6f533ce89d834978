"""Devices that a file may be meant for: a table, and where to add one's own."""

from tfedge.runtime.memory.device import Device, DeviceTable
from tfedge.runtime.memory.device import get_device as get
from tfedge.runtime.memory.device import list_devices as list
from tfedge.runtime.memory.device import register_device as register

__all__ = ["Device", "DeviceTable", "get", "list", "register"]
