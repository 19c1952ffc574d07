"""Gallery of train-set embeddings, search in it, and re-ranking by it."""

from .rerank import rerank, retrieval_scores

__all__ = ['rerank', 'retrieval_scores']
