"""The names, arguments and defaults that code written for Matterport's package uses."""

import inspect

import pytest

from mrcnn import model, utils, visualize
from mrcnn.config import Config

UTILS = """
extract_bboxes(mask)
compute_iou(box, boxes, box_area, boxes_area)
compute_overlaps(boxes1, boxes2)
compute_overlaps_masks(masks1, masks2)
non_max_suppression(boxes, scores, threshold)
apply_box_deltas(boxes, deltas)
box_refinement_graph(box, gt_box)
box_refinement(box, gt_box)
resize_image(image, min_dim=None, max_dim=None, min_scale=None, mode='square')
resize_mask(mask, scale, padding, crop=None)
minimize_mask(bbox, mask, mini_shape)
expand_mask(bbox, mini_mask, image_shape)
mold_mask(mask, config)
unmold_mask(mask, bbox, image_shape)
generate_anchors(scales, ratios, shape, feature_stride, anchor_stride)
generate_pyramid_anchors(scales, ratios, feature_shapes, feature_strides, anchor_stride)
trim_zeros(x)
compute_matches(gt_boxes, gt_class_ids, gt_masks, pred_boxes, pred_class_ids, \
pred_scores, pred_masks, iou_threshold=0.5, score_threshold=0.0)
compute_ap(gt_boxes, gt_class_ids, gt_masks, pred_boxes, pred_class_ids, pred_scores, \
pred_masks, iou_threshold=0.5)
compute_ap_range(gt_box, gt_class_id, gt_mask, pred_box, pred_class_id, pred_score, \
pred_mask, iou_thresholds=None, verbose=1)
compute_recall(pred_boxes, gt_boxes, iou)
batch_slice(inputs, graph_fn, batch_size, names=None)
download_trained_weights(coco_model_path, verbose=1)
norm_boxes(boxes, shape)
denorm_boxes(boxes, shape)
resize(image, output_shape, order=1, mode='constant', cval=0, clip=True, \
preserve_range=False, anti_aliasing=False, anti_aliasing_sigma=None)
"""

MODEL = """
log(text, array=None)
compute_backbone_shapes(config, image_shape)
identity_block(input_tensor, kernel_size, filters, stage, block, use_bias=True, \
train_bn=True)
conv_block(input_tensor, kernel_size, filters, stage, block, strides=(2, 2), \
use_bias=True, train_bn=True)
resnet_graph(input_image, architecture, stage5=False, train_bn=True)
apply_box_deltas_graph(boxes, deltas)
clip_boxes_graph(boxes, window)
ProposalLayer(proposal_count, nms_threshold, config=None, **kwargs)
log2_graph(x)
PyramidROIAlign(pool_shape, **kwargs)
overlaps_graph(boxes1, boxes2)
detection_targets_graph(proposals, gt_class_ids, gt_boxes, gt_masks, config)
DetectionTargetLayer(config, **kwargs)
refine_detections_graph(rois, probs, deltas, window, config)
DetectionLayer(config=None, **kwargs)
rpn_graph(feature_map, anchors_per_location, anchor_stride)
build_rpn_model(anchor_stride, anchors_per_location, depth)
fpn_classifier_graph(rois, feature_maps, image_meta, pool_size, num_classes, \
train_bn=True, fc_layers_size=1024)
build_fpn_mask_graph(rois, feature_maps, image_meta, pool_size, num_classes, \
train_bn=True)
smooth_l1_loss(y_true, y_pred)
rpn_class_loss_graph(rpn_match, rpn_class_logits)
rpn_bbox_loss_graph(config, target_bbox, rpn_match, rpn_bbox)
mrcnn_class_loss_graph(target_class_ids, pred_class_logits, active_class_ids)
mrcnn_bbox_loss_graph(target_bbox, target_class_ids, pred_bbox)
mrcnn_mask_loss_graph(target_masks, target_class_ids, pred_masks)
load_image_gt(dataset, config, image_id, augment=False, augmentation=None, \
use_mini_mask=False)
build_detection_targets(rpn_rois, gt_class_ids, gt_boxes, gt_masks, config)
build_rpn_targets(image_shape, anchors, gt_class_ids, gt_boxes, config)
generate_random_rois(image_shape, count, gt_class_ids, gt_boxes)
data_generator(dataset, config, shuffle=True, augment=False, augmentation=None, \
random_rois=0, batch_size=1, detection_targets=False, no_augmentation_sources=None)
DataGenerator(dataset, config, shuffle=True, augmentation=None, random_rois=0, \
detection_targets=False)
MaskRCNN(mode, config, model_dir)
compose_image_meta(image_id, original_image_shape, image_shape, window, scale, \
active_class_ids)
parse_image_meta(meta)
parse_image_meta_graph(meta)
mold_image(images, config)
unmold_image(normalized_images, config)
trim_zeros_graph(boxes, name='trim_zeros')
batch_pack_graph(x, counts, num_rows)
norm_boxes_graph(boxes, shape)
denorm_boxes_graph(boxes, shape)
"""

