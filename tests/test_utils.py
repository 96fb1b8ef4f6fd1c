"""The facade `mrcnn.utils`: every name and signature of Matterport's module."""

import inspect

import pytest

from mrcnn import utils
from mrcnn.data.dataset import Dataset

SEVEN = "gt_boxes, gt_class_ids, gt_masks, pred_boxes, pred_class_ids, pred_scores"
SIGNATURES = {
    "extract_bboxes": "(mask)",
    "compute_iou": "(box, boxes, box_area, boxes_area)",
    "compute_overlaps": "(boxes1, boxes2)",
    "compute_overlaps_masks": "(masks1, masks2)",
    "non_max_suppression": "(boxes, scores, threshold)",
    "apply_box_deltas": "(boxes, deltas)",
    "box_refinement_graph": "(box, gt_box)",
    "box_refinement": "(box, gt_box)",
    "resize_image": "(image, min_dim=None, max_dim=None, min_scale=None, "
    "mode='square')",
    "resize_mask": "(mask, scale, padding, crop=None)",
    "minimize_mask": "(bbox, mask, mini_shape)",
    "expand_mask": "(bbox, mini_mask, image_shape)",
    "mold_mask": "(mask, config)",
    "unmold_mask": "(mask, bbox, image_shape)",
    "generate_anchors": "(scales, ratios, shape, feature_stride, anchor_stride)",
    "generate_pyramid_anchors": "(scales, ratios, feature_shapes, feature_strides, "
    "anchor_stride)",
    "trim_zeros": "(x)",
    "compute_matches": f"({SEVEN}, pred_masks, iou_threshold=0.5, score_threshold=0.0)",
    "compute_ap": f"({SEVEN}, pred_masks, iou_threshold=0.5)",
    "compute_ap_range": "(gt_box, gt_class_id, gt_mask, pred_box, pred_class_id, "
    "pred_score, pred_mask, iou_thresholds=None, verbose=1)",
    "compute_recall": "(pred_boxes, gt_boxes, iou)",
    "batch_slice": "(inputs, graph_fn, batch_size, names=None)",
    "download_trained_weights": "(coco_model_path, verbose=1)",
    "norm_boxes": "(boxes, shape)",
    "denorm_boxes": "(boxes, shape)",
    "resize": "(image, output_shape, order=1, mode='constant', cval=0, clip=True, "
    "preserve_range=False, anti_aliasing=False, anti_aliasing_sigma=None)",
}
METHODS = {
    "__init__": "(self, class_map=None)",
    "add_class": "(self, source, class_id, class_name)",
    "add_image": "(self, source, image_id, path, **kwargs)",
    "image_reference": "(self, image_id)",
    "prepare": "(self, class_map=None)",
    "map_source_class_id": "(self, source_class_id)",
    "get_source_class_id": "(self, class_id, source)",
    "source_image_link": "(self, image_id)",
    "load_image": "(self, image_id)",
    "load_mask": "(self, image_id)",
}


def signature(function) -> str:
    """Return names, kinds and defaults of a function's arguments."""
    found = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    return str(inspect.Signature(bare))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_matterports(name):
    assert signature(getattr(utils, name)) == SIGNATURES[name]


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_the_dataset_are_matterports(name):
    assert signature(getattr(utils.Dataset, name)) == METHODS[name]


def test_nothing_is_missing_or_made_up():
    assert set(utils.__all__) == {*SIGNATURES, "Dataset", "COCO_MODEL_URL"}
    assert utils.Dataset is Dataset
    assert utils.COCO_MODEL_URL.endswith("/v2.0/mask_rcnn_coco.h5")
    assert len(SIGNATURES) == 26
