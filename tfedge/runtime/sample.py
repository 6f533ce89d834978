"""A file of a few hundred bytes that halves its input: for examples, and to see that all works."""

from __future__ import annotations

import base64
import zlib

from tfedge.runtime.model import TFLiteModel

_HALVE = (
    "c-n1KJxc>Y5S?7k81#r=Q7lrVu#_0TKx`yL1u;?4!%8?0a_Y(DBJmRP5A+v^rKN>Gz`|1e5n^FwWohmCW^e8c;wF"
    "#Xo!vL{X6Cj)MCN8~F;7J*&@|;~lnmIiq+?C65nTiCz<rA75irw4_!E}6&0|Qhm@|Z(A-ok}1h{nCUDrRg8qSH`@"
    "dCxufx9paHCZ#xZ104`FYiCT!%&xf58%5?a`p!9fUGBg>h8|r#{R+9?v7R8Fe~d7vjRPlrfgpfzT0$ttKIPfx9M1"
    "2r+w+Re9FN73_Nk3z%396#}6YN$4S0ipIqXbZ8OT6QMQcmNYx^)sjljB^`dRxe6DP!B_Ca}h!#o<^QAJ;tHffT^Q"
    "C1rC4)Wd|HP44YZs_j0C3IgwXOYPwdEtfz-g3J4fE<+E>Xlja$@Ix9Z8N2@!7OpKki4&%`0sN4GUN5F=@#93-MEu"
    "n<lzb0!?Nfoc|+mA+gSpHy_7Z3UX&wcsLGuZ(<(9yl1xqH$dl{M%DJb)pDQzw2CmL@+8SL8iTM#l14?ZCb>Px_tf"
    "lobG@YEQ|e7n@+!FRzdo2(6mZ<~AFaCjMc>??H(>RkxL<GlmJC(fsM{QIJc>2`0}YgP!2"
)


def sample_model() -> TFLiteModel:
    """Return a file with one operator: ``half = 0.5 * x`` for three numbers ``x``.

    Example:
        >>> sample_model().predict([[2.0, 4.0, 6.0]])
        array([[1., 2., 3.]], dtype=float32)
    """
    return TFLiteModel(zlib.decompress(base64.b85decode(_HALVE)), "halve")
