"""A ``.tflite`` file of any size with one matrix product, to measure what a machine can do.

Two small files of the TensorFlow converter, of ``x @ w.T`` with ``x`` of shape (2, 16) and ``w`` of
shape (8, 16), grow to the size that is asked for: shapes and weights are appended and pointed at.
"""

from __future__ import annotations

import base64
import math
import zlib

import numpy as np

from tfedge.runtime.flatbuffer import (
    append_numbers,
    append_vector,
    element,
    field,
    follow,
    vector,
    word,
)

_SUBGRAPHS, _BUFFERS, _TENSORS = 2, 4, 0
_SHAPE, _BUFFER, _DATA = 0, 2, 0
_SMALL = {
    "float32": (
        "c-n1Le{54#6uyI6JE_}48`4OP4Vy3%?6#tD0`KGvwxwIx7|@vg0cpoJq>;VV`Gx~gnk<?cK$}Rknvu1FGBN=pgf*"
        "=9@P?U^II(d!r_5x)$Ohp@O)!~%NWJ&<Zdr`C`Et+u?mg$+bMl=!2qE684XbR#NgTvZY(yef##xAo*@SUfXbfcw3"
        "Gpx_OoXt_SPK|lU|<v(&tx)>2>VHf^&9J6socD!dSjihw$fW(QSL2gajiydi?}y?w>6;p+B;M&(AwhL-O~O>piL!"
        "a#_KFWf}xk$QSlD$qq1Cl_cKW1Ef$hD7n^g125UArv+(1~I#;L3sCC)m<4up%T)MhY)MGNd2ywgIrLGb}eiylT%u"
        "?5joSIuavg!Zwut1)QbufAE3_32KM?JrYrl#WHEQ`bRQ~`9~xQNy@-@}8Nzc6jTMy>ISs5Eq<<o=F23%B7N<vOIE"
        "KP+$kJBGm%r|5(HBk1?9qM>JeRF4IqqUjh$EB^pzybQ>(r2{E)8k9F(s7tTPiJ=d`GIAQFl7DDqQ9@R3?xE!Mdr6"
        "DsIUq+5B!|^F#`<r`(cSN3p*jf3f<ds{J`drVF-RqQAk=kBPHc}raQrTeKODyKyeNkHby@i{3=M5n7`!Xt&c|QF^"
        "s+73Fm?g!-<txZVjo?5`wNJCctj38VWIYy4x!?kL2V!do}Lj*58X#;axY95Peb_3ax~e00y27Xt<`f4dnb0_S@#|"
        "2tPkVa%in^&=?Chq{um|>)yT2vDS1Nsh{oP_gMKqfySH~i$a@v_)KZXsUIJugXtn=BQZD-Z7i<_Bgrd=>P<b~*o%"
        "@HW->k|~PM_TAItY=~Hz4{|BPd<PRH>||;V*+wlK&a#_xqA#SG<@CeTs+8S1|F(vp`ZO24;RO0PU?&xHPgK!gc-V"
        "-<O88yHED_#9%D726}yq(K(Zgg;l@7*Twf>a@_%#{_!1foID5m^`q4D@(MioFq4Te<TE+cZm8buT;HZLZEG#fE|S"
        "AIo1vS$IW=<q<O$v(wB5|GQ)sHSF`#mf`Mx$omsYY!_=;JuScNSy?dAww&(19W&dlR;1kca;oGBvTUUr8cOClCOx"
        "AQkKp3hiya|;_-ZO`ogzyf0i3Hjzfew<&)(9QU#*}kJgZPM6)H}3M476;qgnmd{_X4N)owH>?W#mUyP#OMzZ9m=j"
        "p8JjJ|CVDa36O-}Fes|7$mn1mJn19}{?DX<J<z{2${tGLaVcP"
    ),
    "int8": (
        "c-m87U|<Mw^Dzce3?d8)3^EK7Kw5x-2gv7OU;(ljfMO6_0>nEQ85m9g@e*bR24)5bU;<(jAZ7vLJOBUxXN9tbf!N"
        "vKFU&P4*wf!H-q$t6(Zw;u5oj(C*lZ4{I+)tr%)I!b(!7$)+|>B8)S}|d{5%FWptu9jJ_{gT0c6jBx&x#q4`>&NP"
        "5@$vd->qz3IMSN*mZ1RF*c|kpfL=unL+Ad{$v5`W#kUbcZ=TjmKo|F7O+kR1|vNqLp=iqhFeg(K;|0i8Jd8^U;tz"
        "~3l_T?fY@O9;%@-~n)8#}p3Fb={A7X9hF6=uezIDZr}sbnDxdqxhvFZ8YW>+DyC)$bHrrp;qiog|377MCj-6Rp{2"
        "@r>$FA1;>791P*V9=i953CI_}rUU?48a_$I0rd4C2!gZhd&pFX~ok@%6Kf@9)!FrfdG!%yw8>E*hYJ=Uz^kt9|sF"
        "Yc)W3Hvlm|&@H|`o<R!E`FX&wElEw$1BZnO*xh{a&;Yrg4=N6d^AsS?0OA~|pK=p3^BADv2-7P94i_E<ZX~^+=n#"
        "OiS-=pY2NbrjbOYi8o%SCl&IlC;$-jWcD@dOePz^{LWR?L!KPM>7sQ~3*@eR`d`9B1J*b|J8*ns3bQ&NG6s-zN@R"
        "++$Qg@Iubnz>9+b3K4W4Vt+ONN%pY-(W2Zq|-|Cl1qSzG%+XMP`{ukKczIe1jzDDEb%SPL9#~xtWyk}x5S~L3<2y"
        "wQHZe$K*9!L7pDa{P4hqk5}HPl-NTOLp4;zc*?{N@B>%zG34qNJVBkkGhZ7pEASM9zzOL#"
    ),
}


def product_file(kind: str, rows: int, inputs: int, outputs: int) -> bytes:
    """Return a file that multiplies a matrix with its weights.

    Args:
        kind: ``"float32"`` or ``"int8"``.
        rows: Rows of its input, shape ``(rows, inputs)``.
        inputs: Columns of its input and of its weights, shape ``(outputs, inputs)``.
        outputs: Columns of its output, shape ``(rows, outputs)``.

    Returns:
        The bytes of the file. Weights are small random numbers, or random codes.

    Example:
        >>> from tfedge.runtime.model import TFLiteModel
        >>> TFLiteModel(product_file("int8", 4, 32, 5)).outputs[0].shape
        (4, 5)
    """
    data = bytearray(zlib.decompress(base64.b85decode(_SMALL[kind])))
    model = follow(data, 0)
    tensors = vector(data, element(data, vector(data, model, _SUBGRAPHS), 0), _TENSORS)
    shapes = ((rows, inputs), (outputs, inputs), (rows, outputs))
    for number, shape in enumerate(shapes):
        append_numbers(data, field(data, element(data, tensors, number), _SHAPE), shape)
    buffer = word(data, field(data, element(data, tensors, 1), _BUFFER))
    place = field(data, element(data, vector(data, model, _BUFFERS), buffer), _DATA)
    weights = _weights(kind, shapes[1]).tobytes()
    append_vector(data, place, len(weights), weights)
    return bytes(data)


def _weights(kind: str, shape: tuple[int, int]) -> np.ndarray:
    """Return random weights that let no output overflow."""
    rng = np.random.default_rng(0)
    if kind == "int8":
        return rng.integers(-127, 128, shape, np.int8)
    return (rng.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float32)
