from .hierarchical_head import HierarchicalHead
from .multi_level_head import MultiLevelHead

__all__ = ['HierarchicalHead', 'MultiLevelHead']
