from .multi_level_head import MultiLevelHead

__all__ = ['MultiLevelHead']
