"""Gallery of train-set embeddings, search in it, and re-ranking by it."""

from mmc2f.retrieval.build_gallery import build_gallery, embed_images
from mmc2f.retrieval.calibrated_rerank import (
    fit_temperature,
    rerank_by_kernel,
    rerank_by_prototypes,
    temper,
)
from mmc2f.retrieval.embedded_images import EmbeddedImages
from mmc2f.retrieval.exact_index import ExactIndex
from mmc2f.retrieval.faiss_index import FaissIndex
from mmc2f.retrieval.fingerprint import fingerprint, run_fingerprint
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.load_gallery import load_gallery
from mmc2f.retrieval.milvus_gallery import MilvusGallery
from mmc2f.retrieval.neighbours import Neighbours, ReRankResult
from mmc2f.retrieval.prediction_record import prediction_record
from mmc2f.retrieval.rerank import (
    mix_scores,
    rerank,
    retrieval_scores,
    retrieval_votes,
    strict_order,
)
from mmc2f.retrieval.rerank_grid import HeldOut
from mmc2f.retrieval.rerank_terms import ReRankTerms, rerank_terms
from mmc2f.retrieval.reranker import ReRanker, ReRankPostProcessor
from mmc2f.retrieval.sharded_gallery import ShardedGallery
from mmc2f.retrieval.sharded_index import ShardedIndex
from mmc2f.retrieval.tune_cascade import (
    TunedCascade,
    tune_cascade,
    tune_cascade_on_folds,
)
from mmc2f.retrieval.tune_rerank import tune_rerank, tune_rerank_on_folds
from mmc2f.retrieval.tuned_rerank import (
    TunedReRank,
    find_cascade,
    find_tuned,
    side_file,
)
from mmc2f.retrieval.whitening import (
    Whitening,
    fit_whitening,
    normalize_parts,
    signed_root,
)

__all__ = [
    'EmbeddedImages',
    'ExactIndex',
    'FaissIndex',
    'Gallery',
    'HeldOut',
    'MilvusGallery',
    'Neighbours',
    'ReRankPostProcessor',
    'ReRankResult',
    'ReRankTerms',
    'ReRanker',
    'ShardedGallery',
    'ShardedIndex',
    'TunedCascade',
    'TunedReRank',
    'Whitening',
    'build_gallery',
    'embed_images',
    'find_cascade',
    'find_tuned',
    'fingerprint',
    'fit_temperature',
    'fit_whitening',
    'load_gallery',
    'mix_scores',
    'normalize_parts',
    'prediction_record',
    'rerank',
    'rerank_by_kernel',
    'rerank_by_prototypes',
    'rerank_terms',
    'retrieval_scores',
    'retrieval_votes',
    'run_fingerprint',
    'side_file',
    'signed_root',
    'strict_order',
    'temper',
    'tune_cascade',
    'tune_cascade_on_folds',
    'tune_rerank',
    'tune_rerank_on_folds',
]
