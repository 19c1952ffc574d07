"""Predictions for more images than one process can make."""

from mmc2f.apis.batch_predict.answer_table import answer_table, read_answers
from mmc2f.apis.batch_predict.batch_predict import batch_predict
from mmc2f.apis.batch_predict.image_list import list_images
from mmc2f.apis.batch_predict.job import Job, JobSummary, PredictionSettings
from mmc2f.apis.batch_predict.part_predictor import PartPredictor
from mmc2f.apis.batch_predict.ray_parts import RayOptions

__all__ = [
    'Job',
    'JobSummary',
    'PartPredictor',
    'PredictionSettings',
    'RayOptions',
    'answer_table',
    'batch_predict',
    'list_images',
    'read_answers',
]
