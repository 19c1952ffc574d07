"""Gallery of train-set embeddings, search in it, and re-ranking by it."""

from mmc2f.retrieval.build_gallery import build_gallery
from mmc2f.retrieval.exact_index import ExactIndex
from mmc2f.retrieval.faiss_index import FaissIndex
from mmc2f.retrieval.fingerprint import fingerprint
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.neighbours import Neighbours
from mmc2f.retrieval.prediction_record import prediction_record
from mmc2f.retrieval.rerank import rerank, retrieval_scores
from mmc2f.retrieval.rerank_post_processor import ReRankPostProcessor
from mmc2f.retrieval.rerank_result import ReRankResult
from mmc2f.retrieval.reranker import ReRanker

__all__ = [
    'ExactIndex',
    'FaissIndex',
    'Gallery',
    'Neighbours',
    'ReRankPostProcessor',
    'ReRankResult',
    'ReRanker',
    'build_gallery',
    'fingerprint',
    'prediction_record',
    'rerank',
    'retrieval_scores',
]
