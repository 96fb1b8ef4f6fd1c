"""Pure functions of arrays: no layers, no state, no configuration.

Functions that both the data pipeline and the network need take `xp`, the namespace to
compute in: `keras.ops` by default, `numpy` for arrays outside the network.
"""
