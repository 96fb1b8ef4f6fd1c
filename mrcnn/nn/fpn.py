"""The feature pyramid: C2 to C5 become P2 to P6, all of one depth.

Feature Pyramid Networks, arXiv:1612.03144, figure 3.
"""

from collections.abc import Sequence

import keras

from mrcnn.nn.layers import LayerFactory


def build_fpn(
    in_channels: Sequence[int], out_channels: int, make: LayerFactory
) -> keras.Model:
    """Return the model [C2, C3, C4, C5] -> [P2, P3, P4, P5, P6].

    Args:
        in_channels: of C2 to C5.
        out_channels: of every level of the pyramid.
        make: makes the layers.
    """
    inputs = [
        keras.Input((None, None, channels), name=f"c{level}", dtype=make.compute_dtype)
        for level, channels in enumerate(in_channels, start=2)
    ]
    top_down = make.conv("fpn_c5p5", out_channels, 1)(inputs[3])
    merged = [top_down]
    for level in (4, 3, 2):
        lateral = make.conv(f"fpn_c{level}p{level}", out_channels, 1)(inputs[level - 2])
        top_down = keras.layers.UpSampling2D(
            2, name=f"fpn_p{level + 1}upsampled", dtype=make.dtype
        )(top_down)
        top_down = keras.layers.Add(name=f"fpn_p{level}add", dtype=make.dtype)(
            [top_down, lateral]
        )
        merged.insert(0, top_down)
    pyramid = [
        make.conv(f"fpn_p{level}", out_channels, 3, padding="same")(features)
        for level, features in enumerate(merged, start=2)
    ]
    # P6 only serves proposals of the largest scale: every second pixel of P5.
    pyramid.append(
        keras.layers.MaxPooling2D(1, strides=2, name="fpn_p6", dtype=make.dtype)(
            pyramid[-1]
        )
    )
    return keras.Model(inputs, pyramid, name="fpn")
