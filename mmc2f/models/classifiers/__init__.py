from .ccfr import CCFR

__all__ = ['CCFR']