SESSION = """
build(self, mode, config)
find_last(self)
load_weights(self, filepath, by_name=False, exclude=None)
get_imagenet_weights(self)
compile(self, learning_rate, momentum)
set_trainable(self, layer_regex, keras_model=None, indent=0, verbose=1)
set_log_dir(self, model_path=None)
train(self, train_dataset, val_dataset, learning_rate, epochs, layers, \
augmentation=None, custom_callbacks=None, no_augmentation_sources=None)
mold_inputs(self, images)
unmold_detections(self, detections, mrcnn_mask, original_image_shape, image_shape, \
window)
detect(self, images, verbose=0)
detect_molded(self, molded_images, image_metas, verbose=0)
get_anchors(self, image_shape)
ancestor(self, tensor, name, checked=None)
find_trainable_layer(self, layer)
get_trainable_layers(self)
run_graph(self, images, outputs, image_metas=None)
"""

DATASET = """
add_class(self, source, class_id, class_name)
add_image(self, source, image_id, path, **kwargs)
image_reference(self, image_id)
prepare(self, class_map=None)
map_source_class_id(self, source_class_id)
get_source_class_id(self, class_id, source)
source_image_link(self, image_id)
load_image(self, image_id)
load_mask(self, image_id)
"""

VISUALIZE = """
display_images(images, titles=None, cols=4, cmap=None, norm=None, interpolation=None)
random_colors(N, bright=True)
apply_mask(image, mask, color, alpha=0.5)
display_instances(image, boxes, masks, class_ids, class_names, scores=None, title='', \
figsize, ax=None, show_mask=True, show_bbox=True, colors=None, captions=None)
display_differences(image, gt_box, gt_class_id, gt_mask, pred_box, pred_class_id, \
pred_score, pred_mask, class_names, title='', ax=None, show_mask=True, show_box=True, \
iou_threshold=0.5, score_threshold=0.5)
draw_rois(image, rois, refined_rois, mask, class_ids, class_names, limit=10)
draw_box(image, box, color)
display_top_masks(image, mask, class_ids, class_names, limit=4)
plot_precision_recall(AP, precisions, recalls)
plot_overlaps(gt_class_ids, pred_class_ids, pred_scores, overlaps, class_names, \
threshold=0.5)
draw_boxes(image, boxes=None, refined_boxes=None, masks=None, captions=None, \
visibilities=None, title='', ax=None)
display_table(table)
display_weight_stats(model)
"""

