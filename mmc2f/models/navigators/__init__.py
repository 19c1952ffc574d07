from .fpn_navigator_head import FPNNavigatorHead

__all__ = ['FPNNavigatorHead']
