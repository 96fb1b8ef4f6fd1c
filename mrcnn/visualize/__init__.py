"""All pictures of this package, in one style; the only place that imports Matplotlib.

Functions of Matterport's `visualize.py` keep their names, arguments and defaults. Every
function draws on the axes it is given and returns them, or makes a figure and returns
that; a notebook shows it once either way. Those of Matterport's that opened a window in
a script still do: `display_images`, `display_instances`, `display_differences` and
`display_top_masks`. The other figures of a script are shown by `pyplot.show()`.
"""

from mrcnn.visualize.boxes import draw_box, draw_boxes, draw_rois
from mrcnn.visualize.charts import (
    plot_confusion,
    plot_history,
    plot_precision_recall,
    plot_precision_recall_curves,
)
from mrcnn.visualize.comparison import (
    differences_gallery,
    display_differences,
    plot_overlaps,
)
from mrcnn.visualize.curves import (
    plot_bars,
    plot_growth,
    plot_histograms,
    plot_points,
    plot_series,
)
from mrcnn.visualize.failures import failure_gallery, hardest_gallery
from mrcnn.visualize.galleries import (
    cut_out_gallery,
    display_images,
    display_top_masks,
    grid,
    show_augmentations,
)
from mrcnn.visualize.instances import (
    display_instances,
    random_colors,
    semantic_view,
)
from mrcnn.visualize.masks import apply_mask, class_map, colour_splash
from mrcnn.visualize.outlines import cut_outs, outlines, soft_edges
from mrcnn.visualize.prints import (
    DOUBLE_COLUMN,
    SINGLE_COLUMN,
    Print,
    save_print,
)
from mrcnn.visualize.proposals import draw_anchors, draw_proposals
from mrcnn.visualize.pruning import (
    plot_frontier,
    plot_heat_maps,
    plot_intervals,
    plot_over_sparsity,
    plot_trade_off,
)
from mrcnn.visualize.reports import plot_ap_by_size, plot_task_report
from mrcnn.visualize.sets import (
    instance_gallery,
    plot_sizes,
    truth_gallery,
)
from mrcnn.visualize.stages import draw_masks, draw_score_maps
from mrcnn.visualize.style import look, new_figure, palette
from mrcnn.visualize.tables import display_table, display_weight_stats

__all__ = [
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "Print",
    "apply_mask",
    "class_map",
    "colour_splash",
    "cut_out_gallery",
    "cut_outs",
    "differences_gallery",
    "display_differences",
    "display_images",
    "display_instances",
    "display_table",
    "display_top_masks",
    "display_weight_stats",
    "draw_anchors",
    "draw_box",
    "draw_boxes",
    "draw_masks",
    "draw_proposals",
    "draw_rois",
    "draw_score_maps",
    "failure_gallery",
    "grid",
    "hardest_gallery",
    "instance_gallery",
    "look",
    "new_figure",
    "outlines",
    "palette",
    "plot_ap_by_size",
    "plot_bars",
    "plot_confusion",
    "plot_frontier",
    "plot_growth",
    "plot_heat_maps",
    "plot_histograms",
    "plot_history",
    "plot_intervals",
    "plot_over_sparsity",
    "plot_overlaps",
    "plot_points",
    "plot_precision_recall",
    "plot_precision_recall_curves",
    "plot_series",
    "plot_sizes",
    "plot_task_report",
    "plot_trade_off",
    "random_colors",
    "save_print",
    "semantic_view",
    "show_augmentations",
    "soft_edges",
    "truth_gallery",
]
