"""Tables in a terminal."""

import types

import keras
import numpy as np

from mrcnn import visualize


def test_columns_line_up(capsys):
    visualize.display_table([["NAME", "N"], ["a long one", 3]])
    assert capsys.readouterr().out == "NAME        N\na long one  3\n"


def test_suspicious_weights_are_marked(capsys):
    fine, dead, huge = (keras.layers.Dense(2, name=n) for n in ("fine", "dead", "huge"))
    for layer in (fine, dead, huge):
        layer.build((None, 3))
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    fine.kernel.assign(values)
    dead.kernel.assign(np.zeros_like(values))
    huge.kernel.assign(-1e3 * values)
    model = types.SimpleNamespace(get_trainable_layers=lambda: [fine, dead, huge])
    visualize.display_weight_stats(model)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "***" not in lines["fine/kernel"] + lines["fine/bias"] + lines["dead/bias"]
    assert "*** dead?" in lines["dead/kernel"]
    assert "*** overflow?" in lines["huge/kernel"]
    assert "(3, 2)" in lines["fine/kernel"]
    assert "+5.0000" in lines["fine/kernel"]
