from .feature_tap import FeatureTap

__all__ = ['FeatureTap']
