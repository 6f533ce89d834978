"""What arithmetic and memory cost: the figures of one paper, for a process of 45 nm at 0.9 V.

Horowitz, "Computing's Energy Problem (and what we can do about it)", ISSCC 2014, figure 1.1.9.
"""

from __future__ import annotations

SOURCE = "Horowitz, ISSCC 2014: a process of 45 nm at 0.9 V"

ADD_PJ = {"int8": 0.03, "int32": 0.1, "float16": 0.4, "float32": 0.9}
MULTIPLY_PJ = {"int8": 0.2, "int32": 3.1, "float16": 1.1, "float32": 3.7}

SRAM_PJ = {8 << 10: 10.0, 32 << 10: 20.0, 1 << 20: 100.0}  # 64 bits, by size of the memory
DRAM_PJ = (1300.0, 2600.0)  # 64 bits
_WORD_BYTES = 8

# A multiplier's energy grows with the product of its widths: 8 x 8 to 32 x 32 bits in the paper
# is 0.2 to 3.1 pJ, sixteen times as much. TFLite sums up 16-bit products in 64 bits.
MAC_PJ = {
    "float32": MULTIPLY_PJ["float32"] + ADD_PJ["float32"],
    "float16": MULTIPLY_PJ["float16"] + ADD_PJ["float16"],
    "int8": MULTIPLY_PJ["int8"] + ADD_PJ["int32"],
    "int16x8": 2 * MULTIPLY_PJ["int8"] + 2 * ADD_PJ["int32"],
    "int16": 4 * MULTIPLY_PJ["int8"] + 2 * ADD_PJ["int32"],
}
_ALIKE = {"bfloat16": "float16", "uint8": "int8", "int4": "int8", "int2": "int8"}


def mac_type(numeric_type: str) -> str:
    """Return the row of `MAC_PJ` that an operator's numeric type goes by.

    Dynamic-range kernels compute with 8-bit codes and sums of 32 bits; 4-bit weights are unpacked
    to 8 bits. What the table does not have goes by float32.

    Args:
        numeric_type: As `tfedge.runtime.OperatorInfo` has it.

    Example:
        >>> [mac_type(name) for name in ("dynamic-int4", "bfloat16", "int16x8", "float64")]
        ['int8', 'float16', 'int16x8', 'float32']
    """
    if numeric_type.startswith("dynamic-"):
        return "int8"
    known = _ALIKE.get(numeric_type, numeric_type)
    return known if known in MAC_PJ else "float32"


def sram_pj_per_byte(size_bytes: int) -> float:
    """Return the energy of a byte from the smallest SRAM of the table that holds so much.

    Above 1 MB it is that of 1 MB: larger ones are built of such blocks.

    Args:
        size_bytes: What has to lie there.

    Example:
        >>> [8 * sram_pj_per_byte(size) for size in (100, 20_000, 10**6, 10**7)]
        [10.0, 20.0, 100.0, 100.0]
    """
    fitting = [pj for size, pj in SRAM_PJ.items() if size >= size_bytes]
    return (fitting[0] if fitting else max(SRAM_PJ.values())) / _WORD_BYTES


def dram_pj_per_byte() -> tuple[float, float]:
    """Return the least and the most energy of a byte from DRAM.

    Example:
        >>> dram_pj_per_byte()
        (162.5, 325.0)
    """
    return DRAM_PJ[0] / _WORD_BYTES, DRAM_PJ[1] / _WORD_BYTES
