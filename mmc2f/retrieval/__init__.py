"""Gallery of train-set embeddings, search in it, and re-ranking by it."""

from .build_gallery import build_gallery
from .exact_index import ExactIndex
from .faiss_index import FaissIndex
from .fingerprint import fingerprint
from .gallery import Gallery
from .neighbours import Neighbours
from .rerank import rerank, retrieval_scores
from .rerank_post_processor import ReRankPostProcessor
from .rerank_result import ReRankResult

__all__ = [
    'ExactIndex',
    'FaissIndex',
    'Gallery',
    'Neighbours',
    'ReRankPostProcessor',
    'ReRankResult',
    'build_gallery',
    'fingerprint',
    'rerank',
    'retrieval_scores',
]