CONFIG = {
    "BACKBONE": "resnet101",
    "BATCH_SIZE": 2,
    "DETECTION_MAX_INSTANCES": 100,
    "DETECTION_MIN_CONFIDENCE": 0.7,
    "DETECTION_NMS_THRESHOLD": 0.3,
    "FPN_CLASSIF_FC_LAYERS_SIZE": 1024,
    "GRADIENT_CLIP_NORM": 5.0,
    "IMAGE_CHANNEL_COUNT": 3,
    "IMAGE_MAX_DIM": 1024,
    "IMAGE_META_SIZE": 13,
    "IMAGE_MIN_DIM": 800,
    "IMAGE_MIN_SCALE": 0,
    "IMAGE_RESIZE_MODE": "square",
    "LEARNING_MOMENTUM": 0.9,
    "LEARNING_RATE": 0.001,
    "MASK_POOL_SIZE": 14,
    "MAX_GT_INSTANCES": 100,
    "POOL_SIZE": 7,
    "POST_NMS_ROIS_INFERENCE": 1000,
    "POST_NMS_ROIS_TRAINING": 2000,
    "PRE_NMS_LIMIT": 6000,
    "ROI_POSITIVE_RATIO": 0.33,
    "RPN_ANCHOR_STRIDE": 1,
    "RPN_NMS_THRESHOLD": 0.7,
    "RPN_TRAIN_ANCHORS_PER_IMAGE": 256,
    "STEPS_PER_EPOCH": 1000,
    "TOP_DOWN_PYRAMID_SIZE": 256,
    "TRAIN_BN": False,
    "TRAIN_ROIS_PER_IMAGE": 200,
    "USE_MINI_MASK": True,
    "USE_RPN_ROIS": True,
    "VALIDATION_STEPS": 50,
    "WEIGHT_DECAY": 0.0001,
}


def entries(owner: object, table: str) -> list:
    """Return a test case for each line of a table."""
    label = getattr(owner, "__name__", "").rsplit(".", 1)[-1]
    return [
        pytest.param(owner, line, id=f"{label}.{line.partition('(')[0]}")
        for line in table.strip().splitlines()
    ]


def written(parameter: inspect.Parameter) -> str:
    """Return an argument as the tables write it."""
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    if parameter.name == "figsize" or parameter.default is parameter.empty:
        return parameter.name  # the size of a figure is ours to choose
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize(
    ("owner", "line"),
    [
        *entries(utils, UTILS),
        *entries(model, MODEL),
        *entries(model.MaskRCNN, SESSION),
        *entries(utils.Dataset, DATASET),
        *entries(visualize, VISUALIZE),
    ],
)
def test_arguments_are_where_they_were(owner, line):
    name, _, arguments = line.partition("(")
    expected = arguments.removesuffix(")")
    parameters = inspect.signature(getattr(owner, name)).parameters.values()
    found = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]  # ours alone
    if found[-1].name == "ax" and "ax=None" not in expected:
        found.pop()  # axes to draw on may be given at the end
    assert ", ".join(map(written, found)) == expected


@pytest.mark.parametrize(("name", "value"), CONFIG.items())
def test_settings_have_their_defaults(name, value):
    assert getattr(Config(), name) == value


def test_settings_that_are_sequences():
    config = Config()
    assert list(config.BACKBONE_STRIDES) == [4, 8, 16, 32, 64]
    assert list(config.RPN_ANCHOR_SCALES) == [32, 64, 128, 256, 512]
    assert list(config.RPN_ANCHOR_RATIOS) == [0.5, 1, 2]
    assert list(config.MINI_MASK_SHAPE) == [56, 56]
    assert list(config.MASK_SHAPE) == [28, 28]
    assert list(config.IMAGE_SHAPE) == [1024, 1024, 3]
    assert list(config.MEAN_PIXEL) == [123.7, 116.8, 103.9]
    assert list(config.RPN_BBOX_STD_DEV) == [0.1, 0.1, 0.2, 0.2]
    assert list(config.BBOX_STD_DEV) == [0.1, 0.1, 0.2, 0.2]
    assert set(config.LOSS_WEIGHTS.values()) == {1.0}
