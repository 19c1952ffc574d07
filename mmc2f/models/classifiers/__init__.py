from .ccfr import CCFR
from .embedding_classifier import EmbeddingClassifier

__all__ = ['CCFR', 'EmbeddingClassifier']
