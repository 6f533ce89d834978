"""The devices that are known, with the source of each figure.

RAM and flash are what the chip or board has; the program, its stack and an operating system need
some of both. 1 KB in data sheets of memories is 1,024 bytes.
"""

from __future__ import annotations

from typing import Any

from tfedge.runtime.memory.device import FIGURES, Device

_K, _M, _G = 1 << 10, 1 << 20, 1 << 30
_NO_FPU = ("int8", "int16")
_FPU = ("int8", "int16", "float32")
_HALF = (*_FPU, "float16")


def _sheet(text: str, **others: str) -> dict[str, str]:
    """Return one source for all figures, but for those that have another."""
    return {**dict.fromkeys(FIGURES, text), **others}


def _micro(name: str, processor: str, sizes: tuple, mhz: float, source: Any, **more: Any) -> Device:
    """Return a microcontroller: RAM and flash in bytes, largest piece of RAM if it is not all."""
    ram, flash, *block = sizes
    types = more.pop("types", _FPU)
    piece = block[0] if block else None
    return Device(name, "microcontroller", processor, ram, flash, mhz, types, source, piece)


_MICROCONTROLLERS = (
    _micro(
        "Arduino Nano 33 BLE Sense",
        "Cortex-M4F",
        (256 * _K, 1 * _M),
        64,
        _sheet(
            "Arduino, Nano 33 BLE Sense Rev2 data sheet, features of the NINA B306 module; "
            "Nordic Semiconductor, nRF52840 product specification"
        ),
    ),
    _micro(
        "NUCLEO-L4R5ZI",
        "Cortex-M4F",
        (640 * _K, 2 * _M),
        120,
        _sheet("STMicroelectronics, STM32L4R5 data sheet DS12023"),
    ),
    _micro(
        "NUCLEO-F446RE",
        "Cortex-M4F",
        (128 * _K, 512 * _K),
        180,
        _sheet("STMicroelectronics, STM32F446 data sheet DS10693"),
    ),
    _micro(
        "STM32F746G-DISCO",
        "Cortex-M7",
        (320 * _K, 1 * _M),
        216,
        _sheet("STMicroelectronics, STM32F746 data sheet DS10916; system RAM with DTCM"),
    ),
    _micro(
        "NUCLEO-H743ZI2",
        "Cortex-M7",
        (1 * _M, 2 * _M, 512 * _K),
        480,
        _sheet("STMicroelectronics, STM32H743 data sheet DS12110; the largest piece is AXI SRAM"),
    ),
    _micro(
        "Teensy 4.1",
        "Cortex-M7",
        (1 * _M, 7936 * _K, 512 * _K),
        600,
        _sheet("PJRC, Teensy 4.1; RAM is 512 KB tightly coupled and 512 KB beside it"),
    ),
    _micro(
        "nRF5340 DK",
        "Cortex-M33F",
        (512 * _K, 1 * _M),
        128,
        _sheet("Nordic Semiconductor, nRF5340 product specification, application core"),
    ),
    _micro(
        "B-U585I-IOT02A",
        "Cortex-M33F",
        (784 * _K, 2 * _M, 768 * _K),
        160,
        _sheet(
            "STMicroelectronics, STM32U585 data sheet DS13086, without 2 KB of backup SRAM; "
            "SRAM1 to SRAM3 in one piece"
        ),
    ),
    _micro(
        "Raspberry Pi Pico 2",
        "2 x Cortex-M33F",
        (520 * _K, 4 * _M),
        150,
        _sheet("Raspberry Pi, RP2350 and Pico 2 data sheets"),
    ),
    _micro(
        "Raspberry Pi Pico",
        "2 x Cortex-M0+",
        (264 * _K, 2 * _M),
        133,
        _sheet("Raspberry Pi, RP2040 and Pico data sheets"),
        types=_NO_FPU,
    ),
    _micro(
        "ESP32-S3-DevKitC-1-N8",
        "2 x Xtensa LX7",
        (512 * _K, 8 * _M, 416 * _K),
        240,
        _sheet(
            "Espressif, ESP32-S3 data sheet",
            flash_bytes="Espressif, ESP32-S3-DevKitC-1 user guide",
            ram_bytes="Espressif, ESP32-S3 technical reference manual; the largest piece is SRAM1",
        ),
    ),
)


def _large(
    name: str, kind: str, processor: str, ram: int, mhz: float | None, types: tuple, source: Any
) -> Device:
    """Return a device whose files lie in storage."""
    return Device(name, kind, processor, ram, None, mhz, types, source)


_COMPUTERS = (
    _large(
        "Raspberry Pi 3 Model B+",
        "computer",
        "4 x Cortex-A53",
        1 * _G,
        1400,
        _FPU,
        _sheet("Raspberry Pi, Raspberry Pi 3 Model B+ product brief"),
    ),
    _large(
        "Raspberry Pi 4 Model B, 2 GB",
        "computer",
        "4 x Cortex-A72",
        2 * _G,
        1800,
        _FPU,
        _sheet("Raspberry Pi, Raspberry Pi 4 Model B product brief; boards of 2019: 1500 MHz"),
    ),
    _large(
        "Raspberry Pi 5, 4 GB",
        "computer",
        "4 x Cortex-A76",
        4 * _G,
        2400,
        _HALF,
        _sheet(
            "Raspberry Pi, Raspberry Pi 5 product brief",
            numeric_types="Arm, Cortex-A76 technical reference manual",
        ),
    ),
    _large(
        "Jetson Nano Developer Kit, 4 GB",
        "computer",
        "4 x Cortex-A57, 128-core Maxwell GPU",
        4 * _G,
        1430,
        _HALF,
        _sheet("NVIDIA, Jetson Nano module data sheet; float16 on the GPU"),
    ),
)

_PHONES = (
    _large(
        "Google Pixel 4a",
        "phone",
        "Snapdragon 730G",
        6 * _G,
        2200,
        _HALF,
        _sheet(
            "Google, Pixel 4a technical specifications",
            numeric_types="Arm, Cortex-A76 technical reference manual",
        ),
    ),
    _large(
        "Google Pixel 5",
        "phone",
        "Snapdragon 765G",
        8 * _G,
        2400,
        _HALF,
        _sheet(
            "Google, Pixel 5 technical specifications",
            numeric_types="Arm, Cortex-A76 technical reference manual",
        ),
    ),
    _large(
        "Samsung Galaxy S23",
        "phone",
        "Snapdragon 8 Gen 2 for Galaxy",
        8 * _G,
        3360,
        _HALF,
        _sheet(
            "Samsung, Galaxy S23 specifications",
            numeric_types="Arm, Cortex-X3 technical reference manual",
        ),
    ),
)

_ACCELERATORS = (
    _large(
        "Coral USB Accelerator",
        "edgetpu",
        "Edge TPU",
        8 * _M,
        None,
        ("int8",),
        _sheet(
            "Coral, USB Accelerator data sheet",
            ram_bytes="Coral, Edge TPU compiler, parameter data caching: about 8 MB of SRAM",
        ),
    ),
)

DEVICES = (*_MICROCONTROLLERS, *_COMPUTERS, *_PHONES, *_ACCELERATORS)
