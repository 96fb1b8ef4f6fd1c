"""The feature pyramid: C2 to C5 become P2 to P6, all of one depth.

Feature Pyramid Networks, arXiv:1612.03144, figure 3.
"""

from collections.abc import Mapping, Sequence

import keras

from mrcnn.nn.layers import LayerFactory, Upsampling

LATERALS = ("fpn_c2p2", "fpn_c3p3", "fpn_c4p4", "fpn_c5p5")
"""What brings C2 to C5 to one depth, so that they can be added."""

OUTPUTS = ("fpn_p2", "fpn_p3", "fpn_p4", "fpn_p5")
"""What makes P2 to P5, which the other parts read alike."""


def pyramid_widths(depth: int) -> dict[str, int]:
    """Return the filters of every convolution by layer name."""
    return dict.fromkeys((*LATERALS, *OUTPUTS), depth)


def build_fpn(
    in_channels: Sequence[int], widths: Mapping[str, int], make: LayerFactory
) -> keras.Model:
    """Return the model [C2, C3, C4, C5] -> [P2, P3, P4, P5, P6].

    Args:
        in_channels: of C2 to C5.
        widths: filters by layer name, see `pyramid_widths`.
        make: makes the layers.
    """
    inputs = [
        keras.Input((None, None, channels), name=f"c{level}", dtype=make.compute_dtype)
        for level, channels in enumerate(in_channels, start=2)
    ]
    laterals = [
        make.conv(name, widths[name], 1)(features)
        for name, features in zip(LATERALS, inputs, strict=True)
    ]
    top_down = laterals[-1]
    merged = [top_down]
    for level in (4, 3, 2):
        top_down = Upsampling(name=f"fpn_p{level + 1}upsampled", dtype=make.dtype)(
            top_down
        )
        top_down = keras.layers.Add(name=f"fpn_p{level}add", dtype=make.dtype)(
            [top_down, laterals[level - 2]]
        )
        merged.insert(0, top_down)
    pyramid = [
        make.conv(name, widths[name], 3, padding="same")(features)
        for name, features in zip(OUTPUTS, merged, strict=True)
    ]
    # P6 only serves proposals of the largest scale: every second pixel of P5.
    pyramid.append(
        keras.layers.MaxPooling2D(1, strides=2, name="fpn_p6", dtype=make.dtype)(
            pyramid[-1]
        )
    )
    return keras.Model(inputs, pyramid, name="fpn")
