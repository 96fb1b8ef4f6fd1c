"""Arguments, their order and their defaults are those of Matterport's `mrcnn.model`."""

import inspect

import pytest

from mrcnn.matterport import generators, inputs, metas, targets

SIGNATURES = {
    inputs.log: "text, array=None",
    inputs.load_image_gt: (
        "dataset, config, image_id, augment=False, augmentation=None, "
        "use_mini_mask=False"
    ),
    metas.compose_image_meta: (
        "image_id, original_image_shape, image_shape, window, scale, active_class_ids"
    ),
    metas.parse_image_meta: "meta",
    metas.parse_image_meta_graph: "meta",
    metas.mold_image: "images, config",
    metas.unmold_image: "normalized_images, config",
    targets.build_rpn_targets: "image_shape, anchors, gt_class_ids, gt_boxes, config",
    targets.build_detection_targets: (
        "rpn_rois, gt_class_ids, gt_boxes, gt_masks, config"
    ),
    targets.generate_random_rois: "image_shape, count, gt_class_ids, gt_boxes",
    generators.data_generator: (
        "dataset, config, shuffle=True, augment=False, augmentation=None, "
        "random_rois=0, batch_size=1, detection_targets=False, "
        "no_augmentation_sources=None"
    ),
    generators.DataGenerator: (
        "dataset, config, shuffle=True, augmentation=None, random_rois=0, "
        "detection_targets=False"
    ),
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__name__)
def test_signature(function):
    parameters = inspect.signature(function).parameters.values()
    plain = [str(p.replace(annotation=inspect.Parameter.empty)) for p in parameters]
    assert ", ".join(plain) == SIGNATURES[function]
