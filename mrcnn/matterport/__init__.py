"""What code written for Matterport's Mask_RCNN calls, on top of the other modules.

Names, argument orders, defaults and numbers are Matterport's; `mrcnn.utils` and the
other modules of Matterport's names collect them.
"""
