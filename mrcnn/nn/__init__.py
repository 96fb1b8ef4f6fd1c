"""The network: Keras layers and models, each one stage of Mask R-CNN."""
