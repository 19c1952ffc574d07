"""Pictures of regions, re-ranking and class hierarchies."""

from mmc2f.visualization.contact_sheet import contact_sheet
from mmc2f.visualization.draw_ablation import draw_ablation
from mmc2f.visualization.draw_confusion import draw_confusion
from mmc2f.visualization.draw_coverage import draw_coverage
from mmc2f.visualization.draw_explanation import draw_explanation
from mmc2f.visualization.draw_map import draw_map
from mmc2f.visualization.draw_record import draw_record
from mmc2f.visualization.draw_regions import draw_regions
from mmc2f.visualization.draw_rerank import draw_rerank
from mmc2f.visualization.draw_resolutions import draw_resolutions
from mmc2f.visualization.draw_sweep import draw_sweep
from mmc2f.visualization.draw_tuning import draw_tuning
from mmc2f.visualization.region_sheet import region_sheet
from mmc2f.visualization.save_picture import save_picture

__all__ = [
    'contact_sheet',
    'draw_ablation',
    'draw_confusion',
    'draw_coverage',
    'draw_explanation',
    'draw_map',
    'draw_record',
    'draw_regions',
    'draw_rerank',
    'draw_resolutions',
    'draw_sweep',
    'draw_tuning',
    'region_sheet',
    'save_picture',
]
